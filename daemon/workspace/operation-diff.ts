/**
 * What an operation changed, or how its result differs from the disk now, as a diff.
 * Owns the pairs of images; rendering them is staging's.
 */
import type { CheckedParams, Image, PatchKind, Result } from "../../protocol/methods/index.ts";
import { ABSENT, DiskError, type Tree } from "../disk/index.ts";
import { MAX_DIFFED_BYTES, type Pair } from "../staging/index.ts";
import type { OperationFileRow, OperationRow, Store } from "../store/index.ts";
import { refuseCleared } from "./cleared.ts";
import type { House } from "./house.ts";

type Options = Omit<CheckedParams<"operation/diff">, "operation">;

/** @throws {IopipeError} IllegalState where its content was cleared */
export async function diffOperation(
  { store, staging, workspaces }: House,
  operation: OperationRow,
  { against = "before", ...options }: Options,
): Promise<Result<"operation/diff">> {
  refuseCleared(operation);
  if (against === "before") return staging.renderDiff(pairsOf(operation.files), options);
  const { tree } = workspaces.find(operation.workspace);
  const pairs: Pair[] = [];
  for (const { path, after } of operation.files)
    pairs.push(pair(path, after, await keepFromDisk(store, tree, path)));
  return staging.renderDiff(pairs.filter(isDifferent), options);
}

/** A rename is two files of one patch: its old path went, its new one came. */
function pairsOf(files: readonly OperationFileRow[]): Pair[] {
  const gone = new Map(
    files.flatMap((file) => (file.patch && !file.after.exists ? [[file.patch, file]] : [])),
  );
  const renamed = new Set<OperationFileRow>();
  const pairs = files.map((file) => {
    const source = file.patch !== undefined && !file.before.exists ? gone.get(file.patch) : undefined;
    if (!source) return pair(file.path, file.before, file.after);
    renamed.add(source);
    return {
      path: file.path,
      from: source.path,
      before: source.before,
      after: file.after,
      status: "rename" as const,
    };
  });
  return pairs.filter((_, at) => !renamed.has(files[at] as OperationFileRow));
}

function pair(path: string, before: Image, after: Image): Pair {
  return { path, before, after, status: statusOf(before, after) };
}

function statusOf(before: Image, after: Image): PatchKind {
  if (!before.exists) return after.type === "symlink" ? "symlink" : "create";
  if (!after.exists) return "delete";
  return before.hash === after.hash && before.mode !== after.mode ? "chmod" : "update";
}

function isDifferent({ before, after }: Pair): boolean {
  return (
    before.exists !== after.exists ||
    before.type !== after.type ||
    before.hash !== after.hash ||
    before.target !== after.target ||
    before.mode !== after.mode
  );
}

/**
 * The disk's image, its bytes kept as a blob where the diff is to read them; absent where something else than a file has
 * the path's name, or that of a directory above it.
 */
async function keepFromDisk(store: Store, tree: Tree, path: string): Promise<Image> {
  try {
    const { size = 0 } = await tree.lstat(path);
    if (size > MAX_DIFFED_BYTES) return await tree.image(path);
    return await store.blobs.take((sink) => tree.image(path, sink));
  } catch (error) {
    if (error instanceof DiskError && TAKEN.has(error.kind)) return ABSENT;
    throw error;
  }
}

const TAKEN: ReadonlySet<string> = new Set(["NotAFile", "PathEscape"]);
