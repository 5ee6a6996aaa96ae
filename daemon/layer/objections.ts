/**
 * Why a patch cannot have what stands in a layer, in words that are told at its end.
 * Owns the wording, for both kinds of layers (upper.ts, copy.ts); of directories it is directories.ts'.
 */
import { DiskError, type Tree } from "../disk/index.ts";

export const NOT_UTF8 = "its name is not UTF-8";
export const NO_FILE = "it is neither a file, a directory nor a symlink";
export const CLOSED = "it may not be read";

/** Whether a name is text: a patch's path is. */
export function isText(name: Buffer): boolean {
  return Buffer.from(name.toString()).equals(name);
}

/** Why no patch of `tree` may have this path; undefined where one may. */
export function objectionTo(tree: Tree, path: string): string | undefined {
  try {
    tree.check(path);
    return undefined;
  } catch (error) {
    if (error instanceof DiskError) return error.message;
    throw error;
  }
}
