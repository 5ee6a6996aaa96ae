/**
 * Failures of a promotion as errors of the wire.
 * Owns the wording of Stale. Which errno is which kind is disk's (errors.ts); SQLite's codes are told by their names.
 */
import { IopipeError } from "../../protocol/wire/errors.ts";
import { DiskError, faultKind, type Image, isErrno } from "../disk/index.ts";

/** `error` as an IopipeError; a defect of ours becomes InternalError with the error as its cause. */
export function toFault(error: unknown): IopipeError {
  if (error instanceof IopipeError) return error;
  const { name, code, message } = error as Error & { code?: unknown };
  const kind = faultKind(error);
  if (kind !== undefined) return new IopipeError(kind, message, pathOf(error));
  if (name === "AbortError")
    return new IopipeError("Cancelled", "The promotion was cancelled before its decision.");
  if (name === "SqliteError")
    return new IopipeError(
      code === "SQLITE_FULL" ? "DiskFull" : "IoFailed",
      `The state database answered ${code}.`,
    );
  return Object.assign(new IopipeError("InternalError", "The promotion failed by a defect."), {
    cause: error,
  });
}

function pathOf(error: unknown): { path?: string } {
  if (error instanceof DiskError) return { path: error.path };
  return isErrno(error) && error.path !== undefined ? { path: error.path } : {};
}

export interface StaleFile {
  readonly path: string;
  readonly expected: Image;
  readonly actual?: Image | undefined;
}

/** Files that are not what the patch was made on; nothing of theirs was overwritten. */
export function stale(files: readonly StaleFile[]): IopipeError {
  const at = new Date().toISOString();
  const [first] = files;
  const more = files.length > 1 ? `, nor ${files.length - 1} more` : "";
  return new IopipeError("Stale", `'${first?.path}' is not what the change was made on${more}`, {
    path: first?.path,
    files: files.map((file) => ({ ...file, at })),
  });
}
