/**
 * What the system allows: inotify's numbers, and file systems whose changes by others nobody reports.
 * Owns these facts and how they are worded for a person; what follows from them is live.ts.
 * Source: inotify(7); statfs(2); parcel-bundler/watcher#230; libuv#1201.
 */

import { readFileSync } from "node:fs";
import { statfs } from "node:fs/promises";

/** Limits of the machine, and of a user in a container's namespace; the lower one is in force. */
const WATCHES = ["fs.inotify.max_user_watches", "user.max_inotify_watches"];
const QUEUE = "fs.inotify.max_queued_events";

/** What inotify has where /proc does not tell. */
const DEFAULT_QUEUE = 16_384;
const DEFAULT_WATCHES = 8192;

/** An eighth of what all of a user's programs share, and no more than serves a large tree. */
const BUDGET_SHARE = 8;
const LARGEST_BUDGET = 8192;
/** Systems where a direct watch costs a file descriptor or a stream. */
const OTHER_SYSTEMS_BUDGET = 256;

/** By statfs's type. Source: linux/magic.h, fs/smb/client/cifsfs.h. */
const UNREPORTED: Readonly<Record<number, string>> = {
  26985: "NFS",
  4283649346: "CIFS",
  4266872130: "SMB2",
  20859: "SMB",
  1702057286: "FUSE",
  16914839: "9p",
  1397113167: "AFS",
  12805120: "Ceph",
};

/** ext2 to ext4, XFS, Btrfs, F2FS, ZFS, tmpfs. */
const LOCAL = new Set([61267, 1481003842, 2435016766, 4076150800, 801189825, 16914836]);

/** How many directories of a root are watched one by one unless it is said. */
export function defaultBudget(): number {
  if (process.platform !== "linux") return OTHER_SYSTEMS_BUDGET;
  return Math.min(LARGEST_BUDGET, Math.floor(maxWatches() / BUDGET_SHARE));
}

/** Events that a queue holds before it overflows. */
export function queueLength(): number {
  return numberIn(QUEUE) ?? DEFAULT_QUEUE;
}

function maxWatches(): number {
  return watchLimit().value;
}

function watchLimit(): { name: string; value: number } {
  const known = WATCHES.map((name) => ({ name, value: numberIn(name) ?? Number.POSITIVE_INFINITY }));
  const lowest = known.reduce((least, one) => (one.value < least.value ? one : least));
  return Number.isFinite(lowest.value) ? lowest : { ...lowest, value: DEFAULT_WATCHES };
}

/** Whether `directory` is on a disk or in the memory of this machine: looking there takes no longer than these do. */
export async function isLocalFileSystem(directory: string): Promise<boolean> {
  const type = await statfs(directory).then(
    (stats) => stats.type,
    () => undefined,
  );
  return process.platform === "linux" && type !== undefined && LOCAL.has(type);
}

/** Names the file system of `root` where others' changes to it are not reported. */
export async function unreportedFileSystem(root: string): Promise<string | undefined> {
  const type = await statfs(root).then(
    (stats) => stats.type,
    () => undefined,
  );
  return type === undefined ? undefined : unreportedType(type);
}

/** The same for statfs's type. */
export function unreportedType(type: number): string | undefined {
  return UNREPORTED[type];
}

/** What to say when the system has no more watches to give; `directories` is how many the root wants. */
export function limitWarning(directories: number): string {
  if (process.platform !== "linux") return "The system has no more watches to give; the root is polled.";
  const { name, value } = watchLimit();
  return (
    `The limit of inotify watches is reached (${name} = ${value}, shared by all programs of the user); this root has ` +
    `${directories} directories. What is not watched is polled. Raise it: sudo sysctl ` +
    `${name}=${Math.max(2 * value, 4 * directories)}`
  );
}

function numberIn(name: string): number | undefined {
  try {
    return Number(readFileSync(`/proc/sys/${name.replaceAll(".", "/")}`, "utf8"));
  } catch {
    return undefined;
  }
}
