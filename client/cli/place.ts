/**
 * Which workspace a command means, and what its path arguments are inside it.
 * Owns the rule: the deeper of the nearest enclosing open workspace and the git top level; any other
 * directory only after `open DIR`, and `/` and the home directory only with `open --force`.
 */
import { isUtf8 } from "node:buffer";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import type { Workspace } from "../../protocol/methods/index.ts";
import { IopipeError } from "../../protocol/wire/errors.ts";
import { homeOf } from "../../protocol/wire/locations.ts";
import { isInside, nearest } from "../enclosing.ts";
import { openWorkspaces } from "../way.ts";
import type { Context } from "./context.ts";
import { UsageError } from "./failure.ts";

/** The workspace of this command; opened where it is a git top level that was not yet. */
export async function findWorkspace(context: Context): Promise<Workspace> {
  return chooseWorkspace(context, await openWorkspaces(context));
}

/** As findWorkspace(), with the open workspaces in hand. */
export async function chooseWorkspace(context: Context, open: readonly Workspace[]): Promise<Workspace> {
  const start = startOf(context);
  const enclosing = nearest(open, start);
  const git = gitTopLevel(start);
  if (enclosing !== undefined && enclosing.root.length >= (git?.length ?? 0)) return enclosing;
  if (git === undefined)
    throw new UsageError(
      `${start} is in no open workspace and in no git repository.`,
      "Open a directory with `iopipectl open DIR`.",
    );
  refuseTooLarge(git, false);
  const { workspace } = await context.call("workspace/open", { root: git });
  return workspace;
}

/** Where the search begins: `--workspace DIR`, else the working directory. */
export function startOf(context: Context): string {
  const directory = context.text("workspace");
  if (directory === undefined) return context.cwd;
  return realDirectory(resolve(context.cwd, directory));
}

/** @throws {UsageError} where `directory` does not exist. */
export function realDirectory(directory: string): string {
  try {
    return realpathSync(directory);
  } catch {
    throw new UsageError(`There is no directory ${directory}.`, "Give an existing directory.");
  }
}

/** @throws {UsageError} for `/` and the home directory without `force`. */
export function refuseTooLarge(root: string, force: boolean): void {
  if (force || (root !== "/" && root !== realHome())) return;
  throw new UsageError(
    `${root} as a workspace would mean watching everything in it.`,
    `If that is meant: \`iopipectl open --force ${root}\`.`,
  );
}

/** Undefined where the user has none, as in some containers. */
function realHome(): string | undefined {
  try {
    return realpathSync(homeOf(process.env));
  } catch {
    return undefined;
  }
}

function gitTopLevel(directory: string): string | undefined {
  for (let at = directory; ; at = dirname(at)) {
    if (existsSync(join(at, ".git"))) return at;
    if (at === dirname(at)) return undefined;
  }
}

/**
 * A path argument as the protocol wants it. Relative arguments count from the working directory where that is in the
 * workspace, else from its root.
 *
 * @throws {IopipeError} PathEscape where it lies outside; UsageError where it is not UTF-8
 */
export function pathIn(root: string, cwd: string, argument: string): string {
  refuseOtherBytes(argument);
  const absolute = resolve(isInside(root, cwd) ? cwd : root, argument);
  for (const candidate of [absolute, throughRealParent(absolute)])
    if (isInside(root, candidate)) return relative(root, candidate) || ".";
  throw new IopipeError("PathEscape", `${argument} is outside the workspace ${root}.`, { path: argument });
}

/** Node gives what is not UTF-8 in an argument as U+FFFD: taken for a name, that would be another file's. */
function refuseOtherBytes(argument: string): void {
  if (!argument.includes("\u{fffd}") || !existsSync(ARGUMENTS) || isUtf8(readFileSync(ARGUMENTS))) return;
  throw new UsageError(
    `${argument} is not UTF-8, and names that are not cannot be staged.`,
    "Rename the file, or write to it without iopipe.",
  );
}

/** This process's arguments, byte for byte; Linux alone has it, and macOS takes no other names anyway. */
const ARGUMENTS = "/proc/self/cmdline";

/** The same path by its parent's real name: an absolute argument may come by way of a symlink to the root. */
function throughRealParent(absolute: string): string {
  try {
    return join(realpathSync(dirname(absolute)), basename(absolute));
  } catch {
    return absolute;
  }
}
