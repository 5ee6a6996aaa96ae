/**
 * Text as lines of bytes, and lines without their ends. Nothing is decoded: invalid UTF-8 comes through.
 * The loop turns in between, for a text may have 64 MiB.
 */
import type { Lines } from "../../diff/lines.ts";
import type { Pace } from "../../pace.ts";

export const LF = 0x0a;
export const CR = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;

/** Bytes looked at between two looks at the time. */
const PIECE = 64 * 1024;

/** Lines that are room for at first; twice as many each time they do not suffice. */
const FIRST_LINES = 256;

/** The lines of `bytes`: each keeps its newline; the last one may have none. */
export async function splitText(bytes: Buffer, pace: Pace): Promise<Lines> {
  let starts = new Uint32Array(FIRST_LINES);
  let count = bytes.length === 0 ? 0 : 1;
  for (let from = 0; from < bytes.length - 1; from += PIECE) {
    await pace();
    const to = Math.min(from + PIECE, bytes.length - 1);
    for (let at = from; at < to; at++) {
      if (bytes[at] !== LF) continue;
      if (count + 1 >= starts.length) starts = doubled(starts);
      starts[count++] = at + 1;
    }
  }
  starts[count] = bytes.length;
  return { bytes, count, starts };
}

function doubled(starts: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(starts.length * 2);
  larger.set(starts);
  return larger;
}

/** A range of bytes: most often a line, or a part of one. */
export interface Span {
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;
}

/** Line `n` of `lines` (0-based) with its newline. */
export function spanOf({ bytes, starts }: Lines, n: number): Span {
  return { bytes, from: starts[n] as number, to: starts[n + 1] as number };
}

export function bytesOf({ bytes, from, to }: Span): Buffer {
  return bytes.subarray(from, to);
}

export function isTerminated({ bytes, from, to }: Span): boolean {
  return to > from && bytes[to - 1] === LF;
}

/** Where a line's content ends: before its LF or CRLF, and before a CR that a converter left without its LF. */
export function endOfBody(span: Span): number {
  const { bytes, from, to } = span;
  const end = isTerminated(span) ? to - 1 : to;
  return end > from && bytes[end - 1] === CR ? end - 1 : end;
}

/** How a line ends: its LF or CRLF, or nothing. */
export function endOf(span: Span): Span {
  return { ...span, from: endOfBody(span) };
}

/** White space around a line that is looked past at most: a line of 64 MiB of it would be no text. */
const MAX_BLANKS = 4096;

/** Where a line's content ends, blanks at its end not counted. */
export function endOfInk(span: Span): number {
  const { bytes, from } = span;
  let end = endOfBody(span);
  const least = Math.max(from, end - MAX_BLANKS);
  while (end > least && (bytes[end - 1] === SPACE || bytes[end - 1] === TAB)) end--;
  return end;
}

/** Where a line's content begins, blanks before it not counted. */
export function startOfInk(span: Span): number {
  const { bytes, from } = span;
  const most = Math.min(endOfInk(span), from + MAX_BLANKS);
  let start = from;
  while (start < most && (bytes[start] === SPACE || bytes[start] === TAB)) start++;
  return start;
}

/** Whether the bytes are the same. */
export function sameBytes(a: Span, b: Span, aTo: number = a.to, bTo: number = b.to): boolean {
  if (aTo - a.from !== bTo - b.from) return false;
  return a.bytes.compare(b.bytes, b.from, bTo, a.from, aTo) === 0;
}
