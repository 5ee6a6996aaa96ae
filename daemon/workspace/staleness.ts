/**
 * Staleness: observed changes of files with pending or stale patches become patch/stale and patch/pending.
 * Owns when to look and that those files are HIGH; what counts as changed is staging's (stale.ts).
 * The apply looks for itself: nothing here is needed for its correctness.
 */
import { setImmediate as turnOfTheLoop } from "node:timers/promises";
import { ancestorsOf, faultKind } from "../disk/index.ts";
import { pathsOf, type Unseen } from "../staging/index.ts";
import type { EventRow, PatchRow, Store } from "../store/index.ts";
import type { RootWatch } from "../watch/index.ts";
import type { Serial } from "./serial.ts";

export interface Staleness {
  /** Looks at every unsettled patch, e.g. after a start: the disk may have moved while nobody watched. */
  lookAtAll(): Promise<void>;
  stop(): void;
}

interface Parts {
  readonly store: Store;
  readonly workspace: string;
  readonly watch: RootWatch;
  readonly write: Serial;
  readonly settle: (patches: readonly PatchRow[]) => Promise<readonly Unseen[]>;
  readonly failed: (error: unknown) => void;
}

type Paths = Pick<PatchRow, "path" | "from">;

/** The files of the patch or the operation that an event is about: every move of a patch is told of by one of them. */
function pathsIn({ body }: EventRow): string[] {
  const { patch, operation } = body as { patch?: Paths; operation?: { files: readonly Paths[] } };
  return patch ? pathsOf(patch) : (operation?.files.map(({ path }) => path) ?? []);
}

/** Paths whose patches are asked for between two turns of the loop: some milliseconds where all have one. */
const ASKED_AT_ONCE = 500;

/** Events read between two turns of the loop. */
const READ_AT_ONCE = 100;

/** Between two looks at a file that somebody keeps writing. */
const AGAIN_MS = 300;

export function followStaleness(parts: Parts): Staleness {
  const { store, workspace, watch, write, settle, failed } = parts;
  let seen = new Set<string>();
  let following = false;
  /** The last event that HIGH has followed. */
  let read = store.events.last();
  let stopped = false;
  let busy = new Set<string>();
  let again: NodeJS.Timeout | undefined;

  /** One turn of the write lock for all that was seen meanwhile: no promotion runs beside it. */
  const settleSeen = async (): Promise<void> => {
    const paths = [...seen];
    seen = new Set();
    const patches: PatchRow[] = [];
    for (let at = 0; at < paths.length; at += ASKED_AT_ONCE) {
      if (at > 0) await turnOfTheLoop();
      patches.push(...store.patches.unsettledAt(workspace, paths.slice(at, at + ASKED_AT_ONCE)));
    }
    const unseen = await settle(patches);
    if (stopped) return;
    const written = unseen.filter(({ error }) => faultKind(error) === "Busy");
    const [told = written[0]] = unseen.filter((one) => !written.includes(one));
    if (told) failed(told.error);
    if (written.length > 0) lookAgain(written.map(({ patch }) => patch));
  };
  /** RACE: the change that ended the writing may have been seen before the look that came too early had ended. */
  const lookAgain = (patches: readonly PatchRow[]): void => {
    for (const path of patches.flatMap(pathsOf)) busy.add(path);
    again ??= setTimeout(() => {
      const paths = busy;
      [busy, again] = [new Set(), undefined];
      void look(paths);
    }, AGAIN_MS);
  };
  const look = async (paths: Iterable<string>): Promise<void> => {
    const asked = seen.size > 0;
    for (const path of paths) seen.add(path);
    if (asked || seen.size === 0) return;
    await write(settleSeen).catch((error) => {
      if (!stopped) failed(error);
    });
  };
  /** What has a patch now is HIGH: with ten thousand pending, only those are asked about that something happened to. */
  const followHigh = (): void => {
    if (following) return;
    following = true;
    setImmediate(() => {
      following = false;
      if (stopped) return;
      const events = store.events.since(read, { workspace }, READ_AT_ONCE);
      read = events.at(-1)?.seq ?? read;
      const paths = new Set(events.flatMap(pathsIn));
      if (paths.size > ASKED_AT_ONCE) watch.setHigh(store.patches.unsettledPaths(workspace));
      else watch.setHigh(store.patches.unsettledAt(workspace, [...paths]).flatMap(pathsOf), paths);
      // What a session removes, or does not any more, decides whether its file can have the place of a directory.
      const above = new Set([...paths].flatMap(ancestorsOf));
      const isMany = above.size > ASKED_AT_ONCE;
      if (isMany || store.patches.unsettledAt(workspace, [...above]).length > 0) void look(above);
      if (events.length === READ_AT_ONCE) followHigh();
    });
  };

  const stopEvents = store.events.listen((event) => {
    if (event.workspace === workspace) followHigh();
  });
  const stopChanges = watch.onChanges((changed) => {
    // Which of them have patches is asked when no promotion runs: one tells of each of its files by itself.
    void look(changed);
  });
  const lookAtAll = () => look(store.patches.unsettledPaths(workspace));
  let crawling = watch.state === "crawling";
  const stopStates = watch.onState((state) => {
    // A file that went before the crawl came to it is news to nobody: it was never known.
    if (crawling && state !== "crawling") void lookAtAll();
    crawling = state === "crawling";
  });
  watch.setHigh(store.patches.unsettledPaths(workspace));
  return {
    lookAtAll,
    stop: () => {
      stopped = true;
      clearTimeout(again);
      stopEvents();
      stopChanges();
      stopStates();
    },
  };
}
