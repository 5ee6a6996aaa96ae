/**
 * The port where there is no /proc: entries are addressed by path. Untested: nobody has run iopipe there yet.
 * RACE: between the check that the directory is still the one that was opened and the call itself, a directory on the
 * way may be replaced by a link. Worst case: one file is written outside the root, by a process of the same user that
 * can write there anyway. link(2) follows symlinks on macOS, so that a symlink's backup fails and its promotion is
 * refused.
 */
import * as fs from "node:fs";
import type { Dir, Port } from "./port.ts";
import { createPort, READ_FLAGS } from "./posix.ts";

/** Where each open directory was; a port has directories of many roots. */
const places = new Map<number, string>();

const port = createPort({
  at: (dir, name) => {
    const place = placeOf(dir);
    return name === "." ? place : `${place}/${name}`;
  },
  setMode: (path, ino, mode) => {
    const handle = fs.openSync(path, READ_FLAGS);
    try {
      if (fs.fstatSync(handle, { bigint: true }).ino !== ino) return false;
      fs.fchmodSync(handle, mode);
      return true;
    } finally {
      fs.closeSync(handle);
    }
  },
});

export const portablePort: Port = {
  ...port,
  mountOf: ({ dev }) => String(dev),
  // renamex_np(2) with RENAME_SWAP would do it.
  exchange: () => false,
  // Not kept here yet: as if no file had any.
  readExtended: () => new Map(),
  setExtended: () => undefined,
  openRoot: (root) => remember(port.openRoot(root), root),
  openDirectory: (parent, name) => remember(port.openDirectory(parent, name), `${placeOf(parent)}/${name}`),
  closeDirectory: (dir) => {
    places.delete(dir.handle);
    port.closeDirectory(dir);
  },
};

function remember(dir: Dir, place: string): Dir {
  places.set(dir.handle, place);
  return dir;
}

function placeOf(dir: Dir): string {
  const place = places.get(dir.handle) as string;
  const { dev, ino } = fs.lstatSync(place, { bigint: true });
  if (dev === dir.dev && ino === dir.ino) return place;
  throw Object.assign(new Error(`ENOENT: the directory was replaced '${place}'`), {
    code: "ENOENT",
    syscall: "lstat",
  });
}
