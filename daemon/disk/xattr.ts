/**
 * Extended attributes, POSIX ACLs among them, as they pass from a file to the one that takes its place.
 * Owns which are passed on, and what a refusal says. The calls are the port's (syscalls.linux.ts).
 * A fresh file may have some already: the directory's default ACL, a label; it ends with exactly those of its predecessor.
 * Names are bytes, one character each (latin1).
 * Failure: DiskError AccessDenied where one cannot be read, set or removed; the predecessor is untouched.
 */
import { DiskError, isErrno } from "./errors.ts";
import type { Port } from "./port.ts";
import type { Place } from "./read.ts";

export type ExtendedAttributes = ReadonlyMap<string, Buffer>;

/** Told by the kernel from a file's bytes: those of other bytes would be wrong. */
const TOLD_FROM_BYTES = new Set(["security.evm", "security.ima"]);

/** Those of the file at `place` that a successor takes over. @throws {DiskError} AccessDenied */
export function readExtended(port: Port, { dir, name, path }: Place): ExtendedAttributes {
  const found = attempt(path, "which cannot be read", undefined, () => {
    try {
      return port.readExtended(dir, name);
    } catch (error) {
      if (isErrno(error, "ENOTSUP")) return [];
      throw error;
    }
  });
  return new Map([...found].filter(([attribute]) => !TOLD_FROM_BYTES.has(attribute)));
}

/** Gives the file at `place` exactly `wanted`; in messages it is `path`. @throws {DiskError} AccessDenied */
export function giveExtended(port: Port, place: Place, wanted: ExtendedAttributes, path: string): void {
  const { dir, name } = place;
  const present = readExtended(port, place);
  const put = (attribute: string, value: Buffer | undefined): void =>
    attempt(path, "which its new version cannot be given", attribute, () =>
      port.setExtended(dir, name, attribute, value),
    );
  for (const attribute of present.keys()) if (!wanted.has(attribute)) put(attribute, undefined);
  for (const [attribute, value] of wanted) if (!present.get(attribute)?.equals(value)) put(attribute, value);
}

export function sameExtended(a: ExtendedAttributes, b: ExtendedAttributes): boolean {
  return a.size === b.size && [...a].every(([attribute, value]) => b.get(attribute)?.equals(value));
}

/** EINVAL and ENOTSUP: not for this file system, or not in this namespace. */
const REFUSALS = ["EPERM", "EACCES", "EINVAL", "ENOTSUP"];

/** What the operating system does not let us do with an attribute, as an error that says so; any other as it is. */
function attempt<T>(path: string, what: string, attribute: string | undefined, call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (!isErrno(error, ...REFUSALS)) throw error;
    const subject = attribute === undefined ? "extended attributes" : `the extended attribute ${attribute}`;
    throw new DiskError(
      "AccessDenied",
      path,
      `'${path}' has ${subject}, ${what} (${error.code}): changing the file would lose it. Take the attribute off first (setfattr -x), or run iopiped as a user who may set it.`,
    );
  }
}

const DEFAULT_ACL = "system.posix_acl_default";

/**
 * The mode of a new file that nobody asked a mode for: in a directory with a default ACL that decides, else the umask.
 * Source: acl(5), "Object creation and default ACLs".
 */
export function modeOfNewFile(directory: ExtendedAttributes | undefined, umask: number): number {
  const acl = directory?.get(DEFAULT_ACL);
  return 0o666 & (acl ? permissionsOf(acl) : ~umask);
}

/** Where each class of mode bits comes from, the mask before the owning group. Linux: posix_acl_xattr.h, tags. */
const CLASSES: readonly (readonly [shift: number, tags: readonly number[]])[] = [
  [6, [0x01]],
  [3, [0x10, 0x04]],
  [0, [0x20]],
];

/** Permission bits of an ACL as its attribute has it: a version (u32), then entries of tag, permissions (u16) and id (u32). */
function permissionsOf(acl: Buffer): number {
  const byTag = new Map<number, number>();
  for (let at = 4; at + 8 <= acl.length; at += 8) byTag.set(acl.readUInt16LE(at), acl.readUInt16LE(at + 2));
  let mode = 0;
  for (const [shift, tags] of CLASSES) {
    const tag = tags.find((one) => byTag.has(one)) as number;
    mode |= ((byTag.get(tag) as number) & 7) << shift;
  }
  return mode;
}
