/**
 * What a session's own removals make room for. Below a file or link that goes, other files may come; a directory whose
 * every entry goes will be gone itself (as git does it), and its name is free.
 * Pure but for its looks at the disk. The promotion decides this anew for what it is given (promotion/emptied.ts).
 */
import { ABSENT, ancestorsOf, DiskError, joinPath, type Tree } from "../disk/index.ts";
import type { PatchRow } from "../store/index.ts";

/** The part of a tree that is looked at; a dry run gives images that it keeps. */
export type Looks = Pick<Tree, "lstat" | "image">;

/** Whether nothing is left at a path. */
export type Goes = (path: string) => boolean;

/** What goes when all of `patches` are applied. */
export function removedBy(patches: readonly PatchRow[]): Goes {
  const removed = new Set(patches.flatMap(({ path, from, after }) => (after.exists ? (from ?? []) : path)));
  for (const { path, after } of patches) if (after.exists) removed.delete(path);
  return (path) => removed.has(path);
}

/** Whether something above `path` goes. */
export function isBelow(goes: Goes, path: string): boolean {
  return ancestorsOf(path).some(goes);
}

/** Whether a directory has entries, and all of them go: an empty one stays, for nobody can ask for its removal. */
export async function isEmptied(
  tree: Tree,
  directory: string,
  goes: (path: string) => boolean | Promise<boolean>,
): Promise<boolean> {
  const entries = await tree.list(directory);
  for (const { name, type } of entries) {
    const path = joinPath(directory, name);
    if (!(type === "directory" ? await isEmptied(tree, path, goes) : await goes(path))) return false;
  }
  return entries.length > 0;
}

/** `looks` at what will be there when what is in the way has gone: absent for such a directory, and behind such a link. */
export function lookPast(tree: Tree, looks: Looks, goes: Goes): Looks {
  const isGoing = async ({ kind }: DiskError, path: string): Promise<boolean> => {
    if (kind === "PathEscape") return isBelow(goes, path);
    if (kind !== "NotAFile" || (await tree.entry(path)) !== "directory") return false;
    return isEmptied(tree, path, goes);
  };
  const past = (look: Looks["image"]): Looks["image"] => {
    return async (path) => {
      try {
        return await look(path);
      } catch (error) {
        if (error instanceof DiskError && (await isGoing(error, path))) return ABSENT;
        throw error;
      }
    };
  };
  return { lstat: past(looks.lstat), image: past(looks.image) };
}
