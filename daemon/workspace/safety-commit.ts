/**
 * The safety commit: an operation's files as they were and as they became, as two commits under refs/iopipe/, so that
 * git alone can bring them back.
 * Owns when there is one and what is in it; the stream is snapshot-stream.ts. Only touched paths differ from HEAD's tree.
 * INVARIANT: index, HEAD, branches, stash and work tree are neither read for it nor written, no hook runs, nothing is
 * signed, and no lock of anybody's is removed: fast-import(1) needs none of them.
 * Failure: never the operation's, which is complete; why there is no commit is the answer.
 */
import type { Result } from "../../protocol/methods/index.ts";
import { fastImport, type GitAnswer, runGit, type Tree } from "../disk/index.ts";
import type { OperationFileRow, OperationRow, Store } from "../store/index.ts";
import { gitlinkStream, type Snapshot, snapshotStream } from "./snapshot-stream.ts";

type SafetyCommit = NonNullable<Result<"session/apply">["safetyCommit"]>;

/** Makes it, or finds it when it was made before. To be called while nothing else may write to the tree. */
export async function safetyCommit(
  store: Store,
  tree: Tree,
  operation: OperationRow,
  signal?: AbortSignal,
): Promise<SafetyCommit> {
  try {
    return await commitOf(store, tree, operation, signal);
  } catch (error) {
    return { unavailable: (error as Error).message };
  }
}

async function commitOf(
  store: Store,
  tree: Tree,
  operation: OperationRow,
  signal: AbortSignal | undefined,
): Promise<SafetyCommit> {
  const { root } = tree;
  const ref = `refs/iopipe/${operation.id}`;
  const { gitDir, prefix } = await repositoryOf(root);
  const made = lineOf(await runGit(root, ["rev-parse", "--quiet", "--verify", `${ref}^{commit}`]));
  if (made !== undefined) return { ref, commit: made };

  const files = operation.files.filter(({ outcome }) => outcome === "after");
  if (files.length === 0) return { unavailable: `Operation ${operation.id} has changed nothing.` };
  for (const file of files) await keepBytes(store, tree, file);
  const parent = await headOf(root);
  const snapshot: Snapshot = { ref, parent, prefix, operation, files, blobs: store.blobs };
  const read = (stream: AsyncIterable<Uint8Array>): Promise<string> =>
    fastImport(root, gitDir, stream, { signal }).then(lineIn);
  refuseGitlinks(await read(gitlinkStream(snapshot)));
  return { ref, commit: await read(snapshotStream(snapshot)) };
}

/** Where the repository is that `root` is the work tree of, or lies in, and where in that. @throws {Error} if none */
async function repositoryOf(root: string): Promise<{ gitDir: string; prefix: string }> {
  const gitDir = lineIn(await runGit(root, ["rev-parse", "--absolute-git-dir"]));
  const where = lineIn(await runGit(root, ["rev-parse", "--is-inside-work-tree", "--show-prefix"]));
  const [, isInside, prefix] = /^(\w+)\n(.*)$/s.exec(where) ?? [];
  if (isInside !== "true" || prefix === undefined)
    throw new Error(`'${root}' is not in the work tree of the git repository ${gitDir}.`);
  return { gitDir, prefix };
}

/** The commit that HEAD names; undefined where there is none yet. @throws {Error} where it names one that cannot be found */
async function headOf(root: string): Promise<string | undefined> {
  const head = lineOf(await runGit(root, ["rev-parse", "--quiet", "--verify", "HEAD"]));
  if (head !== undefined) return head;
  // Succeeds for a branch that is not there yet, and fails for one that is there and cannot be read.
  const branch = await runGit(root, ["symbolic-ref", "HEAD"]);
  if (branch.stdout === undefined) throw new Error(`HEAD cannot be read: ${reason(branch.error)}`);
  return undefined;
}

/** @throws {Error} where a path lies in a submodule, for which a commit of the repository around it has no place */
function refuseGitlinks(listing: string): void {
  const [, path] = /^160000 commit \w+\t(.*)$/m.exec(listing) ?? [];
  if (path !== undefined) throw new Error(`'${path}' is a submodule, whose files only its own commits have.`);
}

/** A file whose mode alone changed is the only one whose bytes the store may lack. */
async function keepBytes({ blobs }: Store, tree: Tree, { path, after }: OperationFileRow): Promise<void> {
  if (after.type !== "file" || blobs.has(after.hash as string)) return;
  const image = await blobs.take((sink) => tree.image(path, sink));
  if (image.hash !== after.hash) throw new Error(`'${path}' has been edited since.`);
}

/** What git answered; a path may itself have line feeds. */
function lineOf({ stdout }: GitAnswer): string | undefined {
  return stdout?.replace(/\n$/, "");
}

/** @throws {Error} in git's words */
function lineIn(answer: GitAnswer): string {
  const line = lineOf(answer);
  if (line === undefined) throw new Error(reason(answer.error));
  return line;
}

/** Of git's words what is to the point, on one line; all of them where nothing else is. */
function reason(error: string): string {
  if (error === "spawn git ENOENT") return "git is not installed.";
  const lines = error.split("\n").map((line) => line.trim());
  const pointed = lines.filter((line) => !/^(warning|hint|fast-import): |^$/.test(line));
  return (pointed.length > 0 ? pointed : lines).join(" ");
}
