/**
 * Failures of a promotion as errors of the wire.
 * Owns the wording of Stale. What the disk and the database refuse is told by store/faults.ts.
 */
import { IopipeError } from "../../protocol/wire/errors.ts";
import type { Image } from "../disk/index.ts";
import { faultOf } from "../store/faults.ts";

/** `error` as an IopipeError; a defect of ours becomes InternalError with the error as its cause. */
export function toFault(error: unknown): IopipeError {
  const known = faultOf(error);
  if (known) return known;
  if ((error as Error).name === "AbortError")
    return new IopipeError("Cancelled", "The promotion was cancelled before its decision.");
  return Object.assign(new IopipeError("InternalError", "The promotion failed by a defect."), {
    cause: error,
  });
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
