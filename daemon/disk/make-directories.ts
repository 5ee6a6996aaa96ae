/**
 * Directories by path for the atomic write: synced, and made where they are missing.
 * Owns the order: each is made and its own entry fsynced before the next is made below it. Modes are mkdir(2)'s.
 * INVARIANT: none is made behind a link; one that dangles on the way is in the way, and the write then fails.
 * Failure: errno errors; what was made by then is in `made`, for the caller to take away.
 */
import * as fs from "node:fs";
import { dirname } from "node:path";
import type { AtomicCalls } from "./atomic-calls.ts";
import { quietly, type Steps, step } from "./durable.ts";
import { isErrno } from "./errors.ts";
import { typeOf } from "./port.ts";

/** Makes `directory` (absolute) and those above it where they are missing; adds them to `made`, outermost first. */
export function* makeDirectories(calls: AtomicCalls, directory: string, made: string[]): Steps<void> {
  for (const missing of yield* missingIn(calls, directory)) {
    if (yield* makeOne(calls, missing)) made.push(missing);
    yield* syncDirectorySteps(calls, dirname(missing));
  }
}

/** Outermost first. */
function* missingIn(calls: AtomicCalls, directory: string): Steps<string[]> {
  if ((yield* step(calls.lstat(directory))) !== undefined) return [];
  return [...(yield* missingIn(calls, dirname(directory))), directory];
}

/** False where somebody else has made it in between. */
function* makeOne(calls: AtomicCalls, directory: string): Steps<boolean> {
  try {
    yield* step(calls.mkdir(directory));
    return true;
  } catch (error) {
    // RACE: a link may take the directory's place after this look; the file then ends where that leads, as of any path.
    const stat = isErrno(error, "EEXIST") ? yield* step(calls.lstat(directory)) : undefined;
    if (stat === undefined || typeOf(stat) !== "directory") throw error;
    return false;
  }
}

/** Makes a directory's entries survive a power cut. */
export function* syncDirectorySteps(calls: AtomicCalls, path: string): Steps<void> {
  const handle = yield* step(calls.open(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY, 0));
  try {
    yield* step(calls.sync(handle));
  } finally {
    yield* quietly(() => calls.close(handle));
  }
}
