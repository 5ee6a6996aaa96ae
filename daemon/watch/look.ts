/**
 * Looking at a path: lstat turned into the values that a row keeps, and the hash of a small file.
 * Owns all reading of the disk but directory listings (scan.ts) and ignore files (ignore.ts). Never follows a link in
 * the last component; that the ones before are directories is the caller's care.
 * Asynchronous, so that a dead network mount may hang a thread, never the daemon's loop; sight.ts knows where none can
 * be, and what may be looked at at once there.
 */

import { createHash } from "node:crypto";
import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstat,
  lstatSync,
  openSync,
  readFileSync,
  readlinkSync,
} from "node:fs";
import { open, readlink } from "node:fs/promises";

export interface Seen {
  readonly kind: "file" | "symlink" | "directory";
  readonly identity: string;
  readonly size: number;
  readonly mtimeNs: string;
  readonly ctimeNs: string;
  readonly mode: number;
  readonly racy: boolean;
}

/** Larger files are compared by their times alone. */
const MAX_HASHED_BYTES = 1024 * 1024;

/** Kernels before 6.13 stamp with the tick, at most 10 ms: two writes within one can look the same. */
const RACY_NS = 12_000_000n;

/** Most files looked at at once: enough to keep libuv's four threads busy, and no more. */
const AT_ONCE = 32;

type Read = (stat: BigIntStats) => Seen | undefined;

/** What is at `file` (absolute); undefined for what is absent or neither file, link nor directory. Throws EACCES and the like. */
export function look(file: string, read: Read = seen): Promise<Seen | undefined> {
  return new Promise((resolve, reject) => {
    lstat(file, { bigint: true }, (error, stat) => {
      if (!error) resolve(read(stat));
      else if (isAbsent(error)) resolve(undefined);
      else reject(error);
    });
  });
}

/** The same on the loop's own thread: only as sight.ts allows. */
export function lookNow(file: string, read: Read = seen): Seen | undefined {
  try {
    const stat = lstatSync(file, { bigint: true, throwIfNoEntry: false });
    return stat && read(stat);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** Calls `work` for each item, a bounded number at once, and keeps their order. */
export async function eachAtOnce<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = new Array(items.length);
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++)
      results[index] = await work(items[index] as T);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, lane));
  return results;
}

/** A row's values from lstat's answer. */
export function seen(stat: BigIntStats): Seen | undefined {
  const kind = kindOf(stat);
  if (!kind) return undefined;
  // Not the time of the content, which anybody may set: it may be old although the bytes are new.
  const age = BigInt(Date.now()) * 1_000_000n - stat.ctimeNs;
  return {
    kind,
    // The birth time tells a new file from an old one whose inode number it got.
    identity: `${stat.dev}:${stat.ino}:${stat.birthtimeNs}`,
    size: Number(stat.size),
    mtimeNs: String(stat.mtimeNs),
    ctimeNs: String(stat.ctimeNs),
    mode: Number(stat.mode & 0o7777n),
    racy: age < RACY_NS,
  };
}

function kindOf(stat: BigIntStats): Seen["kind"] | undefined {
  if (stat.isFile()) return "file";
  if (stat.isSymbolicLink()) return "symlink";
  return stat.isDirectory() ? "directory" : undefined;
}

/**
 * The hash of what `expected` describes; undefined when it is too large, unreadable, or was written to meanwhile. A mode or
 * a further name that it got meanwhile says nothing about its bytes.
 * RACE: a write between the two looks that leaves size and mtime alone goes unseen; its event brings another look.
 */
export async function hashOf(file: string, expected: Seen): Promise<string | undefined> {
  if (expected.kind === "directory" || expected.size > MAX_HASHED_BYTES) return undefined;
  try {
    const bytes = expected.kind === "symlink" ? await readlink(file, "buffer") : await readBounded(file);
    return hashIfStill(bytes, await look(file), expected);
  } catch {
    return undefined; // Unreadable: compared by its times.
  }
}

/** The same on the loop's own thread: only as sight.ts allows. */
export function hashNow(file: string, expected: Seen): string | undefined {
  if (expected.kind === "directory") return undefined;
  try {
    const bytes = expected.kind === "symlink" ? readlinkSync(file, "buffer") : readNow(file);
    return hashIfStill(bytes, lookNow(file), expected);
  } catch {
    return undefined;
  }
}

function hashIfStill(bytes: Buffer | undefined, after: Seen | undefined, expected: Seen): string | undefined {
  if (!bytes || !after || !sameContent(after, expected)) return undefined;
  return createHash("sha256").update(bytes).digest("hex");
}

const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

async function readBounded(file: string): Promise<Buffer | undefined> {
  const handle = await open(file, READ);
  try {
    const { size } = await handle.stat();
    return size > MAX_HASHED_BYTES ? undefined : await handle.readFile();
  } finally {
    await handle.close();
  }
}

function readNow(file: string): Buffer | undefined {
  const fd = openSync(file, READ);
  try {
    return fstatSync(fd).size > MAX_HASHED_BYTES ? undefined : readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Whether two looks saw the same, as far as lstat can tell. */
export function sameStat(one: Omit<Seen, "racy">, other: Omit<Seen, "racy">): boolean {
  return sameContent(one, other) && one.ctimeNs === other.ctimeNs && one.mode === other.mode;
}

/** Whether nothing speaks against the bytes being the same. */
function sameContent(one: Omit<Seen, "racy">, other: Omit<Seen, "racy">): boolean {
  return (
    one.kind === other.kind &&
    one.identity === other.identity &&
    one.size === other.size &&
    one.mtimeNs === other.mtimeNs
  );
}

/** Whether an error says that nothing is there. */
export function isAbsent(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ENOTDIR";
}
