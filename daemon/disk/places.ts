/**
 * Places: the open directories of one undertaking below a root, be it one look or a whole promotion.
 * Owns their descriptors, from the first use to `close`, so that every later call on a directory means the one that
 * was looked at, whatever its name leads to by then.
 * INVARIANT: every parent is opened by descriptor, one name at a time, so that no link swapped in meanwhile leads out.
 */
import { DiskError, isErrno, named } from "./errors.ts";
import { nameOf, parentOf } from "./path.ts";
import { type Dir, type Port, typeOf } from "./port.ts";
import type { Place } from "./read.ts";

export interface Places {
  /** The directory, opened on first use; undefined when there is none. @throws {DiskError} PathEscape at a symlink */
  directory(path: string): Dir | undefined;
  /** Where an entry is or would be; undefined when its directory is absent. */
  find(path: string): Place | undefined;
  /** As `find`. @throws an ENOENT error when the directory is absent */
  at(path: string): Place;
  /** A directory that was removed: the next of that name is another. */
  forget(path: string): void;
  /** The first directory that is no longer where it was opened, if any. */
  moved(): string | undefined;
  close(): void;
}

/** `openRoot` is called on first use; what it throws, each use does. */
export function openPlaces(port: Port, openRoot: () => Dir): Places {
  const open = new Map<string, Dir>();

  /** `sought` is what the caller is after, for messages. */
  const directory = (path: string, sought = path): Dir | undefined => {
    const known = open.get(path);
    if (known) return known;
    const opened = path === "" ? openRoot() : openBelow(directory(parentOf(path), sought), path, sought);
    if (opened) open.set(path, opened);
    return opened;
  };
  const openBelow = (parent: Dir | undefined, path: string, sought: string): Dir | undefined =>
    parent && descend(port, parent, nameOf(path), sought);
  const find = (path: string): Place | undefined => {
    const dir = directory(parentOf(path), path);
    return dir && { dir, name: nameOf(path), path };
  };
  return {
    directory: (path) => directory(path),
    find,
    at: (path) => {
      const place = find(path);
      if (place) return place;
      const message = `ENOENT: no such directory, open '${parentOf(path)}'`;
      throw Object.assign(new Error(message), { code: "ENOENT", syscall: "open", path });
    },
    forget: (path) => {
      const dir = open.get(path);
      open.delete(path);
      if (dir) port.closeDirectory(dir);
    },
    moved: () => {
      for (const [path, dir] of open) {
        if (path === "") continue;
        const found = port.lstat(open.get(parentOf(path)) as Dir, nameOf(path));
        if (found?.ino !== dir.ino || found.dev !== dir.dev) return path;
      }
      return undefined;
    },
    close: () => {
      for (const dir of open.values()) port.closeDirectory(dir);
      open.clear();
    },
  };
}

/**
 * Opens one directory in another; undefined when the name is absent or no directory.
 *
 * @throws {DiskError} PathEscape when it is a symlink; `sought` is what was being looked for
 */
function descend(port: Port, parent: Dir, name: string, sought: string): Dir | undefined {
  try {
    return port.openDirectory(parent, name);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    if (!isErrno(error, "ENOTDIR", "ELOOP")) throw named(error, sought);
  }
  const found = port.lstat(parent, name);
  if (found && typeOf(found) === "symlink")
    throw new DiskError("PathEscape", sought, `'${sought}' leads through a symlink, '${name}'.`);
  return undefined;
}
