/**
 * Git's directories that a command over a root would write to though they lie outside of it: a worktree's, a submodule's,
 * those of a repository that the root is only a part of. A layer covers them, so that a commit in it stays in it.
 * Owns which these are. They are read as git reads them (setup.c: discovery, is_git_directory), but not through git, which
 * refuses where a command's own configuration may let it pass.
 * INVARIANT: a pointer is somebody's bytes. What it leads to counts only if that is all of a git directory, which nobody
 * makes of a place that he may not write to; everything else is left as it is, for git does not write there either.
 * RACE: one that is replaced by a link before it is mounted. Worst case: this one command finds a layer over what the
 * link leads to, and what it writes there goes with the layer.
 */
import { constants } from "node:fs";
import { lstat, open, readlink, realpath, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { mountPoints } from "./mounts.ts";
import type { Unstaged } from "./standing.ts";
import type { Own } from "./start.ts";

export interface OutsideGit {
  /** Absolute, without links; none below another. */
  readonly covered: readonly string[];
  /** Those that a layer does not cover. */
  readonly uncovered: readonly Unstaged[];
}

/** Those of the directory `root`; nothing is changed, and what cannot be read is none. */
export async function outsideGit(root: string, own: Own): Promise<OutsideGit> {
  const outside = (await gitDirectories(root)).filter((found) => !isBelow(root, found));
  const outermost = outside.filter(
    (found) => !outside.some((each) => each !== found && isBelow(each, found)),
  );
  const covered: string[] = [];
  const uncovered: Unstaged[] = [];
  for (const path of outermost) {
    const reason = await objection(path, root, own);
    if (reason === undefined) covered.push(path);
    else uncovered.push({ path, reason });
  }
  return { covered, uncovered };
}

/** The git directory and the common one of the repository that `root` is in; the nearest counts. */
async function gitDirectories(root: string): Promise<string[]> {
  for (let at = root; ; at = dirname(at)) {
    // A bare repository has no .git: it is one.
    for (const candidate of [await ledTo(join(at, ".git")), at]) {
      const found = await wholeAt(candidate);
      if (found.length > 0) return found;
    }
    if (at === dirname(at)) return [];
  }
}

/** Where a `.git` leads. gitrepository-layout(5), "gitfile". */
async function ledTo(file: string): Promise<string> {
  const [, target] = /^gitdir: (.+)$/s.exec(await readLine(file)) ?? [];
  return target === undefined ? file : resolve(dirname(file), target);
}

/** A directory with its common one, where they are all that git needs; without links. Nameless ones count unseen. */
async function wholeAt(path: string): Promise<string[]> {
  const directory = await withoutLinks(path);
  if (directory === undefined || isNameless(directory)) return directory === undefined ? [] : [directory];
  if (!(await isHead(join(directory, "HEAD")))) return [];
  const line = await readLine(join(directory, "commondir"));
  const common = line === "" ? directory : await withoutLinks(resolve(directory, line));
  if (common === undefined) return [];
  const parts = await Promise.all(["objects", "refs"].map((part) => isDirectory(join(common, part))));
  return parts.every(Boolean) || isNameless(common) ? [...new Set([directory, common])] : [];
}

async function withoutLinks(path: string): Promise<string | undefined> {
  return isNameless(path) ? path : await realpath(path).catch(() => undefined);
}

/** Whether bytes that are no UTF-8 have been lost in it. */
function isNameless(path: string): boolean {
  return path.includes("\ufffd");
}

async function isHead(file: string): Promise<boolean> {
  const target = await readlink(file).catch(() => undefined);
  return target?.startsWith("refs/") || /^(ref:\s*refs\/|[0-9a-f]{40})/.test(await readLine(file));
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}

/** Git's own limit is higher; a path is no longer. */
const MAX_LINE_BYTES = 8192;

/** The line that is a small file, without its end; "" where there is none. A FIFO is not waited for. */
async function readLine(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY).catch(
    () => undefined,
  );
  if (!file) return "";
  try {
    if (!(await file.stat()).isFile()) return "";
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_LINE_BYTES), 0, MAX_LINE_BYTES, 0);
    return buffer.toString("utf8", 0, bytesRead).replace(/[\r\n]+$/, "");
  } catch {
    return "";
  } finally {
    await file.close();
  }
}

/** Why one is not covered. */
async function objection(path: string, root: string, own: Own): Promise<string | undefined> {
  if (isNameless(path)) return "its name is not UTF-8";
  if (path === "/") return "it is the whole machine";
  if ([own.stateDir, own.runtimeDir].some((each) => isBelow(each, path) || isBelow(path, each)))
    return "iopipe's own directories are there";
  const [{ uid }, ofRoot] = await Promise.all([lstat(path), lstat(root)]);
  if (uid !== process.getuid?.() && uid !== ofRoot.uid) return "it belongs to another user";
  if (mountPoints().some((at) => at !== path && isBelow(path, at))) return "something is mounted below it";
  return undefined;
}

function isBelow(outer: string, inner: string): boolean {
  return `${inner}/`.startsWith(outer === "/" ? outer : `${outer}/`);
}
