/**
 * Presence: whether the root is still there, and still the same directory.
 * Owns one slow timer. Moving a directory above the root makes no event, so one stat is asked from time to time.
 * Failure: whatever keeps the root from being seen counts as absence; that it may not be read does too.
 */

import { constants } from "node:fs";
import { access, lstat } from "node:fs/promises";

export interface Presence {
  /** Looks now, e.g. because the root's own watch said something; resolves after `changed`, where that was to be called. */
  check(): Promise<void>;
  close(): void;
}

/** The root's own watch tells of most ends at once; this finds the rest, e.g. a directory above it that was moved. */
const PRESENT_MS = 1000;
const ABSENT_MS = 250;

/** Calls `changed` with the root's identity, or undefined for none, whenever it is another than before. */
export function watchPresence(
  root: string,
  known: string | undefined,
  changed: (identity: string | undefined) => void,
): Presence {
  let identity = known;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  /** Looks one after another: the last one's word counts. */
  let looking = Promise.resolve();
  const check = (): Promise<void> => {
    looking = looking.then(look);
    return looking;
  };

  const look = async (): Promise<void> => {
    const now = await identityOf(root);
    if (closed || now === identity) return;
    identity = now;
    arm();
    changed(now);
  };

  const arm = (): void => {
    clearInterval(timer);
    timer = setInterval(() => void check(), identity === undefined ? ABSENT_MS : PRESENT_MS).unref();
  };

  arm();
  return {
    check,
    close() {
      closed = true;
      clearInterval(timer);
    },
  };
}

/** Names the directory that `root` is now. */
export async function identityOf(root: string): Promise<string | undefined> {
  try {
    await access(root, constants.R_OK | constants.X_OK);
    const stat = await lstat(root, { bigint: true });
    return stat.isDirectory() ? `${stat.dev}:${stat.ino}:${stat.birthtimeNs}` : undefined;
  } catch {
    return undefined;
  }
}
