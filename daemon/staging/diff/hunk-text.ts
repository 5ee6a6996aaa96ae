/**
 * The text of hunks: as the body of a unified diff, or line by line, as git writes them (git's Documentation,
 * diff-generate-patch). Both files are valid UTF-8 here; the body is put together as bytes and decoded once.
 */
import { createHash } from "node:crypto";
import type { Hunk } from "../../../protocol/methods/index.ts";
import { type HunkRange, numbersOf } from "./hunks.ts";
import { type Lines, lacksNewline, line } from "./lines.ts";

const NO_NEWLINE = "\\ No newline at end of file";

/** Told of each stretch of lines of a hunk, in order, with the character that stands before each of them. */
type Tell = (prefix: " " | "-" | "+", from: Lines, start: number, end: number) => void;

function walk(old: Lines, now: Lines, { oldStart, oldEnd, changes }: HunkRange, tell: Tell): void {
  let shown = oldStart;
  for (const change of changes) {
    tell(" ", old, shown, change.oldStart);
    tell("-", old, change.oldStart, change.oldEnd);
    tell("+", now, change.newStart, change.newEnd);
    shown = change.oldEnd;
  }
  tell(" ", old, shown, oldEnd);
}

/** A hunk as the wire has it, named by its content and place, so that a decision about it cannot hit another. */
export function hunkOf(old: Lines, now: Lines, range: HunkRange): Hunk {
  const lines: string[] = [];
  walk(old, now, range, (prefix, from, start, end) => {
    for (let n = start; n < end; n++) {
      const bytes = line(from, n);
      const lacks = lacksNewline(from, n);
      lines.push(prefix + bytes.toString("utf8", 0, bytes.length - (lacks ? 0 : 1)));
      if (lacks) lines.push(NO_NEWLINE);
    }
  });
  const hunk = { ...numbersOf(range), lines };
  const hash = createHash("sha256").update(JSON.stringify(hunk));
  return { id: `h${hash.digest("hex").slice(0, 16)}`, ...hunk };
}

/** Hunks as the body of a unified diff; every line ends with a newline. */
export function formatHunks(old: Lines, now: Lines, ranges: readonly HunkRange[]): string {
  const heads = ranges.map((range) => Buffer.from(headOf(range)));
  const body = Buffer.allocUnsafe(ranges.reduce((sum, range) => sum + sizeOf(old, now, range), sumOf(heads)));
  let at = 0;
  const copy: Tell = (prefix, from, start, end) => {
    const code = prefix.charCodeAt(0);
    for (let n = start; n < end; n++) {
      body[at++] = code;
      at = copyLine(from, n, body, at);
    }
    if (end > start && lacksNewline(from, end - 1)) at += body.write(`\n${NO_NEWLINE}\n`, at);
  };
  for (const [n, range] of ranges.entries()) {
    at += heads[n]?.copy(body, at) ?? 0;
    walk(old, now, range, copy);
  }
  return body.toString("utf8");
}

/** Copying some tens of bytes here takes less time than asking `copy` to do it. */
const SHORT_BYTES = 64;

/** Where it ends in `to`. */
function copyLine({ bytes, starts }: Lines, n: number, to: Buffer, at: number): number {
  const start = starts[n] as number;
  const end = starts[n + 1] as number;
  if (end - start > SHORT_BYTES) return at + bytes.copy(to, at, start, end);
  for (let from = start; from < end; from++) to[at++] = bytes[from] as number;
  return at;
}

function headOf(range: HunkRange): string {
  const { oldStart, oldLines, newStart, newLines } = numbersOf(range);
  return `@@ -${place(oldStart, oldLines)} +${place(newStart, newLines)} @@\n`;
}

function place(start: number, count: number): string {
  return count === 1 ? `${start}` : `${start},${count}`;
}

/** Bytes of a hunk's lines with what stands before and after them. */
function sizeOf(old: Lines, now: Lines, range: HunkRange): number {
  let size = 0;
  walk(old, now, range, (_, from, start, end) => {
    size += end - start + (from.starts[end] as number) - (from.starts[start] as number);
    if (end > start && lacksNewline(from, end - 1)) size += NO_NEWLINE.length + 2;
  });
  return size;
}

function sumOf(buffers: readonly Buffer[]): number {
  return buffers.reduce((sum, { length }) => sum + length, 0);
}
