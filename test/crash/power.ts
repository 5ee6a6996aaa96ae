/**
 * Power cuts: file systems in images, shut down without a sync (`xfs_io -x -c shutdown`) and mounted again.
 * Owns the images and mounts, which go with `unmountAll`. Needs root, loop devices, mkfs and xfs_io.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export type FileSystem = "ext4" | "xfs";

const MKFS: Readonly<Record<FileSystem, { bytes: number; command: readonly string[] }>> = {
  ext4: { bytes: 64 << 20, command: ["mkfs.ext4", "-q", "-F"] },
  // The least that it can be made on.
  xfs: { bytes: 300 << 20, command: ["mkfs.xfs", "-q", "-f"] },
};

export interface Volume {
  /** Where it is mounted. */
  readonly path: string;
  /** What is on it survives from now on. */
  sync(): void;
  /** The power goes, and comes back. `flush`: what the file system's own log holds is written first, no data. */
  cut(flush: boolean): void;
}

const mounted = new Set<string>();

export function makeVolume(directory: string, type: FileSystem): Volume {
  const [image, path] = [join(directory, "image"), join(directory, "mount")];
  const { bytes, command } = MKFS[type];
  mkdirSync(path, { recursive: true });
  writeFileSync(image, "");
  run("truncate", "-s", `${bytes}`, image);
  run(...(command as [string, ...string[]]), image);
  const mount = (): void => {
    run("mount", "-o", "loop", image, path);
    mounted.add(path);
  };
  mount();
  return {
    path,
    sync: () => run("sync", "-f", path),
    cut: (flush) => {
      run("xfs_io", "-x", "-c", flush ? "shutdown -f" : "shutdown", path);
      unmount(path);
      mount();
    },
  };
}

function unmount(path: string): void {
  run("umount", path);
  mounted.delete(path);
}

export function unmountAll(): void {
  for (const path of mounted) unmount(path);
}

/** What of this is missing here; undefined where it all works. */
export function whyNoPower(type: FileSystem): string | undefined {
  if (process.getuid?.() !== 0) return "this is not root";
  const missing = ["mount", "losetup", MKFS[type].command[0] as string, "xfs_io"].filter(
    (name) => !has(name),
  );
  if (missing.length > 0) return `there is no ${missing.join(" and no ")}`;
  try {
    run("losetup", "-f");
    return undefined;
  } catch {
    return "there are no loop devices";
  }
}

export function has(program: string): boolean {
  try {
    execFileSync("sh", ["-c", 'command -v "$0"', program], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function run(command: string, ...args: string[]): void {
  execFileSync(command, args, { stdio: ["ignore", "ignore", "pipe"], timeout: 30_000 });
}
