/**
 * The system calls of Linux that a promotion needs and Node does not offer: extended attributes, and exchanging names.
 * Owns their signatures, and errors in Node's form. Paths are linux.ts's, so that no link is followed and no path walked.
 * Attribute names are bytes, here one character each (latin1).
 * Time: synchronous, a microsecond or two each. The foreign function interface is loaded at the first call (12 ms, 8 MiB),
 * for many a daemon never promotes anything.
 */
import { createRequire } from "node:module";
import { getSystemErrorName } from "node:util";
import type * as Koffi from "koffi";

/** What the kernel lets a list of names, and one value, be at most. Source: linux/limits.h, XATTR_LIST_MAX, XATTR_SIZE_MAX. */
const MAX_BYTES = 65_536;

/** The names of a file's extended attributes. ENOTSUP where its file system has none at all. */
export function listAttributes(path: string): string[] {
  const { list, into } = library();
  const count = list(path, into, MAX_BYTES);
  check(count, "llistxattr");
  return into.toString("latin1", 0, count).split("\0").slice(0, -1);
}

/** Undefined when the file has no such attribute. */
export function getAttribute(path: string, attribute: string): Buffer | undefined {
  const { get, into } = library();
  const count = get(path, bytesOf(attribute), into, MAX_BYTES);
  if (count < 0 && failure() === "ENODATA") return undefined;
  check(count, "lgetxattr");
  return Buffer.from(into.subarray(0, count));
}

export function setAttribute(path: string, attribute: string, value: Buffer): void {
  check(library().set(path, bytesOf(attribute), value, value.length, 0), "lsetxattr");
}

export function removeAttribute(path: string, attribute: string): void {
  check(library().remove(path, bytesOf(attribute)), "lremovexattr");
}

/**
 * Neither the kernel (3.15) nor the file system has to have it. EPERM is what a sandbox may say of a call that it does not
 * know; where it is said of the files, renaming one over the other is refused with it too.
 */
const CANNOT_EXCHANGE = ["EINVAL", "ENOSYS", "ENOTSUP", "EPERM"];

/** Each entry becomes what the other was; false, and nothing is changed, where that cannot be done. */
export function exchange(path: string, other: string): boolean {
  const result = library().exchange(AT_FDCWD, path, AT_FDCWD, other, RENAME_EXCHANGE);
  if (result < 0 && CANNOT_EXCHANGE.includes(failure())) return false;
  check(result, "renameat2");
  return true;
}

/** Source: linux/fcntl.h, linux/fs.h. */
const AT_FDCWD = -100;
const RENAME_EXCHANGE = 2;

type Call<Arguments extends unknown[]> = (...args: Arguments) => number;

interface Library {
  readonly koffi: typeof Koffi;
  /** Where the kernel writes to; what is kept of it is copied. */
  readonly into: Buffer;
  readonly list: Call<[path: string, into: Buffer, size: number]>;
  readonly get: Call<[path: string, name: Buffer, into: Buffer, size: number]>;
  readonly set: Call<[path: string, name: Buffer, value: Buffer, size: number, flags: number]>;
  readonly remove: Call<[path: string, name: Buffer]>;
  readonly exchange: Call<[from: number, path: string, to: number, other: string, flags: number]>;
}

let loaded: Library | undefined;

function library(): Library {
  loaded ??= load();
  return loaded;
}

/** Signatures: listxattr(2), getxattr(2), setxattr(2), removexattr(2), rename(2); a size_t is an unsigned long on Linux. */
function load(): Library {
  const koffi = createRequire(import.meta.url)("koffi") as typeof Koffi;
  const libc = koffi.load(null);
  return {
    koffi,
    into: Buffer.alloc(MAX_BYTES),
    list: libc.func("long llistxattr(const char *path, uint8_t *list, unsigned long size)"),
    get: libc.func("long lgetxattr(const char *path, uint8_t *name, uint8_t *value, unsigned long size)"),
    set: libc.func(
      "int lsetxattr(const char *path, uint8_t *name, uint8_t *value, unsigned long size, int flags)",
    ),
    remove: libc.func("int lremovexattr(const char *path, uint8_t *name)"),
    // glibc has it since 2.28, musl only of late.
    exchange: orMissing(koffi, () =>
      libc.func("int renameat2(int from, const char *path, int to, const char *other, unsigned int flags)"),
    ),
  };
}

/** A function of the C library, else one that fails as in a kernel that does not have it. */
export function orMissing<T extends unknown[]>(koffi: typeof Koffi, find: () => Call<T>): Call<T> {
  try {
    return find();
  } catch {
    return () => {
      koffi.errno(koffi.os.errno.ENOSYS as number);
      return -1;
    };
  }
}

function bytesOf(attribute: string): Buffer {
  return Buffer.from(`${attribute}\0`, "latin1");
}

function failure(): string {
  return getSystemErrorName(-library().koffi.errno());
}

function check(result: number, syscall: string): void {
  if (result >= 0) return;
  const code = failure();
  throw Object.assign(new Error(`${code}: ${syscall}`), { code, errno: -library().koffi.errno(), syscall });
}
