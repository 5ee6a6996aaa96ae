/**
 * Cookies: numbered files in a directory of the state directory, written to prove what a watcher has seen.
 * Owns that directory. Two watchers see it: the direct watches' queue, through a watch of its own, and the native child.
 * - `prove`: the direct queue is in order and shared by all direct watches, so a cookie that was written after a change
 *   and came out of it proves that the change came out too.
 * - `heardByChild`: the same through the child, twice over: its reports for two directories are put in order only by
 *   the next round of its debounce. No proof, since it merges and loses events, but all there is below ignored
 *   directories.
 * - `beat`: while events flow, a cookie each BEAT_MS. The child reports them in order; a number missing below one that
 *   came means events were lost, and one that does not come at all means that the child hangs.
 * A directory that somebody took away is made again: neither watcher sees the new one, so both are begun anew.
 * Invariant: a cookie is removed only after the child has seen it, since the child merges a creation and a deletion
 * into nothing. Timers run only while cookies are on their way.
 * Source: watchman website/docs/cookies.md; parcel-bundler/watcher src/Event.hh.
 */

import { type FSWatcher, mkdirSync, readdirSync, rmSync, unlink, watch, writeFile } from "node:fs";
import { rm } from "node:fs/promises";
import path from "node:path";

export interface Cookies {
  /** Whether `prove` can work: the directory is watched directly. */
  readonly direct: boolean;
  /** Resolves when everything that happened before the call came out of the direct queue. Rejects with `signal`'s reason. */
  prove(signal: AbortSignal): Promise<void>;
  /** Resolves when the live child has told what it saw before the call; rejects with `signal`'s reason. */
  heardByChild(signal: AbortSignal): Promise<void>;
  /** Events are flowing. */
  beat(): void;
  /** The child reports these names. */
  seenByChild(names: readonly string[]): void;
  /** A new child is live, or none is: cookies on their way to the old one are off. */
  childChanged(live: boolean): void;
  /** Takes the directory away. */
  close(): Promise<void>;
}

export interface CookieHooks {
  /** The child lost events. */
  lost(): void;
  /** The child reports nothing any more. */
  stalled(): void;
  /** The child watches a directory that is gone. */
  moved(): void;
}

const BEAT_MS = 100;
/** Longer than the native debounce (500 ms) and a storm's backlog; a replacement costs a crawl. */
const STALL_MS = 10_000;
/** A cookie may itself be lost to an overflow: after this long another is written. */
const RETRY_MS = 250;

export function openCookies(directory: string, hooks: CookieHooks): Cookies {
  make(directory);
  for (const name of readdirSync(directory)) rmSync(path.join(directory, name), { force: true });
  const proofs = new Map<number, () => void>();
  const hearings = new Map<number, () => void>();
  const onTheirWay = new Map<number, number>();
  let last = 0;
  let childLive = false;
  let closed = false;
  let beatTimer: NodeJS.Timeout | undefined;
  let stallTimer: NodeJS.Timeout | undefined;

  const seenDirectly = (name: string | null): void => {
    if (name === path.basename(directory)) beginAnew();
    const number = Number(name);
    for (const [waiting, resolve] of proofs) if (waiting <= number) resolve();
    if (!childLive) remove(number);
  };
  let watcher = watchQuietly(directory, seenDirectly);

  /** The directory is gone, or another has its name. */
  const beginAnew = (): void => {
    if (closed) return;
    watcher?.close();
    onTheirWay.clear();
    try {
      make(directory);
    } catch {
      return; // The state directory is gone too: tried again with the next cookie.
    }
    watcher = watchQuietly(directory, seenDirectly);
    hooks.moved();
  };

  const remove = (number: number): void => unlink(path.join(directory, String(number)), () => {});

  const write = (): void => {
    // Whoever still waits would prove with it to the directory's next owner what that one has not seen.
    if (closed) return;
    last += 1;
    const number = last;
    if (childLive) {
      onTheirWay.set(number, performance.now());
      stallTimer ??= setTimeout(checkStall, STALL_MS).unref();
    }
    writeFile(path.join(directory, String(number)), "", (error) => {
      if (error?.code === "ENOENT") beginAnew();
      else if (!childLive && proofs.size === 0) remove(number);
    });
  };

  const checkStall = (): void => {
    stallTimer = undefined;
    const [oldest] = onTheirWay.values();
    if (oldest === undefined) return;
    const age = performance.now() - oldest;
    if (age >= STALL_MS) {
      onTheirWay.clear();
      hooks.stalled();
    } else stallTimer = setTimeout(checkStall, STALL_MS - age).unref();
  };

  /** Writes cookies until `seen` has one of them. */
  const roundTrip = (seen: Map<number, () => void>, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const first = last + 1;
      const finish = (end: () => void) => (): void => {
        clearInterval(retry);
        signal.removeEventListener("abort", abort);
        seen.delete(first);
        end();
      };
      const abort = finish(() => reject(signal.reason as Error));
      const retry = setInterval(write, RETRY_MS);
      seen.set(first, finish(resolve));
      signal.addEventListener("abort", abort, { once: true });
      if (signal.aborted) abort();
      else write();
    });

  return {
    get direct() {
      return watcher !== undefined;
    },
    prove: (signal) => roundTrip(proofs, signal),
    async heardByChild(signal) {
      await roundTrip(hearings, signal);
      await roundTrip(hearings, signal);
    },
    beat() {
      if (beatTimer || !childLive) return;
      beatTimer = setTimeout(() => {
        beatTimer = undefined;
        write();
      }, BEAT_MS).unref();
    },
    seenByChild(names) {
      const numbers = names.map(Number).sort((one, other) => one - other);
      for (const number of numbers) if (onTheirWay.delete(number)) remove(number);
      const newest = numbers.at(-1) ?? 0;
      for (const [waiting, resolve] of hearings) if (waiting <= newest) resolve();
      const missing = [...onTheirWay.keys()].filter((number) => number < newest);
      for (const number of missing) {
        onTheirWay.delete(number);
        remove(number);
      }
      if (missing.length > 0) hooks.lost();
    },
    childChanged(live) {
      childLive = live;
      for (const number of onTheirWay.keys()) remove(number);
      onTheirWay.clear();
    },
    close() {
      closed = true;
      watcher?.close();
      clearTimeout(beatTimer);
      clearTimeout(stallTimer);
      childLive = false;
      // Again where a cookie that was on its way came in between.
      return rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 10 });
    },
  };
}

function make(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
}

function watchQuietly(directory: string, seen: (name: string | null) => void): FSWatcher | undefined {
  try {
    const watcher = watch(directory, { persistent: false }, (_, name) => seen(name));
    watcher.on("error", () => {});
    return watcher;
  } catch {
    return undefined; // The watch limit: `sync` crawls instead.
  }
}
