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
  /** Absolute paths of ignore files beside the .gitignore files, weakest first: the user's, the repository's. */
  readonly excludeFiles: readonly [string | undefined, string];
  /** Absolute paths of what says where those are. */
  readonly configFiles: readonly string[];
  /** Patterns match whatever the case. */
  readonly ignoresCase: boolean;
}

/** The repository that `root` is the top of or lies in. */
export async function findRepository(root: string): Promise<Repository | undefined> {
  const paths = ["info/exclude", "config"].flatMap((name) => ["--git-path", name]);
  const answer = await git(root, ["rev-parse", "--show-toplevel", "--absolute-git-dir", ...paths]);
  const [top, gitDir, exclude, config] = answer?.split("\n") ?? [];
  if (!top || !gitDir || !exclude || !config) return undefined;
  const configured = await git(root, ["config", "--type=path", "core.excludesFile"]);
  const ofUser = configured === undefined ? inHome("ignore") : configured.replace(/\n$/, "");
  const ignoresCase = await git(root, ["config", "--type=bool", "core.ignoreCase"]);
  return {
    top,
    gitDir,
    // Set to nothing, there is none.
    excludeFiles: [ofUser === "" ? undefined : path.resolve(top, ofUser), path.resolve(root, exclude)],
    configFiles: [path.resolve(root, config), inHome("config"), path.join(home(), ".gitconfig")],
    ignoresCase: ignoresCase?.trim() === "true",
  };
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

/** A file of the user's own for git. Source: gitignore(5), git-config(1). */
function inHome(name: string): string {
  return path.join(process.env.XDG_CONFIG_HOME || path.join(home(), ".config"), "git", name);
}

function home(): string {
  return process.env.HOME ?? "/";
}

async function git(root: string, args: readonly string[]): Promise<string | undefined> {
  return (await runGit(root, args)).stdout;
}
