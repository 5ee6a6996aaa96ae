/**
 * Faults: every thrown thing as an error of the wire's closed set.
 * Owns the mapping of path errors, errno and SQLite errors to kinds. What a kind means is protocol/wire/errors.ts.
 * INVARIANT: what is not recognised is a defect: the caller sees InternalError without message, path or stack.
 */
import { ERRORS, type ErrorKind, IopipeError } from "../../protocol/wire/index.ts";

/** errno(3) names; everything else the operating system says is IoFailed. */
const ERRNO_KINDS: Readonly<Record<string, ErrorKind>> = {
  ENOSPC: "DiskFull",
  EDQUOT: "DiskFull",
  EACCES: "AccessDenied",
  EPERM: "AccessDenied",
  EROFS: "ReadOnly",
  ENAMETOOLONG: "NameTooLong",
};

/** Linux' EDQUOT, which libuv has no name for. */
const ERRNO_EDQUOT = -122;

/** SQLite's primary result codes; extended ones begin with them. */
const SQLITE_KINDS: Readonly<Record<string, ErrorKind>> = {
  SQLITE_FULL: "DiskFull",
  SQLITE_BUSY: "Busy",
  SQLITE_READONLY: "ReadOnly",
  SQLITE_IOERR: "IoFailed",
};

/** The wire's error for what a handler threw; `undefined` when it is a defect of ours. */
export function faultOf(error: unknown): IopipeError | undefined {
  if (error instanceof IopipeError) return error;
  if (!(error instanceof Error)) return undefined;
  return fromDisk(error) ?? fromErrno(error) ?? fromSqlite(error);
}

/** daemon/disk's DiskError: its kinds are named as ours. */
function fromDisk(error: Error): IopipeError | undefined {
  const { kind, path } = error as { kind?: unknown; path?: unknown };
  if (error.name !== "DiskError" || typeof kind !== "string" || !(kind in ERRORS)) return undefined;
  return new IopipeError(kind as ErrorKind, error.message, typeof path === "string" ? { path } : {});
}

function fromErrno(error: NodeJS.ErrnoException): IopipeError | undefined {
  const { code, errno, syscall, path } = error;
  if (typeof errno !== "number" || typeof syscall !== "string") return undefined;
  const kind = errno === ERRNO_EDQUOT ? "DiskFull" : (ERRNO_KINDS[code ?? ""] ?? "IoFailed");
  const where = path === undefined ? "" : ` of ${path}`;
  const data = path === undefined || path.startsWith("/") ? { errno: code } : { errno: code, path };
  return new IopipeError(kind, `The operating system refused ${syscall}${where}: ${code ?? errno}.`, data);
}

function fromSqlite(error: Error): IopipeError | undefined {
  const code = (error as { code?: unknown }).code;
  if (error.name !== "SqliteError" || typeof code !== "string") return undefined;
  const primary = Object.keys(SQLITE_KINDS).find((name) => code.startsWith(name));
  if (primary === undefined) return undefined;
  return new IopipeError(SQLITE_KINDS[primary] as ErrorKind, `The state database answered ${code}.`, {
    errno: code,
  });
}
