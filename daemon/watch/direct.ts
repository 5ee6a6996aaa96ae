/**
 * Direct watches: one `fs.watch` for each directory that is listed, as far as the budget goes, and beyond it for those
 * where something happens: the one where nothing has happened for longest makes room.
 * Owns the handles and knows which directories are covered and which are not; what is not, the native child sees.
 * Urgent directories (with HIGH paths) are always covered, and make room for none; RESERVE of them are beyond the budget.
 * Hints from here come within milliseconds, in the order in which things happened, and are never merged: all handles
 * share one kernel queue, so a cookie that comes out of it proves that everything before it came out too (cookies.ts).
 * The one loss it can have is an overflow of that queue, of which libuv says nothing: it needs as many unread events
 * as the queue holds, and they are then all read in one go, so a burst of a quarter of that is taken for a loss.
 * Failure: a directory that cannot be watched is uncovered; the watch limit ends the budget and is reported once. The
 * child says nothing when it cannot watch a new directory, so beyond the budget it is tried here now and then whether
 * there is a watch to be had.
 * Source: inotify(7); libuv src/unix/linux.c, uv__inotify_read (reads until EAGAIN, skips IN_Q_OVERFLOW).
 */

import { type FSWatcher, watch } from "node:fs";
import path from "node:path";
import { joinPath } from "../disk/path.ts";

export interface Direct {
  readonly size: number;
  /** Directories that are listed but not watched here. */
  readonly uncovered: ReadonlySet<string>;
  /** Covers a directory, before it is read; false when it stays uncovered. */
  watch(directory: string): boolean;
  /**
   * Something happens in a directory, or, where it is `urgent`, may not be missed: true when it is not covered but will
   * be, by `watch`, when it is read next.
   */
  warm(directory: string, urgent?: boolean): boolean;
  has(directory: string): boolean;
  /** Whether a directory is to be covered when it is read next. */
  isWanted(directory: string): boolean;
  /** Ends a directory's watch: it is gone, or another one has its name. */
  drop(directory: string): void;
  dropBelow(directory: string): void;
  close(): void;
}

export interface DirectHooks {
  /** Something happened to this path; `written`: its bytes or attributes changed, not its name. */
  hint(path: string, written: boolean): void;
  /** Whether a directory has HIGH paths: asked when it is about to make room. */
  isUrgent(directory: string): boolean;
  /** Events may have been lost. */
  lost(): void;
  /** The system has no more watches to give. */
  limit(): void;
}

/** One in so many of the directories beyond the budget is tried: a hundredth of a crawl's time. */
const TRIED_OF = 16;

/** Urgent directories that are covered beyond the budget. */
const RESERVE = 256;
/** A directory where something happened this short ago makes no room, but for an urgent one. */
const WARM_MS = 10_000;
/** Directories looked at, the coldest first, for one that can make room. */
const CANDIDATES = 32;

interface Watched {
  readonly watcher: FSWatcher;
  /** When it was covered, or something happened in it. */
  stirredAt: number;
}

export function openDirect(root: string, budget: number, queueLength: number, hooks: DirectHooks): Direct {
  /** While not all are covered, the coldest first. */
  const watchers = new Map<string, Watched>();
  /** Not covered yet; true: urgent. */
  const wanted = new Map<string, boolean>();
  const uncovered = new Set<string>();
  const count = burstCounter(Math.floor(queueLength / 4), hooks.lost);
  let full = false;
  let refused = 0;

  const drop = (directory: string): void => {
    watchers.get(directory)?.watcher.close();
    watchers.delete(directory);
    uncovered.delete(directory);
    wanted.delete(directory);
  };

  const stir = (directory: string): void => {
    const watched = uncovered.size > 0 ? watchers.get(directory) : undefined;
    if (!watched) return;
    watched.stirredAt = performance.now();
    watchers.delete(directory);
    watchers.set(directory, watched);
  };

  /** Ends the watch of the coldest directory that is not urgent; false where there is none. */
  const makeRoom = (urgent: boolean): boolean => {
    for (const [directory, { stirredAt }] of [...watchers.entries().take(CANDIDATES)]) {
      if (!urgent && isWarm(stirredAt)) return false;
      if (directory === "" || hooks.isUrgent(directory)) {
        stir(directory);
        continue;
      }
      drop(directory);
      uncovered.add(directory);
      return true;
    }
    return false;
  };

  const mayOpen = (directory: string): boolean => {
    if (watchers.size < budget) return true;
    const urgent = wanted.get(directory);
    if (urgent === undefined) return false;
    return makeRoom(urgent) || (urgent && watchers.size < budget + RESERVE);
  };

  const onEvent = (directory: string, type: string, name: string | null): void => {
    count();
    stir(directory);
    if (name === null) {
      hooks.hint(directory, false);
      return;
    }
    // A directory that is deleted or moved says so under its own name; so does a child of that name.
    if (type === "rename" && name === path.basename(directory || root)) {
      if (directory !== "") drop(directory);
      hooks.hint(directory, false);
    }
    hooks.hint(joinPath(directory, name), type === "change");
  };

  const open = (directory: string): FSWatcher | undefined => {
    const isBeyond = !mayOpen(directory);
    if (full || (isBeyond && refused++ % TRIED_OF !== 0)) return undefined;
    try {
      const watcher = watch(path.join(root, directory), { persistent: false }, (type, name) =>
        onEvent(directory, type, name),
      );
      watcher.on("error", () => drop(directory));
      if (!isBeyond) return watcher;
      watcher.close();
      return undefined;
    } catch (error) {
      // ENOSPC: watches per user; EMFILE: instances per user, or file descriptors.
      full = ["ENOSPC", "EMFILE", "ENFILE"].includes((error as NodeJS.ErrnoException).code ?? "");
      if (full) hooks.limit();
      return undefined;
    }
  };

  return {
    get size() {
      return watchers.size;
    },
    uncovered,
    watch(directory) {
      if (watchers.has(directory)) return true;
      const watcher = open(directory);
      wanted.delete(directory);
      if (watcher) {
        watchers.set(directory, { watcher, stirredAt: performance.now() });
        uncovered.delete(directory);
      } else {
        uncovered.add(directory);
      }
      return watcher !== undefined;
    },
    warm(directory, urgent = false) {
      if (full || !uncovered.has(directory) || wanted.get(directory) === true) return false;
      const [coldest] = watchers.values();
      if (!urgent && (wanted.has(directory) || !coldest || isWarm(coldest.stirredAt))) return false;
      wanted.set(directory, urgent);
      return true;
    },
    isWanted: (directory) => wanted.has(directory),
    has: (directory) => watchers.has(directory),
    drop,
    dropBelow(directory) {
      const prefix = `${directory}/`;
      for (const one of [...watchers.keys(), ...uncovered]) if (one.startsWith(prefix)) drop(one);
    },
    close() {
      for (const { watcher } of watchers.values()) watcher.close();
      watchers.clear();
      uncovered.clear();
    },
  };
}

function isWarm(stirredAt: number): boolean {
  return performance.now() - stirredAt < WARM_MS;
}

/** Counts calls within one turn of the loop, and calls `burst` once a turn when there are `limit` of them. */
function burstCounter(limit: number, burst: () => void): () => void {
  let calls = 0;
  return () => {
    calls += 1;
    if (calls === 1) setImmediate(() => (calls = 0));
    if (calls === limit) burst();
  };
}
