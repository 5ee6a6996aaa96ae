/**
 * Where a layer is: a directory of its own below the state directory.
 * Owns its making and removal. How a command is started in it is start.ts, what is in it is read by upper.ts.
 * INVARIANT: the directory is this user's alone, and its upper directories look like what they cover.
 */
import { chmodSync, lchownSync, lstatSync, mkdirSync, statSync } from "node:fs";
import { chmod, lstat, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

export interface LayerPlace {
  /** Absolute. */
  readonly directory: string;
  /** What the command writes. */
  readonly upper: string;
  /** The whole tree, in a layer that is a copy. */
  readonly copy: string;
  /** What is put over places outside the root. */
  readonly cover: string;
  /** The layers over git's directories outside the root; see git-layers.ts. */
  readonly git: string;
}

export function layerPlace(stateDir: string, id: string): LayerPlace {
  const directory = join(stateDir, "layers", id);
  const at = (name: string): string => join(directory, name);
  return { directory, upper: at("upper"), copy: at("copy"), cover: at("cover"), git: at("git") };
}

/** Makes the directory of a layer over `root`; answers when that was, by its file system's clock in nanoseconds. */
export function makeLayer({ directory, upper, copy, cover }: LayerPlace, root: string): bigint {
  for (const path of [upper, copy, cover, join(directory, "work")])
    mkdirSync(path, { recursive: true, mode: 0o700 });
  for (const path of [upper, copy]) makeLike(path, root);
  return lstatSync(directory, { bigint: true }).ctimeNs;
}

/** Gives a directory the mode of another, and its owner where only root can: the root of an overlay looks like its upper. */
export function makeLike(directory: string, other: string): void {
  const { uid, gid, mode } = statSync(other);
  if (process.getuid?.() === 0) lchownSync(directory, uid, gid);
  chmodSync(directory, mode & 0o7777);
}

/** Removes what is left of a layer that nobody is in; what the command has closed to its owner too. */
export async function removeLayer({ directory }: LayerPlace): Promise<void> {
  await unlock(Buffer.from(directory));
  await rm(directory, { recursive: true, force: true });
}

async function unlock(directory: Buffer): Promise<void> {
  const stat = await lstat(directory).catch(() => undefined);
  if (!stat?.isDirectory()) return;
  if ((stat.mode & 0o700) !== 0o700) await chmod(directory, 0o700);
  for (const entry of await readdir(directory, { withFileTypes: true, encoding: "buffer" }))
    if (entry.isDirectory()) await unlock(Buffer.concat([directory, Buffer.from("/"), entry.name]));
}
