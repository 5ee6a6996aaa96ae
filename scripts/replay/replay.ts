/** One replay: where it happens, with whom, and what has become of it so far. */
import type { Connection } from "../../client/index.ts";
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
  /** Hash every file anew at each comparison, and compare after staging too. */
  readonly verifyEach: boolean;
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
