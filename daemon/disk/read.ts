/**
 * Stable reads: a file's bytes, or their hash, as they were at one moment.
 * Owns the comparison of fstat before and after. Finding the directory is tree.ts.
 * INVARIANT: nothing but a regular file is ever opened (a FIFO would hang, a device may act).
 * Time: reads in pieces of 512 KiB off the event loop, while the one before is hashed on it (0.4 ms each).
 * Memory: two pieces, whatever the file's size; where the bytes go is the sink's.
 * Failure: DiskError NotAFile, or Busy when somebody keeps writing; errno errors.
 */
import { createHash } from "node:crypto";
import { DiskError, isErrno } from "./errors.ts";
import { type Dir, type File, type Port, type Stat, sameStat, typeOf } from "./port.ts";

const PIECE_BYTES = 512 * 1024;
const TRIES = 5;

export interface Content {
  readonly stat: Stat;
  /** Lowercase hex sha256. */
  readonly hash: string;
}

export interface Place {
  readonly dir: Dir;
  readonly name: string;
  /** For messages, relative to the root. */
  readonly path: string;
}

/** Where a file's bytes go while it is read. What it throws ends the reading, and reaches the caller. */
export interface Sink {
  /** A new attempt begins: what came before does not count. */
  begin(): void | Promise<void>;
  /** The next bytes; theirs is the memory again when it resolves. */
  piece(bytes: Uint8Array): void | Promise<void>;
}

/** Bytes from `offset` on. */
export interface Range {
  readonly offset: number;
  readonly length: number;
}

/** Reads a regular file that nobody wrote to meanwhile; undefined when there is none. */
export async function readStable(port: Port, place: Place, sink?: Sink): Promise<Content | undefined> {
  const found = await whileStable(port, place, async (file, size) => {
    await sink?.begin();
    const hash = createHash("sha256");
    for await (const bytes of readAhead(port, file, size)) {
      hash.update(bytes);
      await sink?.piece(bytes);
    }
    return hash.digest("hex");
  });
  return found && { stat: found.stat, hash: found.value };
}

/**
 * An open file's first `size` bytes, the next piece being read while one is worked on; each is valid until then.
 *
 * No further than it was long: whether it grew, shrank or changed is told by the stat after.
 */
async function* readAhead(port: Port, file: File, size: number): AsyncGenerator<Uint8Array, void> {
  const room = Math.min(PIECE_BYTES, size);
  let left = size;
  let buffer: Buffer = Buffer.allocUnsafe(room);
  let spare: Buffer | undefined;
  const read = (): Promise<number> => {
    const count = left > 0 ? port.read(file, buffer.subarray(0, left)) : Promise.resolve(0);
    // Told when it is waited for, which may be never.
    count.catch(() => undefined);
    return count;
  };
  let reading = read();
  try {
    for (let count = await reading; count > 0; count = await reading) {
      left -= count;
      const bytes = buffer.subarray(0, count);
      if (left > 0) [buffer, spare] = [spare ?? Buffer.allocUnsafe(room), buffer];
      reading = read();
      yield bytes;
    }
  } finally {
    // The descriptor is closed next, and its number given to another file.
    await reading.catch(() => undefined);
  }
}

/** A range of a regular file's bytes, as far as the file goes, while nobody wrote to it; undefined when there is none. */
export async function readRange(
  port: Port,
  place: Place,
  { offset, length }: Range,
): Promise<{ stat: Stat; bytes: Buffer } | undefined> {
  const found = await whileStable(port, place, async (file, size) => {
    const bytes = Buffer.alloc(Math.max(0, Math.min(length, size - offset)));
    for (let done = 0; done < bytes.length; ) {
      const count = await port.read(file, bytes.subarray(done), offset + done);
      if (count === 0) break;
      done += count;
    }
    return bytes;
  });
  return found && { stat: found.stat, bytes: found.value };
}

interface Stable<T> {
  readonly stat: Stat;
  readonly value: T;
}

/** Opens the file for `read`, and does so again where somebody wrote to it meanwhile. */
async function whileStable<T>(
  port: Port,
  place: Place,
  read: (file: File, size: number) => Promise<T>,
): Promise<Stable<T> | undefined> {
  for (let tries = 0; tries < TRIES; tries++) {
    const found = port.lstat(place.dir, place.name);
    if (!found) return undefined;
    if (typeOf(found) !== "file") throw notAFile(place.path);
    const stable = await attempt(port, place, found, read);
    if (stable) return stable;
  }
  throw new DiskError(
    "Busy",
    place.path,
    `'${place.path}' is being written; ${TRIES} reads found it changing.`,
  );
}

async function attempt<T>(
  port: Port,
  { dir, name }: Place,
  found: Stat,
  read: (file: File, size: number) => Promise<T>,
): Promise<Stable<T> | undefined> {
  const file = await port.openFile(dir, name).catch((error: unknown) => {
    // Gone, or no longer a file, since the lstat.
    if (isErrno(error, "ENOENT", "ELOOP", "ENXIO")) return undefined;
    throw error;
  });
  if (file === undefined) return undefined;
  try {
    if (!sameStat(found, await port.stat(file))) return undefined;
    const value = await read(file, Number(found.size));
    const stat = await port.stat(file);
    return sameStat(found, stat) ? { stat, value } : undefined;
  } finally {
    await port.close(file);
  }
}

export function notAFile(path: string): DiskError {
  return new DiskError("NotAFile", path, `'${path}' is neither a regular file nor a symlink.`);
}
