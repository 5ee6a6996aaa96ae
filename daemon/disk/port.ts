/**
 * The port: every call of the operating system that reads or changes something under a root.
 * Owns the contract only. The real one is linux.ts (and port.darwin.ts); tests run promotion, undo and recovery on
 * ports that fail, stop, or live in memory.
 * INVARIANT: an entry is always named by an open directory and one name in it; no call follows a symlink.
 * Synchronous where a promotion must not let anything happen in between, and for single directory operations;
 * asynchronous where bytes move or the disk is waited for.
 * Failure: errno errors as Node throws them, without a useful path (errors.ts, `named`).
 */
import type { BigIntStats } from "node:fs";
import type { ExtendedAttributes } from "./xattr.ts";

/** What fstat tells; a real port gives Node's BigIntStats. The type is in the mode's upper bits. */
export type Stat = Pick<
  BigIntStats,
  "dev" | "ino" | "mode" | "nlink" | "uid" | "gid" | "size" | "mtimeNs" | "ctimeNs" | "birthtimeNs"
>;

export type EntryType = "file" | "symlink" | "directory" | "other";

export interface Entry {
  readonly name: string;
  readonly type: EntryType;
}

/** An open directory. */
export interface Dir {
  readonly handle: number;
  /** Relative to the root; "" is the root. Where it was when it was opened. */
  readonly path: string;
  readonly dev: bigint;
  readonly ino: bigint;
}

/** An open file. */
export type File = number;

type Awaitable<T> = T | Promise<T>;

/** Calls on an open file; the durable write (durable.ts) needs no others. */
export interface FileCalls {
  stat(file: File): Awaitable<Stat>;
  /** Writes at the file's position; may write less than all of it. Resolves to the count. */
  write(file: File, bytes: Uint8Array): Awaitable<number>;
  chown(file: File, uid: number, gid: number): Awaitable<void>;
  chmod(file: File, mode: number): Awaitable<void>;
  sync(file: File): Awaitable<void>;
  /** Of a large file that has no name left, frees its bytes, which takes long. */
  close(file: File): Awaitable<void>;
}

export interface Port extends FileCalls {
  /** Reads into `into` at `position`, else at the file's own; 0 at the end. */
  read(file: File, into: Uint8Array, position?: number): Promise<number>;
  /** Opens a regular file for reading; never blocks on a FIFO. */
  openFile(dir: Dir, name: string): Promise<File>;
  /** Creates a file with mode 0600, EEXIST if anything has the name. */
  createFile(dir: Dir, name: string): Promise<File>;
  /** What the directory holds, in no order; names that are not UTF-8 are left out. */
  readDirectory(dir: Dir): Promise<Entry[]>;
  /** Makes the directory's entries survive a power cut. */
  syncDirectory(dir: Dir): Promise<void>;

  openRoot(root: string): Dir;
  /** ENOTDIR when the entry is not a directory, a symlink included. */
  openDirectory(parent: Dir, name: string): Dir;
  closeDirectory(dir: Dir): void;
  /** Tells directories of different mounts apart: those of one file system have one device number. */
  mountOf(dir: Dir): string;
  /** Undefined when there is no such entry. */
  lstat(dir: Dir, name: string): Stat | undefined;
  readlink(dir: Dir, name: string): Buffer;
  /** Never replaces: EEXIST. A symlink is linked itself. */
  link(from: Dir, oldName: string, to: Dir, newName: string): void;
  /** Replaces. Nothing happens when both names are one inode. */
  rename(from: Dir, oldName: string, to: Dir, newName: string): void;
  /** Makes each of two entries what the other was, in one step; false where the system or the file system cannot. */
  exchange(from: Dir, oldName: string, to: Dir, newName: string): boolean;
  unlink(dir: Dir, name: string): void;
  symlink(target: string, dir: Dir, name: string): void;
  /** With the process's umask. */
  makeDirectory(dir: Dir, name: string): void;
  removeDirectory(dir: Dir, name: string): void;
  /** Changes the mode of the file or directory with this inode; false when the name has another by now. */
  setMode(dir: Dir, name: string, ino: bigint, mode: number): boolean;
  /** The extended attributes of a file or directory (itself: "."). ENOTSUP where its file system has none. */
  readExtended(dir: Dir, name: string): ExtendedAttributes;
  /** Sets or, without a value, removes one. */
  setExtended(dir: Dir, name: string, attribute: string, value: Buffer | undefined): void;
}

const TYPE_BITS = 0o170000n;
const TYPES = new Map<bigint, EntryType>([
  [0o100000n, "file"],
  [0o120000n, "symlink"],
  [0o040000n, "directory"],
]);

export function typeOf(stat: Stat): EntryType {
  return TYPES.get(stat.mode & TYPE_BITS) ?? "other";
}

/**
 * What no other inode of the file system has or will have. The number alone is given again as soon as a file is gone,
 * and after a power cut to the first file that somebody saves. Where there are no times of birth, that has to do.
 */
export function identityOf({ ino, birthtimeNs }: Stat): string {
  return `${ino}:${birthtimeNs}`;
}

/** Permission bits with setuid, setgid and sticky. */
export function modeOf(stat: Stat): number {
  return Number(stat.mode & 0o7777n);
}

/** Whether nothing was written, replaced or chmodded in between. ctime is left out: a link changes it. */
export function sameStat(a: Stat | undefined, b: Stat | undefined): boolean {
  if (!a || !b) return a === b;
  return a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs && a.mode === b.mode;
}

/** Whether freeing the file's bytes takes longer than the event loop may be held up: 250 ms a GiB on ext4. */
export function isSlowToFree({ size }: Stat): boolean {
  return size > 16n * 1024n * 1024n;
}
