/**
 * The port on Linux: entries are addressed through /proc/self/fd, which is openat(2) and its family in all but name.
 * A directory that is moved or replaced by a link after it was opened stays the directory that was opened.
 */
import * as fs from "node:fs";
import type { Dir, Port } from "./port.ts";
import { createPort } from "./posix.ts";
import { exchange, getAttribute, listAttributes, removeAttribute, setAttribute } from "./syscalls.linux.ts";

/** open(2): a descriptor that only names the inode, so that a file nobody may read can be chmodded. Not in Node's table. */
const O_PATH = 0o10000000;

const at = (dir: Dir, name: string): string => `/proc/self/fd/${dir.handle}/${name}`;

export const linuxPort: Port = {
  ...createPort({
    at,
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
  }),
  // Source: proc_pid_fdinfo(5). A subvolume of btrfs has a device number of its own, and is no mount.
  mountOf: ({ dev, handle }) => {
    const lines = fs.readFileSync(`/proc/self/fdinfo/${handle}`, "utf8").split("\n");
    return `${dev} ${lines.find((line) => line.startsWith("mnt_id:"))}`;
  },
  exchange: (from, oldName, to, newName) => exchange(at(from, oldName), at(to, newName)),
  readExtended: (dir, name) => {
    const path = at(dir, name);
    const found = listAttributes(path).map(
      (attribute) => [attribute, getAttribute(path, attribute)] as const,
    );
    return new Map(found.filter((pair): pair is [string, Buffer] => pair[1] !== undefined));
  },
  setExtended: (dir, name, attribute, value) => {
    if (value) setAttribute(at(dir, name), attribute, value);
    else removeAttribute(at(dir, name), attribute);
  },
};
