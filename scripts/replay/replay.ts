/** One replay: where it happens, with whom, and what has become of it so far. */
import type { CallOptions, Connection } from "../../client/index.ts";
import type { Refusals } from "./refusals.ts";
import type { Commit, Repository } from "./repository.ts";
import { mismatch, type Tally } from "./tally.ts";
import type { Trees } from "./trees.ts";

export interface Replay {
  readonly repository: Repository;
  readonly trees: Trees;
  readonly connection: Connection;
  readonly workspace: string;
  readonly refusals: Refusals;
  readonly tally: Tally;
  /** In which form a commit is proposed: a change for each file, or git's own diff. */
  readonly as: "changes" | "unified-diff";
  /** Hash every file anew at each comparison, and compare after staging too. */
  readonly verifyEach: boolean;
}

/** Longest time of one call to the daemon: far more than thousands of files take. */
const CALL_LIMIT_MS = 20 * 60_000;

export function inTime(): CallOptions {
  return { signal: AbortSignal.timeout(CALL_LIMIT_MS) };
}

/** Compares the work tree with `expected`; gives what it is. */
export async function compare(
  { trees, tally, verifyEach }: Pick<Replay, "trees" | "tally" | "verifyEach">,
  commit: Commit,
  when: string,
  expected: string,
): Promise<string> {
  const { tree, emptyDirectories } = await trees.actual(verifyEach);
  tally.comparisons += 1;
  if (tree !== expected)
    mismatch(tally, commit, `${when}, the tree differs`, await trees.explain(expected, tree));
  else if (emptyDirectories.length > 0)
    mismatch(tally, commit, `${when}, directories are empty`, emptyDirectories);
  return tree;
}
