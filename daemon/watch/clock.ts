/**
 * The clock: numbers for changes, and the opaque strings that clients keep as positions between them.
 * Owns the format `c1.<store>.<root>.<seq>[.<base>]`. `base` is there only between the pages of one answer: changes
 * are named relative to where the first page began, so that a listing stays one listing.
 * Invariant: a number is never handed out twice, whatever the watch database lost: the main database's mark is raised,
 * durably, before numbers above it are used, and every start goes on above it.
 */

import type { RootTable } from "../store/watch-table.ts";
import type { Counters } from "./types.ts";

export interface Position {
  /** Everything up to this number is known to the client. */
  readonly seq: number;
  /** Where the listing that this continues began. */
  readonly base: number;
}

export interface Clock {
  /** The last number handed out. */
  readonly last: number;
  next(): number;
  write(seq: number, base?: number): string;
  /** undefined for a clock of another store, root or future, or one whose history was pruned. */
  read(text: string): Position | undefined;
}

/** Numbers reserved at a time: one durable write in so many changes. */
const BLOCK = 10_000;

export function openClock(workspace: string, table: RootTable, counters: Counters): Clock {
  const name = `watch/${workspace}`;
  let last = Math.max(counters.get(name), table.lastSeq());
  let reserved = last;
  const prefix = `c1.${table.storeId}.${table.incarnation}.`;
  return {
    get last() {
      return last;
    },
    next() {
      if (last >= reserved) {
        reserved = last + BLOCK;
        counters.raise(name, reserved);
      }
      last += 1;
      return last;
    },
    write: (seq, base) => prefix + (base === undefined || base === seq ? `${seq}` : `${seq}.${base}`),
    read(text) {
      if (!text.startsWith(prefix)) return undefined;
      const match = /^(\d{1,15})(?:\.(\d{1,15}))?$/.exec(text.slice(prefix.length));
      if (!match) return undefined;
      const seq = Number(match[1]);
      const base = match[2] === undefined ? seq : Number(match[2]);
      return seq <= last && base <= seq && seq >= table.horizon ? { seq, base } : undefined;
    },
  };
}
