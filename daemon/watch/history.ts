/**
 * History: rows after a clock, turned into the changes that a client with that clock needs.
 * Owns paging and what a row is called for whom. The table is the only source: nothing is queued for anybody.
 * Invariants: a change is named relative to the clock that a listing began with, on all of its pages; a page's clock
 * covers all rows it passed, so what a filter leaves out is not read again.
 * Bounded: a page ends after `limit` changes or MAX_ROWS rows; the loop turns between chunks.
 */

import { setImmediate } from "node:timers/promises";
import type { FileChange, Priority } from "../../protocol/methods/values.ts";
import type { WatchRow } from "../store/watch-row.ts";
import type { Clock, Position } from "./clock.ts";
import type { Selection } from "./filter.ts";
import type { Ignore } from "./ignore.ts";
import type { Ledger } from "./ledger.ts";
import type { Page } from "./types.ts";

const CHUNK = 1000;
const MAX_ROWS = 50_000;

export interface HistoryPage extends Page {
  /** Where the next page begins. */
  readonly position: Position;
}

/** What is new after `position`; everything that exists when there is none. */
export async function pageAfter(
  { ledger, clock, ignore }: { ledger: Ledger; clock: Clock; ignore: Ignore },
  position: Position | undefined,
  selection: Selection,
  limit: number,
): Promise<HistoryPage> {
  const { base } = position ?? { base: 0 };
  let seq = position?.seq ?? 0;
  const changes: FileChange[] = [];
  const folded = new Map<string, FileChange>();
  let more = true;
  for (let passed = 0; more && changes.length < limit && passed < MAX_ROWS; passed += CHUNK) {
    if (passed > 0) await setImmediate();
    const rows = ledger.table.after(seq, CHUNK);
    more = rows.length === CHUNK;
    for (const row of rows) {
      if (changes.length >= limit) {
        more = true;
        break;
      }
      seq = row.seq;
      const change = changeOf(row, base, ignore, selection);
      if (!change) continue;
      if (change.folded === undefined) changes.push(change);
      else mergeFold(folded, changes, change);
    }
  }
  // Numbers of rows that moved on in the meantime are passed too.
  if (!more) seq = Math.max(seq, clock.last);
  const next: Position = more ? { seq, base } : { seq, base: seq };
  return {
    clock: clock.write(next.seq, next.base),
    fresh: position === undefined,
    changes,
    more,
    position: next,
  };
}

/** What is new of `paths` after `position`, whatever came before; named as `pageAfter` will name it. */
export function newsOf(
  { ledger, ignore }: { ledger: Ledger; ignore: Ignore },
  { seq, base }: Position,
  selection: Selection,
  paths: readonly string[],
): FileChange[] {
  const rows = paths
    .map((path) => ledger.table.get(path))
    .filter((row) => row !== undefined && row.seq > seq);
  const changes = rows.map((row) => row && changeOf(row, base, ignore, selection));
  return changes.filter((change) => change !== undefined && change.folded === undefined) as FileChange[];
}

/** One entry a page for an ignored directory. */
function mergeFold(folded: Map<string, FileChange>, changes: FileChange[], change: FileChange): void {
  const before = folded.get(change.path);
  if (before) before.folded = (before.folded ?? 0) + (change.folded ?? 0);
  else {
    folded.set(change.path, change);
    changes.push(change);
  }
}

function changeOf(row: WatchRow, base: number, ignore: Ignore, selection: Selection): FileChange | undefined {
  const kind = kindOf(row, base);
  if (!kind) return undefined;
  const fold = row.kind === "folded" ? row.path : ignore.foldOf(row.path, false, selection.prefixes);
  const path = fold ?? row.path;
  const priority = fold === undefined ? rank(path, ignore, selection) : "LOW";
  if (!selection.takes(path) || !selection.wants(priority)) return undefined;
  const { origin, operation, seq } = row;
  if (fold !== undefined) {
    const gone = row.kind === "folded" && row.deleted;
    const count = row.kind === "folded" ? row.folded : 1;
    return { path, kind: gone ? "deleted" : "modified", priority, origin: "external", seq, folded: count };
  }
  const common = { path, kind, priority, origin, ...(operation !== undefined && { operation }), seq };
  if (kind === "deleted") return common;
  const changed = kind === "modified" ? { changed: aspectsSince(row, base) } : {};
  return { ...common, ...changed, size: row.size, mode: row.mode, mtimeNs: row.mtimeNs };
}

/** What somebody works on is HIGH for all; then a subscription's globs come first. */
function rank(path: string, ignore: Ignore, selection: Selection): Priority {
  const own = ignore.isHigh(path) ? undefined : selection.laneOf?.(path);
  return own ?? ignore.priorityOf(path, ignore.matches(path, false));
}

/** What happened to a path for a client that knows everything up to `base`; undefined when nothing it can see. */
function kindOf(row: WatchRow, base: number): FileChange["kind"] | undefined {
  const unknown = row.firstSeq > base;
  // A directory is no entry, but a file that became one is gone.
  if (row.kind === "directory") return row.typeSeq > base && !unknown ? "deleted" : undefined;
  if (row.deleted) return unknown ? undefined : "deleted";
  if (row.bornSeq <= base) return "modified";
  return row.earlierBornSeq > 0 && row.earlierBornSeq <= base && base < row.earlierGoneSeq
    ? "modified"
    : "created";
}

function aspectsSince(row: WatchRow, base: number): NonNullable<FileChange["changed"]> {
  const aspects: NonNullable<FileChange["changed"]> = [];
  if (row.contentSeq > base) aspects.push("content");
  if (row.modeSeq > base) aspects.push("mode");
  if (row.typeSeq > base) aspects.push("type");
  return aspects;
}
