/**
 * The ballast: a file of real bytes that is given up when the state's file system is full, so that what must not fail
 * (discarding, the journal's records, marks) has room for its records.
 * Owns `<state>/ballast`. What counts as essential is said where it is called (transactions.ts and its callers).
 * INVARIANT: making it never fails anything; it leaves `SPARE_BYTES` to whoever else writes.
 * Sizes, measured: discarding 1, 100, 1,000 patches writes 32, 189, 1,569 KiB of log and 0, 80, 776 KiB of database;
 * closing an operation of as many files 48, 209, 1,694 and 0, 28, 284.
 */
import { randomBytes } from "node:crypto";
import { closeSync, openSync, statfsSync, statSync, truncateSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { meansFull } from "./faults.ts";

/** Enough for 1,000 patches at once. */
export const BALLAST_BYTES = 4 * 1024 * 1024;
/** Left free when it is made: for log lines, daemon.json, the watch table. */
const SPARE_BYTES = 256 * 1024;

export interface Ballast {
  /**
   * Runs `work`; where that finds no room, gives the ballast up, lets `makeRoom` do what else helps, and runs it once
   * more. Work must be safe to run twice.
   */
  roomFor<T>(work: () => T, makeRoom?: () => void): T;
  /** Makes what is missing of it, as far as there is room. Costs nothing while it is whole. */
  fill(): void;
}

export function openBallast(file: string): Ballast {
  let whole = false;
  const release = (): void => {
    whole = false;
    try {
      truncateSync(file);
    } catch {
      // There is none.
    }
  };
  return {
    roomFor: (work, makeRoom) => {
      try {
        return work();
      } catch (error) {
        if (!meansFull(error)) throw error;
      }
      release();
      makeRoom?.();
      return work();
    },
    fill: () => {
      if (!whole) whole = fill(file);
    },
  };
}

/** Says whether it is whole now. */
function fill(file: string): boolean {
  try {
    const held = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    const { bavail, bsize } = statfsSync(dirname(file));
    const whole = bavail * bsize - SPARE_BYTES >= BALLAST_BYTES - held;
    append(file, whole ? BALLAST_BYTES - held : bavail * bsize - SPARE_BYTES);
    return whole;
  } catch {
    // Less room than the file system says, or none that we may have. What was written counts.
    return false;
  }
}

/** Random, so that no file system stores less of it than there is. */
function append(file: string, bytes: number): void {
  if (bytes <= 0) return;
  const descriptor = openSync(file, "a", 0o600);
  try {
    const content = randomBytes(bytes);
    for (let at = 0; at < bytes; ) at += writeSync(descriptor, content, at);
  } finally {
    closeSync(descriptor);
  }
}
