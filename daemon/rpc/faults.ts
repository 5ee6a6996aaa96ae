/**
 * Faults: every thrown thing as an error of the wire's closed set.
 * Owns the wording for what the operating system and SQLite say. Which errno is which kind is the disk's
 * (disk/errors.ts); what a kind means is protocol/wire/errors.ts.
 * INVARIANT: what is not recognised is a defect: the caller sees InternalError without message, path or stack.
 */
import { isAbsolute } from "node:path";
import { type ErrorKind, IopipeError } from "../../protocol/wire/index.ts";
import { DiskError, faultKind, isErrno } from "../disk/errors.ts";

/** SQLite's primary result codes; extended ones begin with them. */
const SQLITE_KINDS: Readonly<Record<string, ErrorKind>> = {
  SQLITE_FULL: "DiskFull",
  SQLITE_BUSY: "Busy",
  SQLITE_READONLY: "ReadOnly",
  SQLITE_IOERR: "IoFailed",
};

/** The wire's error for what a handler threw; `undefined` when it is a defect of ours. */
export function faultOf(error: unknown): IopipeError | undefined {
  return error instanceof IopipeError ? error : (fromDisk(error) ?? fromSqlite(error));
}

/** The disk names its kinds as the wire does. */
function fromDisk(error: unknown): IopipeError | undefined {
  if (error instanceof DiskError) return new IopipeError(error.kind, error.message, { path: error.path });
  const kind = faultKind(error);
  if (kind === undefined || !isErrno(error)) return undefined;
  const { code, path } = error;
  const { syscall } = error as NodeJS.ErrnoException;
  const where = path === undefined ? "" : ` of ${path}`;
  const data = path === undefined || isAbsolute(path) ? { errno: code } : { errno: code, path };
  return new IopipeError(kind, `The operating system refused ${syscall}${where}: ${code}.`, data);
}

function fromSqlite(error: unknown): IopipeError | undefined {
  if (!(error instanceof Error) || error.name !== "SqliteError") return undefined;
  const { code } = error as { code?: unknown };
  const [, kind] = Object.entries(SQLITE_KINDS).find(([primary]) => String(code).startsWith(primary)) ?? [];
  return kind && new IopipeError(kind, `The state database answered ${code}.`, { errno: code });
}
