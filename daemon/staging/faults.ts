/**
 * Errors of the disk as the wire's, where staging has to say which change or patch they are about.
 * What is which kind is store/faults.ts'; errors that pass through untouched are mapped at the door (daemon/rpc).
 */
import type { IopipeError } from "../../protocol/wire/errors.ts";
import { faultOf } from "../store/faults.ts";

/** `error` as an IopipeError about `path`, where it names none itself; rethrows a defect of ours. */
export function faultAbout(error: unknown, path: string | undefined): IopipeError {
  const fault = faultOf(error);
  if (!fault) throw error;
  return fault.data.path === undefined && path !== undefined ? fault.with({ path }) : fault;
}
