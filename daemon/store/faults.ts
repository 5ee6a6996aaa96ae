/**
 * Faults: what the disk, the operating system and SQLite refuse, as errors of the wire's closed set.
 * Owns the table of SQLite's codes and the wording. Which errno is which kind is the disk's (disk/errors.ts); what a
 * kind means is protocol/wire/errors.ts. Lowest place that knows all three; who asks adds what it knows of its own.
 */
import { isAbsolute } from "node:path";
import { type ErrorKind, IopipeError } from "../../protocol/wire/errors.ts";
import { DiskError, faultKind, isErrno } from "../disk/errors.ts";

/** SQLite's primary result codes; extended ones begin with them. */
const SQLITE_KINDS: Readonly<Record<string, ErrorKind>> = {
  SQLITE_FULL: "DiskFull",
  SQLITE_BUSY: "Busy",
  SQLITE_READONLY: "ReadOnly",
  SQLITE_IOERR: "IoFailed",
};

/** The wire's error for what was thrown; `undefined` when it is a defect of ours. */
export function faultOf(error: unknown): IopipeError | undefined {
  return error instanceof IopipeError ? error : (fromDisk(error) ?? fromSqlite(error));
}

/** The disk names its kinds as the wire does. A path that is not relative to a root stays in the message. */
function fromDisk(error: unknown): IopipeError | undefined {
  if (error instanceof DiskError) return new IopipeError(error.kind, error.message, { path: error.path });
  const kind = faultKind(error);
  if (kind === undefined || !isErrno(error)) return undefined;
  const { code, path } = error;
  const { syscall } = error as NodeJS.ErrnoException;
  const where = path === undefined ? "" : ` of ${path}`;
  const data = path === undefined || isAbsolute(path) ? { errno: code } : { errno: code, path };
  const meaning = MEANINGS[code];
  const why = meaning === undefined ? code : `${code}, ${meaning}`;
  return new IopipeError(kind, `The operating system refused ${syscall}${where}: ${why}.`, data);
}

/** What a code says of a file, where few know it. */
const MEANINGS: Readonly<Record<string, string>> = {
  EXDEV: "something is mounted there",
  EBUSY: "something uses it, or is mounted there",
};

function fromSqlite(error: unknown): IopipeError | undefined {
  const code = sqliteCode(error);
  const [, kind] = Object.entries(SQLITE_KINDS).find(([primary]) => code?.startsWith(primary)) ?? [];
  const why = kind === "DiskFull" ? ": no space is left on the file system of the state directory" : "";
  return kind && new IopipeError(kind, `The state database answered ${code}${why}.`, { errno: code });
}

function sqliteCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || error.name !== "SqliteError") return undefined;
  return String((error as { code?: unknown }).code);
}

/**
 * Whether a write found no room. SQLite says FULL of ENOSPC only: a quota's EDQUOT is among what it calls a failed
 * write, so that one counts too.
 */
export function meansFull(error: unknown): boolean {
  return faultOf(error)?.kind === "DiskFull" || sqliteCode(error) === "SQLITE_IOERR_WRITE";
}
