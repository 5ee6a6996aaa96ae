/**
 * Reconciling: brings the rows to what is on disk, driven by hints and by crawls.
 * Owns the one queue of a root: hints in batches (batch.ts), and crawls, a few directories at a time, in between. What
 * is urgent (lanes.ts) has its turn between any two steps. Where hints come from is direct.ts and native.ts.
 * Invariants: one step runs at a time, so rows are written in the order of the looks (own writes, which come in
 * between, are looked at again); what was hinted before `flush` is in the table when it resolves.
 * Time: what appears or vanishes is believed after a hold, at once by `flush`. Bounded: beyond MAX_PENDING hints a
 * crawl takes their place.
 * Failure: an error of the table or the disk ends the step and fails those who wait; the owner asks for a crawl.
 */

import { setImmediate } from "node:timers/promises";
import { runBatch } from "./batch.ts";
import type { Ground } from "./examine.ts";
import { openFolds } from "./folds.ts";
import { openHolds } from "./holds.ts";
import { openLanes } from "./lanes.ts";
import { type Between, scanNext } from "./scan.ts";

export interface Reconciler {
  /** `written`: the bytes or attributes of what is there changed, not its name. */
  hint(path: string, written?: boolean): void;
  /** The same of a path that another hint tells of as well, if it is news: looked at some time, not awaited by `flush`. */
  hintSpare(path: string): void;
  flush(): Promise<void>;
  /** Looks at everything once more, from now on; calls before it begins share it. */
  crawl(): Promise<void>;
  /** Stops after the step under way; whoever waits is failed with `error`. */
  close(error: Error): Promise<void>;
}

export interface ReconcileHooks {
  /** A step failed, or there were too many hints: what was pending is lost but for a crawl. */
  lost(reason: string): void;
}

/** Long enough for a temporary file to be written and renamed, short enough to go unnoticed. */
const HOLD_MS = 25;
const HIGH_HOLD_MS = 8;
const MAX_PENDING = 50_000;
/** Urgent hints looked at in one go between two steps of a storm, or spare ones between two of anything: some milliseconds. */
const AT_ONCE = 32;
/** How long a crawl goes on before hints get their turn. */
const CRAWL_SLICE_MS = 10;
/** How often a batch follows what it stirred up (a path leads to its parent) before others get their turn. */
const MAX_ROUNDS = 50;

const NOT_RIPE = (): boolean => false;
const NOTHING_BETWEEN = async (): Promise<void> => {};

interface Waiter {
  resolve(): void;
  reject(error: Error): void;
}

interface Crawl {
  readonly queue: string[];
  readonly waiters: readonly Waiter[];
}

