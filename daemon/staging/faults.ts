/**
 * Errors of the disk as the wire's, where staging has to say which change or patch they are about.
 * Errors that pass through untouched are mapped at the door (daemon/rpc).
 */
import { IopipeError } from "../../protocol/wire/errors.ts";
import { DiskError, faultKind } from "../disk/index.ts";

/** `error` as an IopipeError about `path`, where it names none itself; rethrows what is no error of the disk. */
export function fromDisk(error: unknown, path: string | undefined): IopipeError {
  const at = path === undefined ? {} : { path };
  if (error instanceof IopipeError) return error.data.path === undefined ? error.with(at) : error;
  const kind = faultKind(error);
  if (kind === undefined) throw error;
  return new IopipeError(
    kind,
    (error as Error).message,
    error instanceof DiskError ? { path: error.path } : at,
  );
}
