/**
 * Listing as a session sees it: the disk's entries, with staged creations and without staged deletions.
 * In order of the path's names, so that a page begins where the last one ended. Links are listed, never followed below
 * the directory asked for. What git, iopipe or nobody may touch (`.git`, temporary names) is left out.
 */
import type { CheckedParams, Image, Result } from "../../protocol/methods/index.ts";
import { IopipeError } from "../../protocol/wire/errors.ts";
import { ABSENT, DiskError, joinPath, nameOf, parentOf, type Tree } from "../disk/index.ts";
import type { SessionRow, Store } from "../store/index.ts";
import { findPlace } from "./places.ts";
import { openView, type View } from "./view.ts";

type Listed = Result<"file/list">;
type Entry = Listed["entries"][number];

const DEFAULT_LIMIT = 1000;

/** @throws {IopipeError} FileNotFound where nothing is, NotAFile where a file is, PathEscape */
export async function listFiles(
  store: Store,
  session: SessionRow,
  tree: Tree,
  { path = "", recursive = false, limit = DEFAULT_LIMIT, after }: CheckedParams<"file/list">,
): Promise<Listed> {
  const view = openView(store, session, tree);
  const directory = path === "" || path === "." ? "" : await findDirectory(view, path);
  const entries: Entry[] = [];
  for await (const entry of walk(view, stagedByDirectory(view, directory), directory, { recursive, after })) {
    if (entries.length === limit) return { entries, next: (entries.at(-1) as Entry).path };
    entries.push(entry);
  }
  return { entries };
}

async function findDirectory(view: View, path: string): Promise<string> {
  const place = await findPlace(view, path, { follow: true });
  if (place.type === "directory") return place.path;
  if (place.type === "absent") throw new IopipeError("FileNotFound", `There is no ${path}`, { path });
  throw new IopipeError("NotAFile", `${path} is no directory.`, {
    path,
    hint: "Read it with file/read, or list its directory.",
  });
}

/** The names that staging touches in each directory from `top` on, new directories included. */
function stagedByDirectory(view: View, top: string): Map<string, Set<string>> {
  const byDirectory = new Map<string, Set<string>>();
  for (const staged of view.stagedBelow(top)) {
    for (let path = staged; path !== top; path = parentOf(path)) {
      const names = byDirectory.get(parentOf(path)) ?? new Set();
      byDirectory.set(parentOf(path), names.add(nameOf(path)));
    }
  }
  return byDirectory;
}

async function* walk(
  view: View,
  staged: ReadonlyMap<string, ReadonlySet<string>>,
  directory: string,
  options: { recursive: boolean; after: string | undefined },
): AsyncGenerator<Entry> {
  const { recursive, after } = options;
  const isOnDisk = directory === "" || (await view.diskTypeOf(directory)) === "directory";
  const names = new Set(isOnDisk ? (await view.tree.list(directory)).map(({ name }) => name) : []);
  for (const name of staged.get(directory) ?? []) names.add(name);
  for (const path of [...names].sort().map((name) => joinPath(directory, name))) {
    const isBefore = after !== undefined && comparePaths(path, after) <= 0;
    if (isBefore && !(recursive && (after === path || after.startsWith(`${path}/`)))) continue;
    const entry = await entryAt(view, path);
    if (!entry) continue;
    if (!isBefore) yield entry;
    if (recursive && entry.type === "directory") yield* walk(view, staged, path, options);
  }
}

/** Undefined for what the session does not see, or may not touch. */
async function entryAt(view: View, path: string): Promise<Entry | undefined> {
  try {
    view.tree.check(path);
  } catch (error) {
    if (error instanceof DiskError) return undefined;
    throw error;
  }
  const type = await view.typeOf(path);
  if (type === "absent" || (type === "directory" && (await view.isEmptied(path)))) return undefined;
  const layer = await view.layerOf(path);
  const origin =
    layer || (type === "directory" && (await view.diskTypeOf(path)) !== "directory") ? "staged" : "disk";
  if (type !== "file" && type !== "symlink") return { path, type, origin };
  return { path, type, ...sizes(layer ? layer.image : await imageOnDisk(view, path)), origin };
}

/** Of a link whose target is not UTF-8, and of what is no file any more, nothing is told but that it is there. */
async function imageOnDisk({ tree }: View, path: string): Promise<Image> {
  try {
    return await tree.lstat(path);
  } catch (error) {
    if (error instanceof DiskError && error.kind === "NotAFile") return ABSENT;
    throw error;
  }
}

/** A link's size is its target's, as lstat(2) has it; a staged link's image has none. */
function sizes({ target, size, mode }: Image): Pick<Entry, "size" | "mode"> {
  const bytes = size ?? (target === undefined ? undefined : Buffer.byteLength(target));
  return { ...(bytes !== undefined && { size: bytes }), ...(mode !== undefined && { mode }) };
}

/** By names, as a walk meets them: "a/b" before "a-b". */
function comparePaths(a: string, b: string): number {
  const [left, right] = [a.split("/"), b.split("/")];
  for (const [n, name] of left.entries()) {
    const other = right[n];
    if (other === undefined) return 1;
    if (name !== other) return name < other ? -1 : 1;
  }
  return left.length === right.length ? 0 : -1;
}
