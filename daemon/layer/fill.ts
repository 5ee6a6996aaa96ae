/**
 * Filling a layer before anybody is in it: what a session has staged is laid out in its upper directory, so that a
 * command in there finds the tree as an apply would make it.
 * Owns overlayfs's form of it: directories with the modes of those below, deletions as character devices 0:0. The tree
 * itself is read for modes and owners, and never written.
 * Failure: errno errors; what was laid out by then goes with the layer.
 * Source: overlayfs.rst, "whiteouts and opaque directories".
 */
import { execFile } from "node:child_process";
import { constants } from "node:fs";
import {
  chmod,
  copyFile,
  lchown,
  link,
  lstat,
  mkdir,
  readdir,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { Image } from "../../protocol/methods/index.ts";
import { ancestorsOf, isErrno } from "../disk/index.ts";
import type { LayerPlace } from "./place.ts";

/** A path as it is to be. */
export interface Wanted {
  readonly path: string;
  readonly after: Image;
}

/** Where the bytes of a file are. */
type Content = (hash: string) => { readonly bytes: Buffer } | { readonly path: string };

/** Lays out `wanted` over the tree at `root`; the upper directory is empty before. */
export async function fillLayer(
  { directory, upper }: LayerPlace,
  root: string,
  wanted: readonly Wanted[],
  content: Content,
): Promise<void> {
  const made = new Map<string, number>();
  /** Makes the directories above a path; their modes are given at the end, for some may not be written to. */
  const makeAbove = async (path: string): Promise<void> => {
    const above = dirname(path);
    if (above === "." || made.has(above)) return;
    await makeAbove(above);
    const below = await lookAt(join(root, above));
    await mkdir(join(upper, above), { mode: 0o700 });
    made.set(above, below?.isDirectory() ? below.mode & 0o7777 : 0o777 & ~process.umask());
    if (below?.isDirectory()) await give(join(upper, above), below);
  };

  for (const { path, after } of wanted) {
    if (!after.exists) continue;
    await makeAbove(path);
    const file = join(upper, path);
    if (after.type === "symlink") await symlink(after.target ?? "", file);
    else await writeContent(file, content(after.hash ?? ""), after.mode ?? 0o644);
    const owner = (await lookAt(join(root, path))) ?? (await lookAt(dirname(file)));
    if (owner) await give(file, owner);
    // Giving a file away takes its set-user-ID bit.
    if (after.type !== "symlink") await chmod(file, after.mode ?? 0o644);
  }
  const whiteout = makeWhiteouts(join(directory, "whiteout"));
  const lessened = new Set<string>();
  const comes = new Set(wanted.filter(({ after }) => after.exists).map(({ path }) => path));
  for (const { path, after } of wanted) {
    // A file in the place of its directory hides it already, and so does what takes its own.
    if (after.exists || comes.has(path) || ancestorsOf(path).some((above) => comes.has(above))) continue;
    if (made.has(path) || (await lookAt(join(root, path))) === undefined) continue;
    await makeAbove(path);
    await whiteout(join(upper, path));
    for (const above of ancestorsOf(path)) lessened.add(above);
  }
  // As an apply removes directories that it empties; what is below comes before what is above.
  for (const path of [...lessened].sort().reverse()) {
    if (!(await isEmptied(join(root, path), join(upper, path)))) continue;
    await rm(join(upper, path), { recursive: true });
    made.delete(path);
    await whiteout(join(upper, path));
  }
  for (const [path, mode] of made) await chmod(join(upper, path), mode);
}

/** Whether all that is below is hidden, and nothing else is above it. */
async function isEmptied(below: string, above: string): Promise<boolean> {
  const hiding = await readdir(above, { withFileTypes: true });
  return (
    hiding.every((entry) => entry.isCharacterDevice()) && hiding.length === (await readdir(below)).length
  );
}

async function writeContent(file: string, from: ReturnType<Content>, mode: number): Promise<void> {
  if ("path" in from) await copyFile(from.path, file, constants.COPYFILE_EXCL);
  else await writeFile(file, from.bytes, { mode: mode & 0o700, flag: "wx" });
}

/** Only root's files can be another's. */
async function give(path: string, { uid, gid }: { uid: number; gid: number }): Promise<void> {
  if (process.getuid?.() === 0) await lchown(path, uid, gid);
}

async function lookAt(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}

/** Names of one device; file systems allow 32,000 and more. */
const NAMES = 10_000;

/** A device is made by mknod(1), for Node has no such call; others are names of it, as overlayfs makes them. */
function makeWhiteouts(device: string): (path: string) => Promise<void> {
  let count = 0;
  return async (path) => {
    const from = `${device}${Math.floor(count / NAMES)}`;
    if (count % NAMES === 0) await promisify(execFile)("mknod", [from, "c", "0", "0"]);
    count += 1;
    await link(from, path);
  };
}
