/**
 * Which files of an operation can only be undone together: the two paths of a rename, and what stands in the place of a
 * file that comes back: a directory's files under its path, or a file above it.
 * Pure. What is undone at all is undo.ts.
 */
import { ancestorsOf } from "../disk/index.ts";
import type { OperationFileRow } from "../store/index.ts";

export interface Ties {
  /** The other paths of its patch. */
  partners(file: OperationFileRow): readonly OperationFileRow[];
  /** What the operation has put where the file was; it has to go first. */
  placeholders(file: OperationFileRow): readonly OperationFileRow[];
}

export function tiesOf(files: readonly OperationFileRow[]): Ties {
  const paths = new Set(files.map(({ path }) => path));
  const byPatch = new Map<string | undefined, OperationFileRow[]>();
  const at = new Map<string, OperationFileRow>();
  const below = new Map<string, OperationFileRow[]>();
  for (const file of files) {
    if (file.patch !== undefined) append(byPatch, file.patch, file);
    if (!file.after.exists) continue;
    at.set(file.path, file);
    for (const ancestor of ancestorsOf(file.path)) if (paths.has(ancestor)) append(below, ancestor, file);
  }
  return {
    partners: (file) => (byPatch.get(file.patch) ?? []).filter((other) => other !== file),
    placeholders: ({ path, before }) => {
      if (!before.exists) return [];
      const above = ancestorsOf(path).flatMap((ancestor) => at.get(ancestor) ?? []);
      return [...above, ...(below.get(path) ?? [])].filter(({ undoneBy }) => undoneBy === undefined);
    },
  };
}

function append<K, T>(lists: Map<K, T[]>, key: K, one: T): void {
  const list = lists.get(key);
  if (list) list.push(one);
  else lists.set(key, [one]);
}

/** `files` with all that have to be undone with them. */
export function withTied(files: Iterable<OperationFileRow>, ties: Ties): Set<OperationFileRow> {
  const all = new Set(files);
  // A set is walked on into what is added meanwhile.
  for (const file of all)
    for (const other of [...ties.partners(file), ...ties.placeholders(file)]) all.add(other);
  return all;
}
