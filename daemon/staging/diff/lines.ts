/**
 * A file as lines: where each begins in its bytes. A line keeps its newline; the last one may have none.
 * Bytes are never decoded here, so that CRLF, invalid UTF-8 and a missing final newline are exact.
 */

const NEWLINE = 0x0a;

export interface Lines {
  readonly bytes: Buffer;
  readonly count: number;
  /** `count + 1` offsets; the last one is the length of `bytes`. */
  readonly starts: Uint32Array;
}

export function splitLines(bytes: Buffer): Lines {
  let starts = new Uint32Array(Math.max(16, bytes.length >> 4));
  let count = 0;
  for (let at = 0; at < bytes.length; ) {
    if (count + 1 >= starts.length) starts = grow(starts);
    starts[count++] = at;
    const newline = bytes.indexOf(NEWLINE, at);
    at = newline === -1 ? bytes.length : newline + 1;
  }
  starts[count] = bytes.length;
  return { bytes, count, starts };
}

function grow(starts: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(starts.length * 2);
  larger.set(starts);
  return larger;
}

/** The bytes of line `n` (0-based), its newline included. */
export function line({ bytes, starts }: Lines, n: number): Buffer {
  return bytes.subarray(starts[n], starts[n + 1]);
}

export function sameLine(a: Lines, i: number, b: Lines, j: number): boolean {
  return a.bytes.compare(b.bytes, b.starts[j], b.starts[j + 1], a.starts[i], a.starts[i + 1]) === 0;
}

/** Whether line `n` is the last one and ends without a newline. */
export function lacksNewline({ bytes, count }: Lines, n: number): boolean {
  return n === count - 1 && bytes[bytes.length - 1] !== NEWLINE;
}
