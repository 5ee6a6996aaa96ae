/**
 * The room that a command in a layer takes on the disk, watched while it runs by whoever started it, at either end.
 * Owns when a command has to end. The file system is asked how much is free, which costs nothing; only where that fell by
 * more than the command may take is the layer's directory gone through.
 * RACE: between two looks a command may fill the disk. Worst case: its writes fail, as on any full disk, and it is ended
 * at the next look.
 * Failure: what cannot be asked or read does not count; the limit is still the staging's.
 */
import { lstat, readdir, statfs } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { IopipeError } from "./errors.ts";

/** What one command may write, where nobody says otherwise. */
export const DEFAULT_ROOM_BYTES = 8 * 1024 ** 3;

/**
 * What is kept free: for the daemon's database, for staging what the command wrote, and for everybody else on that file
 * system. Half of what was free at the start, where that is less.
 */
const FLOOR_BYTES = 128 * 1024 ** 2;

/** The longest time between two looks, and the shortest. */
const [SELDOM_MS, OFTEN_MS] = [1000, 50];

/** No disk takes more; it says when the next look is due. */
const BYTES_PER_MS = 2 * 1024 ** 2;

export interface Room {
  /** The layer's own; absolute. */
  readonly directory: string;
  /** What the command may take of it. */
  readonly maxBytes: number;
}

export interface Outgrown extends Room {
  /** When the watch began, in milliseconds; what is older is not the command's. */
  readonly began: number;
  readonly free: number;
  /** `free` is below it where the disk, not the limit, is why. */
  readonly floor: number;
}

/** Resolves when the command, which has just begun, has to end; with undefined when `signal` says that it has. */
export async function outgrown(room: Room, signal: AbortSignal): Promise<Outgrown | undefined> {
  const { directory, maxBytes } = room;
  const began = Date.now();
  try {
    let before = await freeIn(directory);
    const floor = Math.min(FLOOR_BYTES, Math.floor(before / 2));
    let bytes = 0;
    let isMeasuring = false;
    for (let free = before; ; free = await freeIn(directory)) {
      if (free < floor || bytes > maxBytes) return { ...room, began, free, floor };
      // Others give room back meanwhile.
      before = Math.max(before, free);
      if (before - free > maxBytes - bytes && !isMeasuring) {
        isMeasuring = true;
        // Not waited for: it may take minutes, and the disk has to be looked at.
        void measure(directory, { since: began, enough: maxBytes, signal }).then((size) => {
          [bytes, before, isMeasuring] = [size, free, false];
        });
      }
      const left = Math.min(free - floor, maxBytes - bytes);
      await delay(Math.min(SELDOM_MS, Math.max(OFTEN_MS, left / BYTES_PER_MS)), undefined, { signal });
    }
  } catch {
    return undefined;
  }
}

/** What is to be told when the command has ended by that; `hint`: what becomes of what it wrote. */
export async function outgrownError(
  { directory, maxBytes, began, free, floor }: Outgrown,
  hint: string,
): Promise<IopipeError> {
  const bytes = await measure(directory, { since: began });
  const why =
    free < floor
      ? `the disk was nearly full (${free} bytes free; ${floor} are kept free)`
      : `the limit is ${maxBytes} bytes`;
  const fact = `The command was ended, for ${why}: what it wrote takes ${bytes} bytes in ${directory}.`;
  return new IopipeError("TooLarge", fact, { path: directory, limit: maxBytes, hint });
}

/** What to type for a session whose layer stands, because it takes too much. */
export function keptHint(session: string): string {
  return `Nothing is lost: \`iopipectl run --resume ${session} --max-size SIZE\` stages it, with --discard drops it.`;
}

async function freeIn(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

interface Measuring {
  /** In milliseconds; what was changed before is not counted. */
  readonly since: number;
  /** No more than that needs to be known. */
  readonly enough?: number;
  readonly signal?: AbortSignal;
}

/** Bytes of blocks below a directory, each file once; one after the other, so that nobody else has to wait. */
async function measure(
  directory: string,
  { since, enough = Number.POSITIVE_INFINITY, signal }: Measuring,
): Promise<number> {
  const seen = new Set<number>();
  let bytes = 0;
  const visit = async (path: string): Promise<void> => {
    for (const entry of await readdir(path, { withFileTypes: true }).catch(() => [])) {
      if (bytes > enough || signal?.aborted) return;
      const file = join(path, entry.name);
      if (entry.isDirectory()) await visit(file);
      const stat = await lstat(file).catch(() => undefined);
      if (!stat || stat.ctimeMs < since || seen.has(stat.ino)) continue;
      if (stat.nlink > 1) seen.add(stat.ino);
      bytes += stat.blocks * 512;
    }
  };
  await visit(directory);
  return bytes;
}
