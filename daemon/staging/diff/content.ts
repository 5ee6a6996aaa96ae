/**
 * What a diff says about two contents: counts, and hunks or a binary patch. Pure; runs in the worker.
 * Binary is what holds a NUL or is not UTF-8: its bytes could not stand in a JSON string.
 * Headers, names and modes are unified.ts'.
 */
import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import type { Hunk } from "../../../protocol/methods/index.ts";
import { formatBinary } from "./binary-patch.ts";
import { type Change, diffLines } from "./changes.ts";
import { formatHunks, hunkOf } from "./hunk-text.ts";
import { groupHunks } from "./hunks.ts";
import { splitLines } from "./lines.ts";

/** What is wanted beside the counts. */
export type Detail = "counts" | "hunks" | "unified";

export interface DiffJob<Bytes = Buffer> {
  readonly old: Bytes;
  readonly now: Bytes;
  readonly detail: Detail;
  /** Lines around a change. */
  readonly context: number;
  /** Gives up on detail at once. */
  readonly coarse?: boolean;
}

/** Ranges of lines, 0-based, ends excluded, ascending; an empty one is an insertion before its line. */
type Touched = readonly (readonly [start: number, end: number])[];

export interface ContentDiff {
  /** Lines; 0 for binary content. */
  readonly added: number;
  readonly removed: number;
  readonly binary: boolean;
  readonly coarse: boolean;
  /** With detail "counts": which lines of the old content change. */
  readonly touched?: Touched;
  /** With detail "hunks". */
  readonly hunks?: Hunk[];
  /** With detail "unified": all that follows the headers, empty where the contents are equal. */
  readonly body?: string;
  /** With detail "unified": git's ids of the two contents. */
  readonly ids?: { readonly old: string; readonly now: string };
}

export function diffContent(job: DiffJob): ContentDiff {
  const { old, now, detail } = job;
  const ids = detail === "unified" ? { ids: { old: gitId(old), now: gitId(now) } } : {};
  if (isBinary(old) || isBinary(now)) {
    const none = { added: 0, removed: 0, binary: true, coarse: false };
    if (detail === "counts") return none;
    if (detail === "hunks") return { ...none, hunks: [] };
    return { ...none, ...ids, body: old.equals(now) ? "" : formatBinary(old, now) };
  }
  const [oldLines, newLines] = [splitLines(old), splitLines(now)];
  const { changes, coarse } = diffLines(oldLines, newLines, { coarse: job.coarse ?? false });
  const counts = { ...count(changes), binary: false, coarse };
  if (detail === "counts") return { ...counts, touched: touchedBy(changes) };
  const ranges = groupHunks(changes, job.context, oldLines.count);
  return detail === "hunks"
    ? { ...counts, hunks: ranges.map((range) => hunkOf(oldLines, newLines, range)) }
    : { ...counts, ...ids, body: formatHunks(oldLines, newLines, ranges) };
}

/** Above this, where the lines lie is of no more use to anybody. */
const MAX_TOUCHED = 500;

function touchedBy(changes: readonly Change[]): Touched {
  const [first, last] = [changes[0], changes.at(-1)];
  if (!first || !last) return [];
  if (changes.length > MAX_TOUCHED) return [[first.oldStart, last.oldEnd]];
  return changes.map(({ oldStart, oldEnd }) => [oldStart, oldEnd]);
}

function isBinary(bytes: Buffer): boolean {
  return bytes.includes(0) || !isUtf8(bytes);
}

function count(changes: readonly Change[]): { added: number; removed: number } {
  let added = 0;
  let removed = 0;
  for (const { oldStart, oldEnd, newStart, newEnd } of changes) {
    added += newEnd - newStart;
    removed += oldEnd - oldStart;
  }
  return { added, removed };
}

/** The object id that git gives these bytes as a blob. */
function gitId(bytes: Buffer): string {
  return createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
}
