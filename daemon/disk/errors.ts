/**
 * What the disk refuses: our own refusals as DiskError, the operating system's by errno, both under the names that
 * the wire's errors have.
 * Owns the table from errno to kind. Turning a kind into an error of the wire is the callers' (disk knows no protocol).
 */

export type DiskErrorKind =
  | "PathEscape"
  | "PathProtected"
  | "NotAFile"
  | "NameTooLong"
  | "RootGone"
  | "Busy"
  | "AccessDenied";

/** Every kind that a failure on disk can have. */
export type FaultKind = DiskErrorKind | "DiskFull" | "ReadOnly" | "IoFailed";

/** A path or file that is not touched, and why; nothing was changed. */
export class DiskError extends Error {
  override readonly name = "DiskError";
  readonly kind: DiskErrorKind;
  /** Relative to the tree's root where there is one, else as the caller gave it. */
  readonly path: string;

  constructor(kind: DiskErrorKind, path: string, message: string) {
    super(message);
    this.kind = kind;
    this.path = path;
  }
}

export type ErrnoError = Error & { code: string; syscall: string; errno?: number; path?: string };

/** Whether the operating system reported `error`; with `codes`, whether as one of these. */
export function isErrno(error: unknown, ...codes: string[]): error is ErrnoError {
  if (!(error instanceof Error) || !("syscall" in error) || !("code" in error)) return false;
  return codes.length === 0 || codes.includes(error.code as string);
}

const KINDS: Readonly<Record<string, FaultKind>> = {
  ENOSPC: "DiskFull",
  EDQUOT: "DiskFull",
  // libuv has no name for EDQUOT: its number on Linux.
  "Unknown system error -122": "DiskFull",
  EACCES: "AccessDenied",
  EPERM: "AccessDenied",
  EROFS: "ReadOnly",
  ENAMETOOLONG: "NameTooLong",
  EBUSY: "Busy",
  // A file that something is mounted on.
  EXDEV: "Busy",
  EAGAIN: "Busy",
  EMFILE: "Busy",
  ENFILE: "Busy",
};

/** The kind of a failure on disk; undefined for an error that is none. */
export function faultKind(error: unknown): FaultKind | undefined {
  if (error instanceof DiskError) return error.kind;
  if (!isErrno(error)) return undefined;
  return KINDS[error.code] ?? "IoFailed";
}

/** Gives an errno error the path that the user knows, in place of a descriptor's; other errors pass unchanged. */
export function named(error: unknown, path: string): unknown {
  if (!isErrno(error)) return error;
  const fact = error.message.replace(/ '.*$/s, "");
  return Object.assign(error, { path, message: `${fact} '${path}'` });
}
