/**
 * Places: the open directories of one promotion.
 * Owns their descriptors, from the first use to `close`, so that every later call on a directory means the one that
 * was looked at, whatever its name leads to by then.
 * Concurrency: used by one promotion at a time.
 */
import { type Dir, descend, nameOf, type Place, parentOf, type Tree } from "../disk/index.ts";

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

/** @throws {DiskError} RootGone */
export function openPlaces(tree: Tree): Places {
  const { port } = tree;
  const open = new Map<string, Dir>([["", tree.openRoot()]]);

  const directory = (path: string): Dir | undefined => {
    const known = open.get(path);
    if (known) return known;
    const parent = directory(parentOf(path));
    const opened = parent && descend(port, parent, nameOf(path), path);
    if (opened) open.set(path, opened);
    return opened;
  };
  const find = (path: string): Place | undefined => {
    const dir = directory(parentOf(path));
    return dir && { dir, name: nameOf(path), path };
  };
  return {
    directory,
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
