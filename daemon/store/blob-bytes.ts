/**
 * The bytes of a blob: the reading of its file, by pieces or a range, and their hash.
 * Time: hashing and reading yield to the event loop at least every MiB.
 */
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { setImmediate as turn } from "node:timers/promises";
import { IopipeError } from "../../protocol/wire/errors.ts";

/** Hashed between two turns of the event loop: about 3 ms. */
const HASH_SLICE_BYTES = 1024 * 1024;

/** Read at once: few enough calls, and no stall for whoever hashes them. */
const PIECE_BYTES = 1024 * 1024;

/** All of `file` in order; each piece is valid until the next one is asked for. @throws {IopipeError} IoFailed: it is shorter */
export async function* readPieces(file: string, size: number): AsyncGenerator<Buffer, void> {
  const handle = await open(file, "r");
  try {
    const buffer = Buffer.allocUnsafe(PIECE_BYTES);
    for (let left = size; left > 0; ) {
      const { bytesRead } = await handle.read(buffer, 0, Math.min(left, PIECE_BYTES), null);
      if (bytesRead === 0) throw tooShort(file);
      left -= bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/** @throws {IopipeError} IoFailed: it is shorter */
export async function readRange(file: string, offset: number, length: number): Promise<Buffer> {
  const handle = await open(file, "r");
  try {
    const buffer = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await handle.read(buffer, filled, length - filled, offset + filled);
      if (bytesRead === 0) throw tooShort(file);
      filled += bytesRead;
    }
    return buffer;
  } finally {
    await handle.close();
  }
}

function tooShort(file: string): IopipeError {
  return new IopipeError("IoFailed", `${file} is shorter than its blob.`);
}

/** Lowercase hex sha256 of `bytes`, without stalling the event loop. */
export async function sha256(bytes: Buffer): Promise<string> {
  const hash = createHash("sha256");
  for (let start = 0; start < bytes.length; start += HASH_SLICE_BYTES) {
    if (start > 0) await turn();
    hash.update(bytes.subarray(start, start + HASH_SLICE_BYTES));
  }
  return hash.digest("hex");
}
