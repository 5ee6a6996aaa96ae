/**
 * Where a layer is: a directory of its own below the state directory, and how a command is started in it.
 * Owns the directory's making and removal, and the arguments of enter.sh. What is in it is read by upper.ts.
 * INVARIANT: the directory is this user's alone, and its upper directory looks like the root that it covers.
 */
import { chmodSync, lstatSync, mkdirSync, statSync } from "node:fs";
import { chmod, lstat, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { modeOf } from "../disk/index.ts";

export interface LayerPlace {
  /** Absolute; in it are upper, work and cover. */
  readonly directory: string;
  /** What the command writes. */
  readonly upper: string;
}

export function layerPlace(stateDir: string, id: string): LayerPlace {
  const directory = join(stateDir, "layers", id);
  return { directory, upper: join(directory, "upper") };
}

/** Makes the directory of a layer over `root`; resolves to when that was, by its file system's clock in nanoseconds. */
export function makeLayer({ directory, upper }: LayerPlace, root: string): bigint {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const name of [upper, join(directory, "work"), join(directory, "cover")])
    mkdirSync(name, { mode: 0o700 });
  chmodSync(upper, modeOf(statSync(root, { bigint: true })));
  return lstatSync(directory, { bigint: true }).ctimeNs;
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

export interface Covering {
  /** Names the mount. */
  readonly id: string;
  readonly root: string;
  readonly place: LayerPlace;
  /** The process that is going to start it. */
  readonly pid: number;
  /** The daemon's directories, absolute: hidden from the command. */
  readonly stateDir: string;
  readonly runtimeDir: string;
  /** What of these stays; undefined hides nothing. */
  readonly proposeDir: string | undefined;
}

/** The program and its arguments, to which a working directory, a command and its arguments are to be added. */
export function startIn({ id, root, place, pid, stateDir, runtimeDir, proposeDir = "" }: Covering): string[] {
  const enter = fileURLToPath(new URL("./enter.sh", import.meta.url));
  const owner = [process.getuid?.() ?? 0, process.getgid?.() ?? 0].map(String);
  return [
    ...["setpriv", "--pdeathsig", "KILL", "sh", enter, String(pid), id, ...owner],
    ...[root, place.directory, stateDir, runtimeDir, proposeDir],
  ];
}
