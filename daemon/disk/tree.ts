/**
 * A tree: what stands below one root, seen without ever following a link.
 * Owns the looks. The walk from the root is places.ts, images are take.ts, which paths are paths at all is path.ts; changing
 * the tree is promotion's, through `port`.
 * INVARIANT: the guarded directories (the daemon's own) are neither read nor written through a tree.
 * Failure: DiskError, or errno errors with the tree's path. Descriptors are closed in every case.
 */
import { relative, resolve, sep } from "node:path";
import { DiskError, isErrno, named } from "./errors.ts";
import { ABSENT, type Image } from "./image.ts";
import { type KnownImages, openKnownImages } from "./known.ts";
import { checkPath, isTemporaryName, MAX_PATH_BYTES } from "./path.ts";
import { openPlaces, type Places } from "./places.ts";
import { portOf } from "./platform.ts";
import type { Dir, Entry, EntryType, Port } from "./port.ts";
import { notAFile, type Place, type Range, type Sink } from "./read.ts";
import { retrying } from "./retry.ts";
import { entryOf, lstatImage, readWhole, takeImage, takeRange } from "./take.ts";
import { modeOfNewFile, readExtended } from "./xattr.ts";

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
  /** The mode that open(2) gives a new file in a directory ("" is the root) when it is asked for 0666. */
  modeOfNewFile(directory: string): Promise<number>;
  entry(path: string): Promise<EntryType | "absent">;
  /** @throws {DiskError} NotAFile for what is no symlink, or one whose target is not UTF-8 */
  readlink(path: string): Promise<string>;
  /** A directory's entries ("" is the root), without our temporary files; empty when there is no such directory. */
  list(path: string): Promise<Entry[]>;
  /** How many names the file has; 0 when it is absent. */
  links(path: string): Promise<number>;
  /** Runs `work` with a view of the tree that opens each directory once: for many looks that belong together. */
  held<T>(work: (tree: Tree) => Promise<T>): Promise<T>;
}

/** `root` is absolute and real; `guarded` are absolute. Nothing is opened yet, and nothing is kept open. */
export function openTree(
  root: string,
  guarded: readonly string[] = [],
  port: Port = portOf(process.platform),
): Tree {
  const check = checkIn(root, guarded);
  const openRoot = (): Dir => openRootOf(port, root);
  return viewOf({ root, port, check, openRoot, knownImages: openKnownImages() });
}

interface Ground extends Pick<Tree, "root" | "port" | "check" | "openRoot"> {
  readonly knownImages: KnownImages;
}

/** A view through `shared` directories, else through some of its own for each look. */
function viewOf(ground: Ground, shared?: Places): Tree {
  const { root, port, check, openRoot, knownImages } = ground;

  const through = async <T>(work: (places: Places) => T | Promise<T>): Promise<T> => {
    if (shared) return work(shared);
    const places = openPlaces(port, openRoot);
    try {
      return await work(places);
    } finally {
      places.close();
    }
  };
  /** Runs `work` on the entry's place; undefined when its directory is absent, or a file. */
  const visit = <T>(path: string, work: (place: Place) => T | Promise<T>): Promise<T | undefined> =>
    retrying(() => {
      check(path);
      return through(async (places) => {
        const place = places.find(path);
        try {
          return place && (await work(place));
        } catch (error) {
          throw named(error, path);
        }
      });
    });
  const list = (path: string): Promise<Entry[]> =>
    retrying(() => {
      if (path !== "") check(path);
      return through((places) => listIn(port, places, path));
    });

  return {
    ...{ root, port, check, openRoot },
    lstat: async (path) => (await visit(path, (place) => lstatImage(port, place))) ?? ABSENT,
    image: async (path, sink) => (await visit(path, (place) => takeImage(port, place, sink))) ?? ABSENT,
    read: async (path) => must(path, await visit(path, (place) => readWhole(port, place))),
    knownImage: async (path) => (await visit(path, (place) => knownImages(port, place))) ?? ABSENT,
    range: async (path, range) => must(path, await visit(path, (place) => takeRange(port, place, range))),
    modeOfNewFile: (path) => through((places) => modeIn(port, places, path)),
    entry: async (path) => (await visit(path, ({ dir, name }) => entryOf(port.lstat(dir, name)))) ?? "absent",
    readlink: async (path) => must(path, (await visit(path, (place) => lstatImage(port, place)))?.target),
    list: async (path) => (await list(path)).filter(({ name }) => !isTemporaryName(name)),
    links: async (path) =>
      (await visit(path, ({ dir, name }) => Number(port.lstat(dir, name)?.nlink ?? 0))) ?? 0,
    held: (work) => through((places) => work(viewOf(ground, places))),
  };
}

async function listIn(port: Port, places: Places, path: string): Promise<Entry[]> {
  try {
    const dir = places.directory(path);
    return dir ? await port.readDirectory(dir) : [];
  } catch (error) {
    throw named(error, path);
  }
}

function modeIn(port: Port, places: Places, path: string): number {
  const dir = places.directory(path);
  const extended = dir && readExtended(port, { dir, name: ".", path });
  return modeOfNewFile(extended, process.umask());
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
