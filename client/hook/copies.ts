/**
 * Copies of staged content for tools that can only read files.
 * Owns a directory of this user's own below the system's temporary one: a copy is named by its content's hash and keeps
 * the file's name, by whose ending a reader knows images and notebooks. A day old, they are swept.
 * INVARIANT: nothing is read or written through a directory that is somebody else's.
 */
import { lstat, mkdir, readdir, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { IopipeError } from "../../protocol/wire/errors.ts";
import type { FileContent } from "../content.ts";

const KEPT_MS = 24 * 60 * 60 * 1000;

export function copiesDirectory(): string {
  return join(tmpdir(), `iopipe-copies-${process.getuid?.() ?? 0}`);
}

/** Keeps a copy of what is staged for `path`; gives its absolute path. @throws {IopipeError} AccessDenied */
export async function keepCopy(path: string, { bytes, image }: FileContent): Promise<string> {
  const top = copiesDirectory();
  await mkdir(top, { mode: 0o700, recursive: true });
  const { uid, mode } = await lstat(top).then(assertDirectory);
  if (uid !== process.getuid?.() || (mode & 0o077) !== 0)
    throw new IopipeError("AccessDenied", `${top} is not this user's alone.`, {
      hint: "Look at it, then remove it.",
    });
  const directory = join(top, image.hash ?? "empty");
  const copy = join(directory, basename(path));
  if (await isThere(copy, bytes.length)) {
    await utimes(directory, new Date(), new Date());
    return copy;
  }
  await sweep(top);
  await mkdir(directory, { recursive: true });
  // Another read of the same content may be at it too: each renames a whole file into place.
  const temporary = join(directory, `.${process.pid}`);
  await writeFile(temporary, bytes, { mode: 0o600 });
  await rename(temporary, copy);
  return copy;
}

function assertDirectory<T extends { isDirectory(): boolean }>(found: T): T {
  if (found.isDirectory()) return found;
  throw new IopipeError("AccessDenied", `${copiesDirectory()} is no directory.`, { hint: "Remove it." });
}

async function isThere(copy: string, size: number): Promise<boolean> {
  const found = await stat(copy).catch(() => undefined);
  return found?.size === size;
}

/** Removes what nobody has read for a day. What cannot be removed is left for the next time. */
async function sweep(top: string): Promise<void> {
  for (const name of await readdir(top)) {
    const directory = join(top, name);
    const found = await stat(directory).catch(() => undefined);
    if (found && Date.now() - found.mtimeMs > KEPT_MS)
      await rm(directory, { recursive: true }).catch(() => {});
  }
}
