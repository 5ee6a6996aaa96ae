/**
 * The safety commit: an operation's files as they were and as they became, as two commits under refs/iopipe/, so that
 * git alone can bring them back.
 * Owns when there is one and what is in it; the stream is snapshot-stream.ts. Only touched paths differ from HEAD's tree.
 * INVARIANT: index, HEAD, branches, stash and work tree are neither read for it nor written, no hook runs, nothing is
 * signed, and no lock of anybody's is removed: fast-import(1) needs none of them.
 * Failure: never the operation's, which is complete; why there is no commit is the answer.
 */
import type { Result } from "../../protocol/methods/index.ts";
import { fastImport, runGit, type Tree } from "../disk/index.ts";
import type { OperationFileRow, OperationRow, Store } from "../store/index.ts";
import { snapshotStream } from "./snapshot-stream.ts";

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
  const found = await runGit(root, ["rev-parse", "--absolute-git-dir"]);
  const prefix = lineOf(await runGit(root, ["rev-parse", "--show-prefix"]));
  const gitDir = lineOf(found);
  if (gitDir === undefined || prefix === undefined) return { unavailable: reason(found.error) };
  const made = await commitAt(root, ref);
  if (made !== undefined) return { ref, commit: made };

  const files = operation.files.filter(({ outcome }) => outcome === "after");
  if (files.length === 0) return { unavailable: `Operation ${operation.id} has changed nothing.` };
  for (const file of files) await keepBytes(store, tree, file);
  const parent = await commitAt(root, "HEAD");
  const stream = snapshotStream({ ref, parent, prefix, operation, files, blobs: store.blobs });
  const imported = await fastImport(root, gitDir, stream, signal);
  const commit = lineOf(imported);
  return commit === undefined ? { unavailable: reason(imported.error) } : { ref, commit };
}

async function commitAt(root: string, name: string): Promise<string | undefined> {
  return lineOf(await runGit(root, ["rev-parse", "--quiet", "--verify", `${name}^{commit}`]));
}

/** A file whose mode alone changed is the only one whose bytes the store may lack. */
async function keepBytes({ blobs }: Store, tree: Tree, { path, after }: OperationFileRow): Promise<void> {
  if (after.type !== "file" || blobs.has(after.hash as string)) return;
  const image = await blobs.take((sink) => tree.image(path, sink));
  if (image.hash !== after.hash) throw new Error(`'${path}' has been edited since.`);
}

/** What git answered; a path may itself have line feeds. */
function lineOf({ stdout }: { stdout: string | undefined }): string | undefined {
  return stdout?.replace(/\n$/, "");
}

function reason(error: string): string {
  if (error.includes("ENOENT")) return "git is not installed.";
  return error.split("\n")[0] as string;
}
