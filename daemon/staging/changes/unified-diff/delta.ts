/**
 * git's deltas: a content as copies out of another one and insertions. Pure.
 * Bounded: every copy lies within the base, and the result has the size that the delta declares.
 * Source: git, patch-delta.c and delta.h.
 */
import type { Pace } from "../../pace.ts";
import { assertSize } from "../../snapshots.ts";

/** Instructions between two looks at the time. */
const PIECE = 4096;

/** Length of a copy that is not said. */
const DEFAULT_COPY = 0x10000;

/** The new content; undefined for a delta that is broken or not about `base`. @throws {IopipeError} TooLarge */
export async function applyDelta(
  delta: Buffer,
  base: Buffer,
  path: string,
  pace: Pace,
): Promise<Buffer | undefined> {
  const read = { delta, at: 0 };
  const [baseSize, size] = [readSize(read), readSize(read)];
  if (baseSize !== base.length || size === undefined) return undefined;
  assertSize(path, size);
  const result = Buffer.alloc(size);
  let filled = 0;
  for (let n = 1; read.at < delta.length; n++) {
    if (n % PIECE === 0) await pace();
    const part = readPart(read, base);
    if (!part || filled + part.length > size) return undefined;
    filled += part.copy(result, filled);
  }
  return filled === size ? result : undefined;
}

interface Reading {
  readonly delta: Buffer;
  at: number;
}

/** Seven bits a byte, the lowest first. */
function readSize(read: Reading): number | undefined {
  let size = 0;
  for (let factor = 1; factor <= 2 ** 42; factor *= 2 ** 7) {
    const byte = read.delta[read.at++];
    if (byte === undefined) return undefined;
    size += (byte & 0x7f) * factor;
    if (byte < 0x80) return size;
  }
  return undefined;
}

/** What the next instruction puts into the result; undefined where that is beyond the delta or the base. */
function readPart(read: Reading, base: Buffer): Buffer | undefined {
  const { delta } = read;
  const instruction = delta[read.at++] as number;
  if (instruction < 0x80) {
    const inserted = delta.subarray(read.at, read.at + instruction);
    read.at += instruction;
    return instruction > 0 && inserted.length === instruction ? inserted : undefined;
  }
  const offset = readNumber(read, instruction, 4);
  const length = readNumber(read, instruction >> 4, 3);
  if (offset === undefined || length === undefined) return undefined;
  const copied = base.subarray(offset, offset + (length || DEFAULT_COPY));
  return copied.length === (length || DEFAULT_COPY) ? copied : undefined;
}

/** A number of up to `bytes` bytes, the lowest first; a bit of `which` says for each whether it is there. */
function readNumber(read: Reading, which: number, bytes: number): number | undefined {
  let value = 0;
  for (let n = 0; n < bytes; n++) {
    if ((which & (1 << n)) === 0) continue;
    const byte = read.delta[read.at++];
    if (byte === undefined) return undefined;
    value += byte * 2 ** (8 * n);
  }
  return value;
}
