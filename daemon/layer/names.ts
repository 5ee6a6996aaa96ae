/** Looking into directories that a command has made, which it may have closed even to its own user. */
import { readdir } from "node:fs/promises";
import { type Dir, isErrno, type Port, type Stat, typeOf } from "../disk/index.ts";

/** A directory's names as bytes, in their order: a name need not be UTF-8. */
export async function namesIn({ handle }: Dir): Promise<Buffer[]> {
  return (await readdir(`/proc/self/fd/${handle}`, { encoding: "buffer" })).sort(Buffer.compare);
}

/** "closed" where it may not be read; undefined where it is no directory any more. */
export function openInside(port: Port, parent: Dir, name: string): Dir | "closed" | undefined {
  try {
    return port.openDirectory(parent, name);
  } catch (error) {
    if (isErrno(error, "EACCES")) return "closed";
    if (isErrno(error, "ENOENT", "ENOTDIR", "ELOOP")) return undefined;
    throw error;
  }
}

const NEEDED = new Map([
  ["file", 0o400n],
  ["directory", 0o500n],
]);

/** Lets the owner read an entry of a layer that nobody is in any more. */
export function unlock(port: Port, dir: Dir, name: string, stat: Stat): void {
  const needed = NEEDED.get(typeOf(stat)) ?? 0n;
  if ((stat.mode & needed) !== needed)
    port.setMode(dir, name, stat.ino, Number((stat.mode | needed) & 0o7777n));
}
