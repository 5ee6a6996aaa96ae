/** The rule about hard links: a file with several names is not changed unasked, for the other names would not follow. */
import { IopipeError } from "../../protocol/wire/errors.ts";
import type { Tree } from "../disk/index.ts";

/** @throws {IopipeError} HardLinked when the regular file at `path` on disk has more than one name */
export async function assertOneLink(tree: Tree, path: string): Promise<void> {
  if ((await tree.entry(path)) !== "file") return;
  const links = await tree.links(path);
  if (links > 1) throw new IopipeError("HardLinked", `${path} has ${links} hard links.`, { path, links });
}
