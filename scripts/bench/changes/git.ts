/**
 * Git doing its part of the same: `git add` (record), `git diff --cached` (show), `git apply` (write). It starts a
 * process each time, finds the content on disk already, keeps no journal of the tree, and syncs none of its files.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Steps } from "./steps.ts";
import { makeTree, textOf } from "./tree.ts";

const SETTINGS = ["user.name=bench", "user.email=bench@localhost", "gc.auto=0"].flatMap((each) => [
  "-c",
  each,
]);

export function gitSteps(count: number, root: string): Steps {
  const names = makeTree(root, count);
  const git = (args: string[], input?: string): string =>
    execFileSync("git", [...SETTINGS, ...args], {
      cwd: root,
      encoding: "utf8",
      input,
      maxBuffer: 64 * 1024 * 1024,
    });
  git(["init", "--quiet"]);
  git(["add", "--all"]);
  git(["commit", "--quiet", "--message", "base"]);
  let patch = "";
  return {
    names: { stage: "git add", diff: "git diff --cached", apply: "git apply" },
    toStage: (round) => {
      for (const name of names) writeFileSync(join(root, name), textOf(round));
    },
    stage: () => git(["add", "--all"]),
    diff: () => git(["diff", "--cached"]),
    toApply: () => {
      patch = git(["diff", "--cached"]);
      git(["reset", "--quiet", "--hard"]);
    },
    apply: () => git(["apply", "-"], patch),
    reset: () => git(["reset", "--quiet", "--hard"]),
  };
}
