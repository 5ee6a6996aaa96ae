/**
 * Places: where a path leads in a session's view, component by component, staged links and deletions included.
 * Owns the following of links. write, edit and chmod go where the last link leads; delete, rename and symlink act on
 * the link itself; no path may lead through a link that leaves the root.
 * Invariant: a place's path leads through no link, and passed the tree's check after every link was resolved (`.git` behind
 * a link included).
 */
import { IopipeError } from "../../protocol/wire/errors.ts";
import type { EntryType, View } from "./view.ts";

/** Links on one way: as Linux allows (path_resolution(7)). */
const MAX_LINKS = 40;

export interface Place {
  readonly path: string;
  readonly type: EntryType;
}

/**
 * Where `path` leads. Nothing is there where the session has emptied a directory.
 *
 * @throws {DiskError} PathEscape, PathProtected, NameTooLong for the path as given or as resolved
 * @throws {IopipeError} PathEscape where a link leaves the root, NotAFile where a file lies on the way or links loop
 */
export async function findPlace(view: View, path: string, { follow }: { follow: boolean }): Promise<Place> {
  view.tree.check(path);
  let rest = path.split("/");
  let done: string[] = [];
  let type: EntryType = "directory";
  for (let links = 0; ; ) {
    const name = rest.shift();
    if (name === undefined) break;
    if (name === "" || name === ".") continue;
    if (name === "..") {
      if (done.pop() === undefined) throw leavesRoot(path);
      type = "directory";
      continue;
    }
    if (type !== "directory" && type !== "absent") throw blocked(path, done.join("/"));
    const here = [...done, name].join("/");
    type = await view.typeOf(here);
    if (type === "symlink" && (follow || rest.length > 0)) {
      if (++links > MAX_LINKS) throw loop(path);
      const target = targetInRoot(view.tree.root, (await view.imageOf(here)).target ?? "");
      if (target === undefined) throw leavesRoot(path);
      if (target.absolute) done = [];
      rest = [...target.names, ...rest];
      type = "directory";
    } else done.push(name);
  }
  if (done.length === 0) return { path: "", type: "directory" };
  const resolved = done.join("/");
  view.tree.check(resolved);
  const found = await view.typeOf(resolved);
  const isFree = found === "directory" && (await view.isEmptied(resolved));
  return { path: resolved, type: isFree ? "absent" : found };
}

/** A link's target as names to walk; undefined where it is absolute and outside of the root. */
function targetInRoot(root: string, target: string): { absolute: boolean; names: string[] } | undefined {
  if (!target.startsWith("/")) return { absolute: false, names: target.split("/") };
  if (target !== root && !target.startsWith(root === "/" ? root : `${root}/`)) return undefined;
  return { absolute: true, names: target.slice(root.length).split("/") };
}

function leavesRoot(path: string): IopipeError {
  return new IopipeError("PathEscape", `${path} leads through a symlink out of the root.`, { path });
}

function blocked(path: string, file: string): IopipeError {
  return new IopipeError("NotAFile", `${path} leads through ${file}, which is no directory.`, { path });
}

function loop(path: string): IopipeError {
  return new IopipeError("NotAFile", `${path} leads through more than ${MAX_LINKS} symlinks.`, { path });
}

/** @throws {IopipeError} NotAFile unless `place` is a file, a symlink or nothing */
export function assertNoDirectory({ path, type }: Place): void {
  if (type === "file" || type === "symlink" || type === "absent") return;
  const what = type === "directory" ? "a directory" : "neither a file nor a symlink";
  throw new IopipeError("NotAFile", `${path === "" ? "The root" : path} is ${what}.`, { path });
}

/** @throws {IopipeError} NotAFile, or FileNotFound where nothing is */
export function assertThere(place: Place): void {
  assertNoDirectory(place);
  if (place.type === "absent")
    throw new IopipeError("FileNotFound", `There is no ${place.path}`, { path: place.path });
}
