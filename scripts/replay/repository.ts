/**
 * The private clone that is replayed in. The given repository is only read: objects are copied, neither borrowed nor
 * linked, for git renews the time of one that it would write and finds there (object-file.c, freshen_file).
 * INVARIANT: git takes bytes in this work tree as they are: no attribute, filter or line ending of the user's or of
 * the repository's counts.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type GitOptions, git } from "../scratch/git.ts";

export interface Repository {
  /** The work tree, absolute. */
  readonly root: string;
  git(args: readonly string[], options?: GitOptions): Promise<Buffer>;
  /** As `git`, for answers of one line. */
  line(args: readonly string[], options?: GitOptions): Promise<string>;
}

const SETTINGS = [
  "core.autocrlf=false",
  "core.fileMode=true",
  "core.symlinks=true",
  "core.ignoreCase=false",
  // What these refuse is iopipe's to refuse here.
  "core.protectNTFS=false",
  "core.protectHFS=false",
  "gc.auto=0",
];

/** Of all attributes' files this one has the last word. gitattributes(5) */
const ATTRIBUTES = "* -text -ident -filter -working-tree-encoding\n";

/** Clones the last `count` commits of `source`, and the one that they are made on, to `root`; checks nothing out. */
export async function cloneOf(source: string, root: string, count: number): Promise<Repository> {
  const settings = SETTINGS.flatMap((setting) => ["--config", setting]);
  const options = [
    "--quiet",
    "--no-local",
    `--depth=${count + 1}`,
    "--no-tags",
    "--no-checkout",
    "--template=",
  ];
  await git(".", ["clone", ...options, ...settings, "--", source, root]);
  mkdirSync(join(root, ".git/info"), { recursive: true });
  writeFileSync(join(root, ".git/info/attributes"), ATTRIBUTES);
  const run: Repository["git"] = (args, rest) => git(root, args, rest);
  return { root, git: run, line: async (args, rest) => (await run(args, rest)).toString().trimEnd() };
}

export interface Commit {
  readonly id: string;
  /** The first line of its message. */
  readonly title: string;
}

export interface History {
  /** The tree that the first commit is made on. */
  readonly base: string;
  /** Oldest first. */
  readonly commits: readonly Commit[];
}

/** The last `count` first-parent commits of what is checked out in the given repository. */
export async function historyOf(repository: Repository, count: number): Promise<History> {
  const log = ["log", "--first-parent", `--max-count=${count}`, "--reverse", "-z", "--format=%H %P%n%s"];
  const records = (await repository.git([...log, "HEAD"])).toString().split("\0").filter(Boolean);
  const commits = records.map((record) => {
    const [ids = "", title = ""] = record.split("\n");
    const [id = "", parent = ""] = ids.split(" ");
    return { id, title, parent };
  });
  const parent = commits[0]?.parent;
  const base = parent === "" ? ["mktree"] : ["rev-parse", `${parent}^{tree}`];
  return { base: await repository.line(base), commits };
}
