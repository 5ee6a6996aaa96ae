/** Paths of a call, inside what they must not leave. */
import { isAbsolute, relative } from "node:path";
import type { Workspace } from "../../protocol/methods/index.ts";
import { IopipeError } from "../../protocol/wire/errors.ts";
import { isInside, realPlace } from "../enclosing.ts";

/**
 * A path as the protocol wants it: models give absolute ones too.
 *
 * @throws {IopipeError} PathEscape where an absolute one lies elsewhere; relative ones are the daemon's to judge.
 */
export function pathIn({ root }: Workspace, path: string): string {
  if (!isAbsolute(path)) return path;
  const file = realPlace(path);
  assertInside(root, file, path);
  return relative(root, file) || ".";
}

/** @throws {IopipeError} PathEscape where `file` is not below `root`; `path` is how the call gave it. */
export function assertInside(root: string, file: string, path: string): void {
  if (isInside(root, file)) return;
  throw new IopipeError("PathEscape", `${path} is outside the workspace ${root}.`, { path });
}
