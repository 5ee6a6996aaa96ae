/**
 * Subscriptions: each is a cursor and a dirty bit, never a queue, so a client that stops reading costs nothing and
 * misses nothing: it gets the next page of history when it reads again, or `fresh` when that history is gone.
 * Owns the cursors and the settling. Pages are history.ts; what "read" means is `deliver`'s promise.
 * Invariants: one page at a time is under way for a subscription; its cursor moves only after the delivery.
 * Time: with `settleMs` a batch waits for that much quiet, at most ten times as long.
 */

import type { Position } from "./clock.ts";
import type { Batch } from "./types.ts";

/** Most changes in one notification. */
export const BATCH = 1000;

const LONGEST_SETTLE = 10;

export interface Reader {
  /** The page after a position; undefined when its history is gone. */
  read(position: Position): Promise<{ batch: Batch; position: Position; more: boolean } | undefined>;
  /** The batch that says so, and where to go on from. */
  lost(): { batch: Batch; position: Position };
  /** `deliver` or `read` failed: the subscription has ended. */
  failed(error: Error): void;
}

export interface Cursor {
  /** Something changed. */
  wake(): void;
  start(): void;
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

  const drain = async (): Promise<void> => {
    while (dirty && !closed) {
      dirty = false;
      const page = (await reader.read(position)) ?? { ...reader.lost(), more: false };
      if (closed) return;
      if (page.batch.changes.length > 0 || page.batch.fresh) await deliver(page.batch);
      position = page.position;
      dirty ||= page.more;
    }
  };

  const flow = (): void => {
    if (busy || closed || !started) return;
    busy = true;
    waitingSince = undefined;
    drain().then(
      () => {
        busy = false;
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
    wake() {
      dirty = true;
      if (!busy && started) settle();
    },
    start() {
      if (started) return;
      started = true;
      settle();
    },
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
