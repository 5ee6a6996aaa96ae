/**
 * Git's lock: whether a command of git is under way that writes the index, and with it the tree (checkout, rebase,
 * stash, …); git makes `index.lock` before it begins and takes it away when all is done.
 * Owns the waiting. The lock of a command that was killed stays: it holds nobody up for longer than LONGEST_MS.
 * Source: gitglossary(7), git's lockfile.h.
 */

import { stat } from "node:fs/promises";
import path from "node:path";
import { setTimeout } from "node:timers/promises";

const LONGEST_MS = 10_000;
const POLL_MS = 25;

/** Resolves when git is not at work in `gitDir` (absolute), at once when `signal` aborts. */
export async function gitAtRest(gitDir: string, signal: AbortSignal): Promise<void> {
  const until = performance.now() + LONGEST_MS;
  while (!signal.aborted && performance.now() < until && (await isHeld(gitDir)))
    await setTimeout(POLL_MS, undefined, { signal }).catch(() => {});
}

async function isHeld(gitDir: string): Promise<boolean> {
  const lock = await stat(path.join(gitDir, "index.lock")).catch(() => undefined);
  return lock !== undefined && Date.now() - lock.mtimeMs < LONGEST_MS;
}
