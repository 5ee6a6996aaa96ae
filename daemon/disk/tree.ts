/**
 * A tree: what stands below one root, seen without ever following a link.
 * Owns the walk from the root. Images are take.ts. Which paths are paths at all is path.ts; changing the tree is promotion's,
 * through `port`.
 * INVARIANT: every parent is opened by descriptor, one name at a time, so that no link swapped in meanwhile leads out.
 * INVARIANT: the guarded directories (the daemon's own) are neither read nor written through a tree.
 * Failure: DiskError, or errno errors with the tree's path. Descriptors are closed in every case.
 */
import { relative, resolve, sep } from "node:path";
import { DiskError, isErrno, named } from "./errors.ts";
import { ABSENT, type Image } from "./image.ts";
import { openKnownImages } from "./known.ts";
import { checkPath, isTemporaryName, MAX_PATH_BYTES } from "./path.ts";
import { portOf } from "./platform.ts";
import type { Dir, Entry, EntryType, Port } from "./port.ts";
import { notAFile, type Place, type Range, type Sink } from "./read.ts";
import { retrying } from "./retry.ts";
import { entryOf, lstatImage, readWhole, takeImage, takeRange } from "./take.ts";

export interface Tree {
  /** Absolute, real path. */
  readonly root: string;
  readonly port: Port;
  /** Checks a path by its text: checkPath, the guarded directories, and the length together with the root's. */
  check(path: string): void;
  /** Opens the root; the caller closes it. @throws {DiskError} RootGone */
  openRoot(): Dir;
  /** What stands there, without a hash. @throws {DiskError} NotAFile, PathEscape when a parent is a symlink */
  lstat(path: string): Promise<Image>;
  /** What stands there, with its hash; stable. A file's bytes go into `sink` as they are read. */
  image(path: string, sink?: Sink): Promise<Image>;
  /** A small regular file's bytes and image at one moment. @throws {DiskError} NotAFile also for what is absent or a symlink */
  read(path: string): Promise<{ image: Image; bytes: Buffer }>;
  /** As `image`, but a large file that nobody has written to since is not read again. To be shown, not to decide by. */
  knownImage(path: string): Promise<Image>;
  /** A range of a regular file's bytes, with its image but for the hash. @throws {DiskError} NotAFile, as `read` */
  range(path: string, range: Range): Promise<{ image: Image; bytes: Buffer }>;
  entry(path: string): Promise<EntryType | "absent">;
  /** @throws {DiskError} NotAFile for what is no symlink, or one whose target is not UTF-8 */
  readlink(path: string): Promise<string>;
  /** A directory's entries ("" is the root), without our temporary files; empty when there is no such directory. */
  list(path: string): Promise<Entry[]>;
  /** How many names the file has; 0 when it is absent. */
  links(path: string): Promise<number>;
}

/** `root` is absolute and real; `guarded` are absolute. Nothing is opened yet, and nothing is kept open. */
export function openTree(
  root: string,
  guarded: readonly string[] = [],
  port: Port = portOf(process.platform),
): Tree {
  const check = checkIn(root, guarded);
  const openRoot = (): Dir => openRootOf(port, root);
  const knownImages = openKnownImages();

  /** Runs `work` on the entry's parent; undefined when that is absent, or a file. */
  const visit = <T>(path: string, work: (place: Place) => T | Promise<T>): Promise<T | undefined> =>
    retrying(async () => {
      check(path);
      const names = path.split("/");
      const name = names.pop() as string;
      const dir = openPath(port, openRoot(), names, path);
      if (!dir) return undefined;
      try {
        return await work({ dir, name, path });
      } catch (error) {
        throw named(error, path);
      } finally {
        port.closeDirectory(dir);
      }
    });

  return {
    root,
    port,
    check,
    openRoot,
    lstat: async (path) => (await visit(path, (place) => lstatImage(port, place))) ?? ABSENT,
    image: async (path, sink) => (await visit(path, (place) => takeImage(port, place, sink))) ?? ABSENT,
    read: async (path) => must(path, await visit(path, (place) => readWhole(port, place))),
    knownImage: async (path) => (await visit(path, (place) => knownImages(port, place))) ?? ABSENT,
    range: async (path, range) => must(path, await visit(path, (place) => takeRange(port, place, range))),
    entry: async (path) => (await visit(path, ({ dir, name }) => entryOf(port.lstat(dir, name)))) ?? "absent",
    readlink: async (path) => must(path, (await visit(path, (place) => lstatImage(port, place)))?.target),
    list: async (path) => {
      const entries =
        path === "" ? await listRoot(port, openRoot) : await visit(path, (place) => listEntry(port, place));
      return (entries ?? []).filter(({ name }) => !isTemporaryName(name));
    },
    links: async (path) =>
      (await visit(path, ({ dir, name }) => Number(port.lstat(dir, name)?.nlink ?? 0))) ?? 0,
  };
}

function must<T>(path: string, found: T | undefined): T {
  if (found === undefined) throw notAFile(path);
  return found;
}

function checkIn(root: string, guarded: readonly string[]): (path: string) => void {
  const prefixes = guarded.map((directory) => relative(root, resolve(directory)).split(sep).join("/"));
  // A root inside a guarded directory has nothing that is not guarded.
  const whole = guarded.some((directory) => `${root}${sep}`.startsWith(`${resolve(directory)}${sep}`));
  const rootBytes = Buffer.byteLength(root) + 1;
  return (path) => {
    checkPath(path);
    if (rootBytes + Buffer.byteLength(path) > MAX_PATH_BYTES)
      throw new DiskError(
        "NameTooLong",
        path,
        `The path is over ${MAX_PATH_BYTES} bytes long with its root.`,
      );
    if (whole || prefixes.some((prefix) => path === prefix || path.startsWith(`${prefix}/`)))
      throw new DiskError("PathProtected", path, `'${path}' belongs to iopipe's own files.`);
  };
}

function openRootOf(port: Port, root: string): Dir {
  try {
    return port.openRoot(root);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR"))
      throw new DiskError("RootGone", root, `There is no directory ${root}.`);
    throw named(error, root);
  }
}

/** Opens the directory below `dir`, which is closed; undefined when there is none. */
function openPath(port: Port, dir: Dir, names: readonly string[], path: string): Dir | undefined {
  let at: Dir | undefined = dir;
  for (const name of names) {
    const parent: Dir = at;
    try {
      at = descend(port, parent, name, path);
    } finally {
      port.closeDirectory(parent);
    }
    if (!at) return undefined;
  }
  return at;
}

/**
 * Opens one directory in another; undefined when the name is absent or no directory.
 *
 * @throws {DiskError} PathEscape when it is a symlink; `path` is what was being looked for
 */
export function descend(port: Port, parent: Dir, name: string, path: string): Dir | undefined {
  try {
    return port.openDirectory(parent, name);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    if (!isErrno(error, "ENOTDIR", "ELOOP")) throw named(error, path);
  }
  if (entryOf(port.lstat(parent, name)) === "symlink")
    throw new DiskError("PathEscape", path, `'${path}' leads through a symlink, '${name}'.`);
  return undefined;
}

async function listRoot(port: Port, openRoot: () => Dir): Promise<Entry[]> {
  const dir = openRoot();
  return port.readDirectory(dir).finally(() => port.closeDirectory(dir));
}

async function listEntry(port: Port, { dir, name, path }: Place): Promise<Entry[] | undefined> {
  const opened = descend(port, dir, name, path);
  if (!opened) return undefined;
  return port.readDirectory(opened).finally(() => port.closeDirectory(opened));
}
