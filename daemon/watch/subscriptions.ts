/**
 * Subscriptions: each is a cursor and a dirty bit, never a queue, so a client that stops reading costs nothing and
 * misses nothing: it gets the next page of history when it reads again, or `fresh` when that history is gone.
 * Owns the cursors, the settling, and what is told ahead: where more than a page is due, urgent changes come first, and
 * not again in their turn. Pages are history.ts; what "read" means is `deliver`'s promise.
 * Invariants: one batch at a time is under way for a subscription; its cursor moves only after the delivery, and not by
 * what was told ahead, so whoever goes on from a batch's clock is told that once more rather than never.
 * Bounded: MOST_AHEAD paths wait to be told ahead; those beyond come in their turn.
 * Time: with `settleMs` a batch waits for that much quiet, at most ten times as long.
 */

import type { Position } from "./clock.ts";
import type { Batch } from "./types.ts";

/** Most changes in one notification. */
export const BATCH = 1000;

const LONGEST_SETTLE = 10;
const MOST_AHEAD = 256;

export interface Reader {
  /** The page after a position; undefined when its history is gone. */
  read(position: Position): Promise<{ batch: Batch; position: Position; more: boolean } | undefined>;
  /** The batch that says so, and where to go on from. */
  lost(): { batch: Batch; position: Position };
  /** What is new after a position of these paths, where more than a page is due; the batch's clock is the position's. */
  ahead(position: Position, paths: readonly string[]): Batch | undefined;
  /** Resolves when there is nothing to wait for before a batch, at once when `signal` aborts. */
  rest(signal: AbortSignal): Promise<void>;
  /** `deliver` or `read` failed: the subscription has ended. */
  failed(error: Error): void;
}

export interface Cursor {
  /** Something changed; `urgent` is to be told first. */
  wake(urgent: readonly string[]): void;
  start(): void;
  /** Delivers what there is without waiting for quiet. */
  flush(): void;
  close(): void;
}

export function openCursor(
  from: Position,
  settleMs: number,
  reader: Reader,
  deliver: (batch: Batch) => Promise<void> | void,
): Cursor {
  let position = from;
  let dirty = true;
  let busy = false;
  let started = false;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  let waitingSince: number | undefined;
  let hurry = new AbortController();
  const urgent = new Set<string>();
  /** By path, the number of the change that was told ahead. */
  const told = new Map<string, number>();

  const drain = async (): Promise<void> => {
    while (dirty && !closed) {
      await reader.rest(hurry.signal);
      dirty = false;
      await tellAhead();
      const page = closed ? undefined : await nextPage();
      if (closed || !page) return;
      const changes = page.batch.changes.filter(({ path, seq }) => told.get(path) !== seq);
      if (changes.length > 0 || page.batch.fresh) await deliver({ ...page.batch, changes });
      position = page.position;
      if (!page.more) told.clear();
      dirty ||= page.more;
    }
  };

  const nextPage = async () => (await reader.read(position)) ?? { ...reader.lost(), more: false };

  const tellAhead = async (): Promise<void> => {
    if (urgent.size === 0) return;
    const batch = reader.ahead(position, [...urgent]);
    urgent.clear();
    const changes = batch?.changes.filter(({ path, seq }) => told.get(path) !== seq) ?? [];
    if (!batch || changes.length === 0) return;
    for (const { path, seq } of changes) told.set(path, seq);
    await deliver({ ...batch, changes });
  };

  const flow = (): void => {
    if (busy || closed || !started) return;
    busy = true;
    waitingSince = undefined;
    drain().then(
      () => {
        busy = false;
        if (hurry.signal.aborted) hurry = new AbortController();
        if (dirty) settle();
      },
      (error) => {
        closed = true;
        reader.failed(error as Error);
      },
    );
  };

  const settle = (): void => {
    if (settleMs === 0) {
      flow();
      return;
    }
    const now = performance.now();
    waitingSince ??= now;
    const wait = Math.min(settleMs, waitingSince + LONGEST_SETTLE * settleMs - now);
    clearTimeout(timer);
    timer = setTimeout(flow, Math.max(0, wait));
  };

  return {
    wake(paths) {
      dirty = true;
      for (const path of paths) if (urgent.size < MOST_AHEAD) urgent.add(path);
      if (!busy && started) settle();
    },
    start() {
      if (started) return;
      started = true;
      settle();
    },
    flush() {
      if (!dirty && !busy) return;
      hurry.abort();
      clearTimeout(timer);
      flow();
    },
    close() {
      closed = true;
      hurry.abort();
      clearTimeout(timer);
    },
  };
}
