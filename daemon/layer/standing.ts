/**
 * What a layer makes of the tree below it: the values that its readers (upper.ts, copy.ts) give.
 * Directories are none: they show as their files', and empty ones are not staged.
 */
import type { Stat } from "../disk/index.ts";

export interface Standing {
  /** Relative to the root; one that a patch can have. */
  readonly path: string;
  readonly type: "file" | "symlink" | "absent";
  /** See stampOf. */
  readonly stamp: string;
  /** Permission bits of a file. */
  readonly mode: number;
  /** Bytes; 0 of what is no file. */
  readonly size: number;
  /** Of what the tree below has there: its time of change in nanoseconds; undefined where it has nothing. */
  readonly belowNs: bigint | undefined;
}

export interface Reading {
  readonly standing: readonly Standing[];
  /** What differs and no patch can say; `path` is for people to read. */
  readonly unstaged: readonly Unstaged[];
}

export interface Unstaged {
  readonly path: string;
  readonly reason: string;
}

/** The same as long as nobody writes to the file, replaces it or changes its mode. */
export function stampOf({ ino, size, mtimeNs, ctimeNs, mode }: Stat): string {
  return [ino, size, mtimeNs, ctimeNs, mode].join(":");
}

/** What stands where the command has removed what the tree below has. */
export function absent(path: string, belowNs: bigint | undefined): Standing {
  return { path, type: "absent", stamp: "absent", mode: 0, size: 0, belowNs };
}
