/**
 * An index of a file's lines by their content, so that a hunk's place is found without reading the file for each.
 * What has the same key may be the same line; what has another is not, however mild the comparison.
 * Memory: 12 bytes a line.
 */
import type { Lines } from "../../diff/lines.ts";
import { PACE_LINES, type Pace } from "../../pace.ts";
import { type Span, spanOf } from "./text.ts";

export interface LineIndex {
  /** How many lines share a key with `span`, or a place in the table. */
  countOf(span: Span): number;
  /** Their numbers, the first line first. */
  linesLike(span: Span): Iterable<number>;
}

/** Bytes of a line that its key is made of. */
const KEY_BYTES = 256;

export async function indexLines(lines: Lines, pace: Pace): Promise<LineIndex> {
  const size = 2 ** Math.ceil(Math.log2(lines.count + 1));
  const [first, next] = [new Int32Array(size).fill(-1), new Int32Array(lines.count)];
  const counts = new Uint32Array(size);
  const slotOf = (span: Span): number => keyOf(span) & (size - 1);
  // From the last to the first, so that each chain ascends.
  for (let n = lines.count - 1; n >= 0; n--) {
    if (n % PACE_LINES === 0) await pace();
    const slot = slotOf(spanOf(lines, n));
    next[n] = first[slot] as number;
    first[slot] = n;
    counts[slot] = (counts[slot] as number) + 1;
  }
  return {
    countOf: (span) => counts[slotOf(span)] as number,
    *linesLike(span) {
      for (let n = first[slotOf(span)] as number; n >= 0; n = next[n] as number) yield n;
    },
  };
}

/** FNV-1a of a line's first bytes that are not white space. */
function keyOf({ bytes, from, to }: Span): number {
  let key = 0x811c9dc5;
  const end = Math.min(to, from + KEY_BYTES);
  for (let at = from; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)) continue;
    key = Math.imul(key ^ byte, 0x01000193);
  }
  // The lowest bits select the slot; the upper ones are mixed better.
  return (key ^ (key >>> 15)) >>> 0;
}
