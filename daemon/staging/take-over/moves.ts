/**
 * Moves: of files that came and files that went, those that are the same, so that a directory that was moved is reviewed
 * as renames. Exactly the same bytes, and some; who has the same name goes first.
 */
import type { Image } from "../../../protocol/methods/index.ts";
import { nameOf, type Tree } from "../../disk/index.ts";
import type { View } from "../view.ts";

interface Found {
  readonly path: string;
  readonly image: Image;
}

/** From the path that came to the one that it was moved from. */
export async function findMoves(
  view: View,
  tree: Pick<Tree, "lstat">,
  found: readonly Found[],
): Promise<Map<string, string>> {
  const moves = new Map<string, string>();
  const came: Found[] = [];
  for (const each of found)
    if (each.image.hash !== undefined && each.image.size && (await view.diskTypeOf(each.path)) === "absent")
      came.push(each);
  if (came.length === 0) return moves;
  const went = await contentsThatWent(view, tree, found, new Set(came.map(({ image }) => image.size)));
  for (const { path, image } of came) {
    const sources = went.get(image.hash ?? "") ?? [];
    const same = sources.findIndex((source) => nameOf(source) === nameOf(path));
    const [source] = sources.splice(Math.max(same, 0), 1);
    if (source !== undefined) moves.set(path, source);
  }
  return moves;
}

/** Paths that went by their files' hashes; only what has one of the sizes is read. */
async function contentsThatWent(
  view: View,
  { lstat }: Pick<Tree, "lstat">,
  found: readonly Found[],
  sizes: ReadonlySet<number | undefined>,
): Promise<Map<string, string[]>> {
  const went = new Map<string, string[]>();
  for (const { path, image } of found) {
    if (image.exists || (await view.diskTypeOf(path)) !== "file") continue;
    if (!sizes.has((await lstat(path)).size)) continue;
    const { hash = "" } = await view.baseOf(path);
    went.set(hash, [...(went.get(hash) ?? []), path]);
  }
  return went;
}
