/**
 * The port on Linux: entries are addressed through /proc/self/fd, which is openat(2) and its family in all but name.
 * A directory that is moved or replaced by a link after it was opened stays the directory that was opened.
 */
import * as fs from "node:fs";
import { createPort } from "./posix.ts";

/** open(2): a descriptor that only names the inode, so that a file nobody may read can be chmodded. Not in Node's table. */
const O_PATH = 0o10000000;

export const linuxPort = createPort({
  at: (dir, name) => `/proc/self/fd/${dir.handle}/${name}`,
  setMode: (path, ino, mode) => {
    const handle = fs.openSync(path, O_PATH | fs.constants.O_NOFOLLOW);
    try {
      if (fs.fstatSync(handle, { bigint: true }).ino !== ino) return false;
      fs.chmodSync(`/proc/self/fd/${handle}`, mode);
      return true;
    } finally {
      fs.closeSync(handle);
    }
  },
});
