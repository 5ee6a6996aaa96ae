/**
 * A file as lines: where each begins in its bytes. A line keeps its newline; the last one may have none.
 * Bytes are never decoded here, so that CRLF, invalid UTF-8 and a missing final newline are exact.
 * Time: one pass, byte by byte: `indexOf` for each line takes up to twenty times as long where lines are short.
 */

const NEWLINE = 0x0a;

/** A line's bytes in most files: room for as many lines, and twice as many where that is not enough. */
const USUAL_BYTES = 24;

export interface Lines {
  readonly bytes: Buffer;
  readonly count: number;
  /** `count + 1` offsets, and room behind them; the last one is the length of `bytes`. */
  readonly starts: Uint32Array;
}

export function splitLines(bytes: Buffer): Lines {
  const last = bytes.length - 1;
  let starts: Uint32Array = new Uint32Array(Math.ceil(bytes.length / USUAL_BYTES) + 2);
  let count = bytes.length === 0 ? 0 : 1;
  for (let at = 0; at < last; at++) {
    if (bytes[at] !== NEWLINE) continue;
    if (count + 1 === starts.length) starts = doubled(starts);
    starts[count++] = at + 1;
  }
  starts[count] = bytes.length;
  return { bytes, count, starts };
}

function doubled(starts: Uint32Array): Uint32Array {
  const larger = new Uint32Array(starts.length * 2);
  larger.set(starts);
  return larger;
}

/** The bytes of line `n` (0-based), its newline included. */
export function line({ bytes, starts }: Lines, n: number): Buffer {
  return bytes.subarray(starts[n], starts[n + 1]);
}

/** Longer lines are compared by memcmp; calling it takes as long as comparing some 60 bytes here. */
const SHORT_BYTES = 64;

export function sameLine(a: Lines, i: number, b: Lines, j: number): boolean {
  const aStart = a.starts[i] as number;
  const bStart = b.starts[j] as number;
  const length = (a.starts[i + 1] as number) - aStart;
  if ((b.starts[j + 1] as number) - bStart !== length) return false;
  if (length > SHORT_BYTES)
    return a.bytes.compare(b.bytes, bStart, bStart + length, aStart, aStart + length) === 0;
  for (let n = 0; n < length; n++) if (a.bytes[aStart + n] !== b.bytes[bStart + n]) return false;
  return true;
}

/** Whether line `n` is the last one and ends without a newline. */
export function lacksNewline({ bytes, count }: Lines, n: number): boolean {
  return n === count - 1 && bytes[bytes.length - 1] !== NEWLINE;
}
