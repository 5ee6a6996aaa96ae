/**
 * Sight: how the paths of one root are looked at and read, by what is known of its file systems.
 * Owns the one fact whether that may happen on the loop's own thread. What was just touched is in memory: there a look
 * takes some 4 µs and a small file's bytes 20, while a turn through libuv's threads takes ten to a hundred times as
 * long where the processors are busy. Done where the root is on a file system of this machine and nothing else is
 * mounted below it, since a dead network mount would hang the loop.
 */

import type { BigIntStats } from "node:fs";
import path from "node:path";
import { isLocalFileSystem } from "./limits.ts";
import { hashNow, hashOf, look, lookNow, type Seen, seen } from "./look.ts";

export interface Sight {
  /** Looks what the root is on; until then everything takes the long way. */
  begin(): Promise<void>;
  /** What is at a path (root-relative), as look.ts has it. */
  look(file: string): Promise<Seen | undefined>;
  /** The same for a path that was just touched. */
  glance(file: string): Promise<Seen | undefined> | Seen | undefined;
  /** The hash of what was just seen there, as look.ts has it. */
  hash(file: string, expected: Seen): Promise<string | undefined> | string | undefined;
}

/** Larger ones are read by other threads: hashing this much takes a fifth of a millisecond. */
const SMALL_BYTES = 64 * 1024;

export function openSight(root: string): Sight {
  const devices = new Set<bigint>();
  let isLocal = false;

  /** A directory is looked at before anything in it is. */
  const read = (stat: BigIntStats): Seen | undefined => {
    if (stat.isDirectory()) devices.add(stat.dev);
    return seen(stat);
  };
  const isNear = (): boolean => isLocal && devices.size === 1;
  const later = (file: string): Promise<Seen | undefined> => look(path.join(root, file), read);
  return {
    async begin() {
      await later("");
      isLocal = await isLocalFileSystem(root);
    },
    look: later,
    glance: (file) => (isNear() ? lookNow(path.join(root, file), read) : later(file)),
    hash: (file, expected) =>
      (isNear() && expected.size <= SMALL_BYTES ? hashNow : hashOf)(path.join(root, file), expected),
  };
}