export function openReconciler(ground: Ground, hooks: ReconcileHooks): Reconciler {
  let flushes: Waiter[] = [];
  let crawls: Waiter[] = [];
  let current: Crawl | undefined;
  let running: Promise<void> | undefined;
  let closed: Error | undefined;
  const lanes = openLanes(ground);
  const folds = openFolds(ground.ledger);
  const holds = openHolds(() => {
    ripened = true;
    wake();
  });
  let ripened = false;

  const isHigh = (file: string): boolean => ground.ignore.priorityOf(file) === "HIGH";

  const isAwaited = (): boolean =>
    lanes.size > 0 || ripened || flushes.length > 0 || crawls.length > 0 || current !== undefined;

  const hasWork = (): boolean => isAwaited() || lanes.spare > 0;

  const wake = (): void => {
    if (closed || running) return;
    // A turn of the loop gathers the events that belong together.
    running = setImmediate()
      .then(run)
      .finally(() => {
        running = undefined;
        if (hasWork()) wake();
      });
  };

  const hint = (file: string, written = false): void => {
    if (closed || file === "" || ground.hidden(file)) return;
    if (lanes.size < MAX_PENDING) lanes.add(file, written);
    else {
      lanes.take();
      hooks.lost(`more than ${MAX_PENDING} hints were pending`);
    }
    wake();
  };

  const run = async (): Promise<void> => {
    while (hasWork() && !closed) {
      const served = flushes;
      flushes = [];
      try {
        if (served.length > 0) await readFound();
        await takeHints(served.length > 0);
        if (served.length > 0) folds.write();
        for (const waiter of served) waiter.resolve();
        if (current || crawls.length > 0) await crawlOn();
        if (!isAwaited() && lanes.spare > 0) await lookAtSpare();
      } catch (error) {
        failAll([...served, ...(current?.waiters ?? [])], error as Error);
        current = undefined;
        hooks.lost((error as Error).message);
      }
    }
  };

  /** Gives what is to be looked at once more. */
  const look = async (
    files: Iterable<string>,
    ripe: (file: string) => boolean,
    between: Between,
  ): Promise<string[]> => {
    const result = await runBatch(ground, files, ripe, between);
    for (const file of result.hold) holds.add(file, isHigh(file) ? HIGH_HOLD_MS : HOLD_MS);
    for (const directory of result.folded) folds.count(directory);
    return result.again.filter((file) => file !== "");
  };

  /** What wants its turn between any two steps. */
  const lookAtUrgent: Between = async () => {
    // What there is to find out about comes in with a turn of the loop.
    await setImmediate();
    const urgent = lanes.takeUrgent(AT_ONCE);
    const again = await look(urgent, NOT_RIPE, NOTHING_BETWEEN);
    for (const file of again) hint(file);
  };

  const lookAtSpare = async (): Promise<void> => {
    const again = await look(lanes.takeSpare(AT_ONCE), NOT_RIPE, NOTHING_BETWEEN);
    for (const file of again) hint(file);
    await setImmediate();
  };

  const takeHints = async (forced: boolean): Promise<void> => {
    ripened = false;
    const due = holds.take(forced);
    const ripe = (file: string): boolean => forced || due.has(file);
    let batch = lanes.take().union(due);
    for (let round = 0; batch.size > 0 && round < MAX_ROUNDS; round++)
      batch = new Set(await look(batch, ripe, lookAtUrgent));
    for (const file of batch) hint(file);
  };

  /**
   * Reads what the crawl found and has not read: where it came upon a new directory before that one's hint had its turn,
   * the hint finds it known and looks no further.
   */
  const readFound = async (): Promise<void> => {
    const isRead = (directory: string): boolean =>
      ground.direct.has(directory) || ground.direct.uncovered.has(directory);
    if (!current) return;
    const found = current.queue.filter((directory) => !isRead(directory));
    current = { ...current, queue: current.queue.filter(isRead) };
    const again: string[] = [];
    for (; found.length > 0 && !closed; await lookAtUrgent()) await scanNext(ground, found, again);
    for (const file of again) hint(file);
  };

  const crawlOn = async (): Promise<void> => {
    if (!current) {
      current = { queue: ["", ...ground.ignore.opened], waiters: crawls };
      crawls = [];
      for (const file of ground.ignore.exempt()) hint(file);
    }
    const { queue, waiters } = current;
    const again: string[] = [];
    const until = performance.now() + CRAWL_SLICE_MS;
    while (queue.length > 0 && performance.now() < until && !closed) {
      await scanNext(ground, queue, again);
      await lookAtUrgent();
    }
    for (const file of again) hint(file);
    if (queue.length > 0) return;
    // What moved while it was read, or is listed one by one, belongs to the crawl.
    await takeHints(true);
    current = undefined;
    for (const waiter of waiters) waiter.resolve();
  };

  const enqueue = (list: () => Waiter[]): Promise<void> =>
    new Promise((resolve, reject) => {
      if (closed) return reject(closed);
      list().push({ resolve, reject });
      wake();
    });

  return {
    hint,
    hintSpare(file) {
      if (closed || file === "" || ground.hidden(file)) return;
      lanes.addSpare(file);
      wake();
    },
    flush: () => enqueue(() => flushes),
    crawl: () => enqueue(() => crawls),
    async close(error) {
      closed = error;
      holds.close();
      folds.close();
      await running;
      failAll([...flushes, ...crawls, ...(current?.waiters ?? [])], error);
    },
  };
}

function failAll(waiters: readonly Waiter[], error: Error): void {
  for (const waiter of waiters) waiter.reject(error);
}
