/**
 * A file as lines: where each begins in its bytes. A line keeps its newline; the last one may have none.
 * Bytes are never decoded here, so that CRLF, invalid UTF-8 and a missing final newline are exact.
 * Time: one pass, four bytes at a time: `indexOf` for each line takes up to twenty times as long where lines are short.
 */

const NEWLINE = 0x0a;

/** A line's bytes in most files: room for as many lines at first. */
const USUAL_BYTES = 24;

export interface Lines {
  readonly bytes: Buffer;
  readonly count: number;
  /** `count + 1` offsets, and room behind them; the last one is the length of `bytes`. */
  readonly starts: Uint32Array;
}

export function splitLines(bytes: Buffer): Lines {
  const { length } = bytes;
  const words = wordsOf(bytes);
  let starts: Uint32Array = new Uint32Array(Math.ceil(length / USUAL_BYTES) + 2);
  let count = length === 0 ? 0 : 1;
  for (let at = 0; at < length; at += 4) {
    for (let rest = newlinesIn(wordAt(words, at, length)); rest !== 0; rest &= rest - 1) {
      if (count + 1 === starts.length) starts = enlarged(starts, (count / (at + 4)) * length);
      starts[count++] = at + (lowestBit(rest) >> 3) + 1;
    }
  }
  if (bytes[length - 1] === NEWLINE) count--;
  starts[count] = length;
  return { bytes, count, starts };
}

/** To read `bytes` by words: wherever they begin, and always with the lowest byte first. */
export function wordsOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length);
}

/** The four bytes from `at` on, as one number; those from `end` on are 0. */
export function wordAt(words: DataView, at: number, end: number): number {
  if (at + 4 <= end) return words.getInt32(at, true);
  let word = 0;
  for (let n = end - 1; n >= at; n--) word = (word << 8) | words.getUint8(n);
  return word;
}

/** The highest bit of each byte that is a newline; as the C libraries find bytes that are zero, once newlines are. */
function newlinesIn(word: number): number {
  const bytes = word ^ 0x0a0a0a0a;
  return ~(((bytes & 0x7f7f7f7f) + 0x7f7f7f7f) | bytes | 0x7f7f7f7f);
}

function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}

/** Room for as many lines as there will be if they go on as they were: twice to sixteen times as many. */
function enlarged(starts: Uint32Array, expected: number): Uint32Array {
  const { length } = starts;
  const larger = new Uint32Array(Math.min(Math.max(length * 2, Math.ceil(expected) + 2), length * 16));
  larger.set(starts);
  return larger;
}

/** The bytes of line `n` (0-based), its newline included. */
export function line({ bytes, starts }: Lines, n: number): Buffer {
  return bytes.subarray(starts[n], starts[n + 1]);
}

export function lengthOf({ starts }: Lines, n: number): number {
  return (starts[n + 1] as number) - (starts[n] as number);
}

/** Longer lines are compared by memcmp; calling it takes as long as comparing some 60 bytes here. */
const SHORT_BYTES = 64;

export function sameLine(a: Lines, i: number, b: Lines, j: number): boolean {
  const aStart = a.starts[i] as number;
  const bStart = b.starts[j] as number;
  const length = lengthOf(a, i);
  if (lengthOf(b, j) !== length) return false;
  if (length > SHORT_BYTES)
    return a.bytes.compare(b.bytes, bStart, bStart + length, aStart, aStart + length) === 0;
  for (let n = 0; n < length; n++) if (a.bytes[aStart + n] !== b.bytes[bStart + n]) return false;
  return true;
}

/** The same of so many lines from `i` and `j` on, in one go. */
export function sameLines(a: Lines, i: number, b: Lines, j: number, count: number): boolean {
  const [aStart, aEnd] = [a.starts[i] as number, a.starts[i + count] as number];
  const [bStart, bEnd] = [b.starts[j] as number, b.starts[j + count] as number];
  return aEnd - aStart === bEnd - bStart && a.bytes.compare(b.bytes, bStart, bEnd, aStart, aEnd) === 0;
}

/** Whether line `n` is the last one and ends without a newline. */
export function lacksNewline({ bytes, count }: Lines, n: number): boolean {
  return n === count - 1 && bytes[bytes.length - 1] !== NEWLINE;
}
