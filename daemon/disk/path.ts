/**
 * Paths as text: which ones can name a file of a workspace at all.
 * Owns the lexical rules and the reserved names. What a path leads to on disk (links, guarded directories) is tree.ts.
 * Source: git's verify_path, is_ntfs_dotgit and next_hfs_char: `.git` is guarded in every spelling that
 * any file system could take for it, also on file systems that would not.
 */
import { randomBytes } from "node:crypto";
import { DiskError } from "./errors.ts";

/** Names that begin so are ours: temporary files and backups. Watchers and listings leave them out. */
const TEMPORARY_PREFIX = ".iopipe-";

/** NAME_MAX of every usual file system, in bytes. */
const MAX_NAME_BYTES = 255;

/** PATH_MAX without its NUL: a longer path could be written by descriptors but opened by no other program. */
export const MAX_PATH_BYTES = 4095;

/** What HFS+ ignores in names. git: utf8.c, next_hfs_char. */
const IGNORED_BY_HFS = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g;

/** `.git`, its short name on NTFS, and what NTFS strips or reads as a stream behind either. */
const GIT_DIRECTORY = /^(\.git|git~1)[ .]*($|[:\\])/;

/**
 * Checks that `path` is relative to a root, stays below it, and is not reserved.
 *
 * @throws {DiskError} PathEscape, PathProtected or NameTooLong
 */
export function checkPath(path: string): void {
  if (!path.isWellFormed() || path.includes("\0"))
    throw new DiskError("PathEscape", path, "The path holds a NUL or a lone surrogate.");
  const bytes = Buffer.byteLength(path);
  if (bytes > MAX_PATH_BYTES)
    throw tooLong(path, `The path has ${bytes} bytes; ${MAX_PATH_BYTES} is the most.`);
  for (const name of path.split("/")) checkName(name, path);
}

function checkName(name: string, path: string): void {
  if (name === "" || name === "." || name === "..")
    throw new DiskError("PathEscape", path, `'${path}' is not a plain path below the root.`);
  const bytes = Buffer.byteLength(name);
  if (bytes > MAX_NAME_BYTES)
    throw tooLong(path, `A name has ${bytes} bytes; ${MAX_NAME_BYTES} is the most: '${path}'`);
  if (isGitDirectory(name)) throw new DiskError("PathProtected", path, `'${path}' belongs to git.`);
  if (isTemporaryName(name))
    throw new DiskError("PathProtected", path, `'${path}' is reserved for iopipe's temporary files.`);
}

function tooLong(path: string, message: string): DiskError {
  return new DiskError("NameTooLong", path, message);
}

/** Whether a file system may take `name` for `.git`. */
export function isGitDirectory(name: string): boolean {
  return GIT_DIRECTORY.test(name.replace(IGNORED_BY_HFS, "").toLowerCase());
}

/** The same for all paths that some file system takes for one: by case, by composed characters or by ignored ones. */
export function foldCase(path: string): string {
  // Up and down: long s and its like have an upper case only.
  return path.replace(IGNORED_BY_HFS, "").normalize("NFC").toUpperCase().toLowerCase();
}

/** Whether a name (not a path) is reserved for our temporary files. */
export function isTemporaryName(name: string): boolean {
  return name.toLowerCase().startsWith(TEMPORARY_PREFIX);
}

/** 16 hex digits that nobody can foresee, for one set of temporary names. */
export function temporaryMark(): string {
  return randomBytes(8).toString("hex");
}

/** A temporary name: short and fixed in length whatever the target's is, and no source file by its ending. */
export function temporaryName(mark: string, n: number, kind: "tmp" | "bak"): string {
  return `${TEMPORARY_PREFIX}${mark}-${n}.${kind}`;
}

/** The directory of a path, "" for the root's own entries. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** `name` in `directory`, which is "" for the root. */
export function joinPath(directory: string, name: string): string {
  return directory === "" ? name : `${directory}/${name}`;
}

/** The directories above a path, outermost first, without the root. */
export function ancestorsOf(path: string): string[] {
  const names = path.split("/").slice(0, -1);
  return names.map((_, at) => names.slice(0, at + 1).join("/"));
}
