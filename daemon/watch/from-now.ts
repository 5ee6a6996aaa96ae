/**
 * From now: where a subscription without a clock begins, when it had to wait for a crawl.
 * Owns telling what changed since the call from what the crawl merely came to: both are numbered after it.
 * Invariant: nothing that changed after the call lies before the position; where something did, rows after it that the
 * crawl came to are told too, rather than a change be lost.
 * Source: inode(7): a change of content, mode or name moves the ctime, which no client can set; what is moved in below
 * a directory keeps its own, but the directory's moves.
 */

import { setImmediate } from "node:timers/promises";
import { parentOf } from "../disk/path.ts";
import type { WatchRow } from "../store/watch-row.ts";
import type { RootTable } from "../store/watch-table.ts";

/** The moment of a call: the last number handed out, and the time. */
export interface Moment {
  readonly seq: number;
  readonly ns: bigint;
}

/** Kernels stamp with the tick, at most 10 ms behind: what is stamped that much before the call may be after it. */
const TICK_MS = 20;

export function momentOf(seq: number): Moment {
  return { seq, ns: BigInt(Date.now() - TICK_MS) * 1_000_000n };
}

const CHUNK = 1000;

/** The number after which everything is read that changed since `moment`. `last` gives the last one handed out. */
export async function firstAfter(table: RootTable, moment: Moment, last: () => number): Promise<number> {
  const stirred = new Map<string, boolean>();
  let { seq } = moment;
  for (;;) {
    const end = last();
    const rows = table.after(seq, CHUNK);
    for (const row of rows) {
      if (isNews(table, row, moment, stirred)) return row.seq - 1;
      seq = row.seq;
    }
    if (rows.length < CHUNK) return Math.max(seq, end);
    await setImmediate();
  }
}

function isNews(table: RootTable, row: WatchRow, { ns }: Moment, stirred: Map<string, boolean>): boolean {
  const isStirred = (directory: string): boolean => {
    if (directory === "") return false;
    const known = stirred.get(directory);
    if (known !== undefined) return known;
    const found = table.get(directory);
    const is = (found !== undefined && BigInt(found.ctimeNs) >= ns) || isStirred(parentOf(directory));
    stirred.set(directory, is);
    return is;
  };
  // When something went is written nowhere.
  return row.deleted || BigInt(row.ctimeNs) >= ns || isStirred(parentOf(row.path));
}
