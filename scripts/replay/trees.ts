/** Trees, as git's ids: what the work tree is, and what it should be. Owns two private indexes. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { type Delta, differences, type Entry, entriesOf, withoutSubmodules } from "./deltas.ts";
import type { Repository } from "./repository.ts";

/** What a tree has at a path instead of what the commit has there: another entry, or nothing. */
export interface Instead {
  readonly path: Entry;
  readonly entry?: Entry | undefined;
}

/** What a difference is about, left as it was. */
export function asItIs(delta: Delta): Instead[] {
  return entriesOf(delta).map((path) => ({ path, entry: delta.from }));
}

interface Actual {
  readonly tree: string;
  /** Git's trees do not know them. */
  readonly emptyDirectories: readonly string[];
}

export interface Trees {
  /** The work tree's; `afresh`: every file is hashed, not only those whose stat has changed. */
  actual(afresh: boolean): Promise<Actual>;
  /** A commit's, but for some paths. */
  expected(commit: string, instead: readonly Instead[]): Promise<string>;
  /** What git makes of `tree` with a diff. @throws {Error} with git's words where it does not take it */
  patched(tree: string, diff: string): Promise<string>;
  /** Makes the work tree, which is empty, what `tree` is, but for submodules; gives the tree that it then is. */
  checkOut(tree: string): Promise<string>;
  /** For a person: how the second tree differs from the first. */
  explain(expected: string, actual: string): Promise<string[]>;
}

/** `directory` takes the indexes. */
export function treesOf(repository: Repository, directory: string): Trees {
  const index = (name: string) => ({ env: { GIT_INDEX_FILE: join(directory, name) } });
  const [seen, made] = [index("seen.index"), index("made.index")];

  const expected: Trees["expected"] = async (commit, instead) => {
    if (instead.length === 0) return repository.line(["rev-parse", `${commit}^{tree}`]);
    await repository.git(["read-tree", commit], made);
    const lines = instead.map(({ path, entry }) => {
      const head = entry ? `${entry.mode} ${entry.oid}\t` : `0 ${"0".repeat(commit.length)}\t`;
      return Buffer.concat([Buffer.from(head), path.bytes, Buffer.of(0)]);
    });
    await repository.git(["update-index", "-z", "--index-info"], { ...made, input: Buffer.concat(lines) });
    return repository.line(["write-tree"], made);
  };
  return {
    expected,
    actual: async (afresh) => {
      if (afresh) rmSync(seen.env.GIT_INDEX_FILE, { force: true });
      await repository.git(["add", "--all", "--force", "--", "."], seen);
      const tree = await repository.line(["write-tree"], seen);
      const others = await repository.git(["ls-files", "--others", "--directory", "-z"], seen);
      return { tree, emptyDirectories: others.toString().split("\0").filter(Boolean) };
    },
    patched: async (tree, diff) => {
      await repository.git(["read-tree", tree], made);
      if (diff !== "")
        await repository.git(["apply", "--cached", "--whitespace=nowarn", "-"], { ...made, input: diff });
      return repository.line(["write-tree"], made);
    },
    checkOut: async (tree) => {
      const nothing = await repository.line(["mktree"]);
      const { submodules } = withoutSubmodules(await differences(repository, nothing, tree));
      const start = await expected(
        tree,
        submodules.map((path) => ({ path })),
      );
      await repository.git(["read-tree", start], made);
      await repository.git(["checkout-index", "--all", "--quiet"], made);
      return start;
    },
    explain: async (wanted, found) => {
      const deltas = await differences(repository, wanted, found);
      return deltas.map(({ from, to }) => `${inWords(from)} -> ${inWords(to)}`);
    },
  };
}

function inWords(entry: Entry | undefined): string {
  return entry ? `${entry.path} (${entry.mode} ${entry.oid.slice(0, 12)})` : "absent";
}
