/**
 * What git says of a root: where its repository is, and which files it tracks although they are ignored.
 * Owns the questions. Reads nothing itself; patterns are gitignore.ts, and how git is started is the disk's.
 * Failure: no git, no repository, or one that git refuses: undefined; the caller then ignores nothing.
 */

import path from "node:path";
import { runGit } from "../disk/index.ts";

export interface Repository {
  /** Absolute. */
  readonly top: string;
  /** Absolute; a worktree's own, with HEAD and index. */
  readonly gitDir: string;
  /** Absolute paths of ignore files beside the .gitignore files, weakest first. */
  readonly excludeFiles: readonly string[];
}

/** The repository that `root` is the top of or lies in. */
export async function findRepository(root: string): Promise<Repository | undefined> {
  const answer = await git(root, [
    "rev-parse",
    "--show-toplevel",
    "--absolute-git-dir",
    "--git-path",
    "info/exclude",
  ]);
  const [top, gitDir, exclude] = answer?.split("\n") ?? [];
  if (!top || !gitDir || !exclude) return undefined;
  const configured = (await git(root, ["config", "--type=path", "core.excludesFile"]))?.trim();
  return { top, gitDir, excludeFiles: [configured || defaultExcludes(), path.resolve(root, exclude)] };
}

/** Root-relative paths that are in the index although a pattern, or one of `patterns`, ignores them; undefined when git fails. */
export async function trackedButIgnored(
  root: string,
  patterns: readonly string[],
): Promise<string[] | undefined> {
  const own = patterns.map((pattern) => `--exclude=${pattern}`);
  const answer = await git(root, ["ls-files", "-z", "--cached", "--ignored", "--exclude-standard", ...own]);
  return answer?.split("\0").filter((name) => name !== "");
}

/** Source: gitignore(5). */
function defaultExcludes(): string {
  const home = process.env.XDG_CONFIG_HOME || path.join(process.env.HOME ?? "/", ".config");
  return path.join(home, "git", "ignore");
}

async function git(root: string, args: readonly string[]): Promise<string | undefined> {
  return (await runGit(root, args)).stdout;
}
