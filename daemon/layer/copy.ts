/**
 * A layer that is a copy of the tree, for where nothing can be mounted. Nothing confines a command there.
 * Owns the making (by cp, which shares the blocks of files where the file system can, and never makes hard links of them)
 * and the reading: what was there when it was made is in a manifest, and whatever is another inode now, or was changed
 * after that, is the command's.
 * INVARIANT: the manifest is written last, and the command begins when the clock of the file system has moved on.
 */
import { execFile } from "node:child_process";
import { lstatSync, readFileSync, writeFileSync } from "node:fs";
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { type Dir, joinPath, modeOf, type Stat, type Tree, typeOf } from "../disk/index.ts";
import { aboutDirectories } from "./directories.ts";
import { namesIn, openInside, unlock } from "./names.ts";
import { CLOSED, isText, NO_FILE, NOT_UTF8, objectionTo } from "./objections.ts";
import type { LayerPlace } from "./place.ts";
import { absent, type Reading, type Standing, stampOf, type Unstaged } from "./standing.ts";

/** Longer than a tick of any clock that files get their times from. */
const TICK_MS = 20;

interface Manifest {
  /** When the copy was complete, in nanoseconds. */
  readonly completeNs: string;
  /** Inodes by path. */
  readonly inodes: Readonly<Record<string, string>>;
}

const manifestOf = ({ directory }: LayerPlace): string => join(directory, "manifest.json");

/** Copies the tree; takes as long as that is large. `signal` ends it. */
export async function makeCopy(
  tree: Tree,
  copy: Tree,
  place: LayerPlace,
  signal: AbortSignal,
): Promise<void> {
  const share = process.platform === "linux" ? ["--reflink=auto"] : ["-c"];
  await promisify(execFile)("cp", ["-a", ...share, "--", `${tree.root}/.`, place.copy], { signal });
  const inodes: Record<string, string> = Object.create(null);
  await walk(copy, (path, stat) => {
    inodes[path] = String(stat.ino);
  });
  writeFileSync(`${manifestOf(place)}.new`, "", { mode: 0o600 });
  const { ctimeNs } = lstatSync(`${manifestOf(place)}.new`, { bigint: true });
  await delay(TICK_MS);
  const manifest: Manifest = { completeNs: String(ctimeNs), inodes };
  writeFileSync(manifestOf(place), JSON.stringify(manifest), { mode: 0o600 });
}

/** What the command has made of the copy; nothing before it is complete. */
export async function readCopy(
  copy: Tree,
  tree: Tree,
  place: LayerPlace,
  { isOver }: { readonly isOver: boolean },
): Promise<Reading> {
  const manifest = readManifest(place);
  if (!manifest) return { standing: [], unstaged: [] };
  const left = new Map(Object.entries(manifest.inodes));
  const standing: Standing[] = [];
  const isTouched = ({ ctimeNs }: Stat): boolean => ctimeNs > BigInt(manifest.completeNs);
  const aboutDirectory = aboutDirectories();
  const about = (path: string, stat: Stat): string | undefined =>
    isTouched(stat) ? aboutDirectory(path, stat, directoryAt(join(tree.root, path))) : undefined;
  const unstaged = await walk(
    copy,
    (path, stat) => {
      const before = left.get(path);
      left.delete(path);
      if (before === String(stat.ino) && !isTouched(stat)) return;
      const type = typeOf(stat) === "symlink" ? "symlink" : "file";
      const size = type === "file" ? Number(stat.size) : 0;
      standing.push({ path, type, stamp: stampOf(stat), mode: modeOf(stat), size, belowNs: undefined });
    },
    { isTouched, isOver, about },
  );
  for (const path of left.keys()) standing.push(absent(path, undefined));
  const timed = standing.map(async (each) => ({
    ...each,
    belowNs: await changedNs(join(tree.root, each.path)),
  }));
  return { standing: await Promise.all(timed), unstaged };
}

function readManifest(place: LayerPlace): Manifest | undefined {
  try {
    return JSON.parse(readFileSync(manifestOf(place), "utf8")) as Manifest;
  } catch {
    return undefined;
  }
}

async function changedNs(file: string): Promise<bigint | undefined> {
  const stat = await lstat(file, { bigint: true }).catch(() => undefined);
  return stat && !stat.isDirectory() ? stat.ctimeNs : undefined;
}

function directoryAt(path: string): Stat | undefined {
  const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stat?.isDirectory() ? stat : undefined;
}

interface Walking {
  readonly isTouched: (stat: Stat) => boolean;
  readonly isOver: boolean;
  /** What of a directory no patch can say. */
  readonly about: (path: string, stat: Stat) => string | undefined;
}

const MAKING: Walking = { isTouched: () => false, isOver: false, about: () => undefined };

/** Goes through every file and link that a patch can have; answers what is touched and no patch can have. */
async function walk(
  tree: Tree,
  found: (path: string, stat: Stat) => void,
  { isTouched, isOver, about }: Walking = MAKING,
): Promise<Unstaged[]> {
  const { port } = tree;
  const unstaged: Unstaged[] = [];
  const visit = async (dir: Dir, directory: string): Promise<void> => {
    for (const bytes of await namesIn(dir)) {
      const name = bytes.toString();
      const path = joinPath(directory, name);
      const stat = port.lstat(dir, name);
      if (!stat) continue;
      const reason = objection(tree, path, bytes, stat);
      if (reason !== undefined) {
        if (isTouched(stat)) unstaged.push({ path, reason });
        continue;
      }
      if (typeOf(stat) === "directory") directoryItself(path, stat);
      if (isOver) unlock(port, dir, name, stat);
      if (typeOf(stat) !== "directory") found(path, stat);
      else await within(dir, name, path);
    }
  };
  const directoryItself = (path: string, stat: Stat): void => {
    const reason = about(path, stat);
    if (reason !== undefined) unstaged.push({ path: path || ".", reason });
  };
  const within = async (parent: Dir, name: string, path: string): Promise<void> => {
    const inner = openInside(port, parent, name);
    if (inner === "closed") unstaged.push({ path, reason: CLOSED });
    if (inner === "closed" || !inner) return;
    try {
      await visit(inner, path);
    } finally {
      port.closeDirectory(inner);
    }
  };
  const root = tree.openRoot();
  try {
    const stat = port.lstat(root, ".");
    if (stat) directoryItself("", stat);
    await visit(root, "");
  } finally {
    port.closeDirectory(root);
  }
  return unstaged;
}

/** Why no patch can have it. */
function objection(tree: Tree, path: string, name: Buffer, stat: Stat): string | undefined {
  if (!isText(name)) return NOT_UTF8;
  return typeOf(stat) === "other" ? NO_FILE : objectionTo(tree, path);
}
