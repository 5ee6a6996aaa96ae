/**
 * Comparing what is there with the row of what was there: decides what a change is called. Pure.
 * Owns the rules; looking is look.ts, writing rows is ledger.ts.
 * Invariant: when in doubt it says "maybe" or "content", never "same": a change may be reported that was none, but
 * none goes unreported.
 */

import type { WatchRow } from "../store/watch-row.ts";
import { type Seen, sameStat } from "./look.ts";

export interface Difference {
  readonly created: boolean;
  readonly type: boolean;
  readonly mode: boolean;
  /** maybe: only the bytes can tell, and the row knows the old ones' hash. */
  readonly content: "no" | "maybe" | "yes";
}

const NOTHING: Difference = { created: false, type: false, mode: false, content: "no" };

/** What happened between `row` and `seen`; undefined when nothing did. */
export function compare(row: WatchRow | undefined, seen: Seen): Difference | undefined {
  if (!row || row.deleted) return { ...NOTHING, created: true, content: "yes" };
  if (row.kind !== seen.kind) return { ...NOTHING, type: true, content: "yes" };
  if (sameStat(row as Seen, seen)) return row.racy ? ofContent(row, NOTHING) : undefined;
  const mode = row.mode !== seen.mode;
  if (seen.kind === "directory") return { ...NOTHING, mode };
  // A link's target is its inode's for life: new times are a new name's or a removed one's (our own temporary name).
  if (seen.kind === "symlink" && row.identity === seen.identity)
    return mode ? { ...NOTHING, mode } : undefined;
  if (row.size !== seen.size) return { ...NOTHING, mode, content: "yes" };
  const timesOnly = row.identity === seen.identity && row.mtimeNs === seen.mtimeNs;
  // Only ctime moved and the mode explains it: bytes are read where that costs little, else believed unchanged.
  if (timesOnly && mode && row.hash === undefined) return { ...NOTHING, mode };
  return ofContent(row, { ...NOTHING, mode });
}

function ofContent(row: WatchRow, difference: Difference): Difference {
  return { ...difference, content: row.hash === undefined ? "yes" : "maybe" };
}
