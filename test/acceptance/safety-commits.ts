/** Git as the tests of the safety commit use it, and everything of a repository's that must stay as it is. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import type { Result } from "../../protocol/methods/index.ts";

export type SafetyCommit = NonNullable<Result<"session/apply">["safetyCommit"]>;

export function git(directory: string, ...args: string[]): string {
  return execFileSync("git", args, { cwd: directory, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

export function made(commit: SafetyCommit | undefined): { ref: string; commit: string } {
  if (commit === undefined || "unavailable" in commit) throw new Error(JSON.stringify(commit));
  return commit;
}

/** Everything of git's that is not an object or one of our refs. */
export function stateOf(root: string): Record<string, string> {
  const files = Object.entries(filesIn(join(root, ".git")));
  return Object.fromEntries(files.filter(([path]) => !/\/objects\/|\/refs\/iopipe\//.test(path)));
}

export function filesIn(directory: string): Record<string, string> {
  const entries = fs.readdirSync(directory, { recursive: true, withFileTypes: true });
  const paths = entries.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
  return Object.fromEntries(paths.map((path) => [path, fs.readFileSync(path, "latin1")]));
}
