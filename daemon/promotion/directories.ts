/**
 * The directories that a promotion makes and removes, forward and back.
 * Owns these calls; which directories is the plan's. Every one of them can be repeated (recovery does).
 * INVARIANT: only empty directories are removed, by rmdir(2), which sees to that itself.
 */
import { type Dir, DiskError, isErrno, parentOf, type Stat, typeOf } from "../disk/index.ts";
import type { DirectoryChange } from "../store/index.ts";
import { unlessTaken, type Work } from "./work.ts";

/** Removes what the promotion has emptied. One that somebody has put something into stays. */
export function removeEmptied(work: Work): void {
  work.removes = work.removes.filter((directory) => removeEmpty(work, directory.path));
}

/** Makes what new files need. One that somebody else has made meanwhile is used, and is not ours to remove. */
export function makeMissing(work: Work): void {
  for (const directory of work.makes) {
    if (make(work, directory) || work.recovering) continue;
    work.makes = work.makes.filter(({ path }) => path !== directory.path);
    // RACE: a crash before this is recorded. Worst case: their directory is removed if it is still empty.
    work.store.operations.notMade(work.id, directory.path);
  }
}

/**
 * The way back: what was made goes if it is empty, what was removed comes.
 *
 * What somebody has put where a directory was stays, and the files that were below it do not come back.
 */
export function restoreDirectories(work: Work): void {
  for (const { path } of work.makes.toReversed()) unlessTaken(() => removeEmpty(work, path));
  for (const directory of work.removes.toReversed()) unlessTaken(() => make(work, directory));
}

/** Whether the directory is gone. */
function removeEmpty({ port, places }: Work, path: string): boolean {
  const place = places.find(path);
  if (!place) return true;
  try {
    port.removeDirectory(place.dir, place.name);
  } catch (error) {
    if (isErrno(error, "ENOTEMPTY", "EEXIST")) return false;
    // Absent, or no directory (any more).
    if (!isErrno(error, "ENOENT", "ENOTDIR")) throw error;
  }
  places.forget(path);
  return true;
}

/** Whether this call made it; false when there was a directory already. @throws {DiskError} NotAFile, PathEscape */
function make(work: Work, { path, mode }: DirectoryChange): boolean {
  const { dir, name } = work.places.at(path);
  const found = work.port.lstat(dir, name);
  if (found && typeOf(found) !== "directory")
    throw new DiskError(
      "NotAFile",
      path,
      `'${path}' should be a directory, but something else has the name.`,
    );
  if (!found) work.port.makeDirectory(dir, name);
  // Also one that a crash left between being made and getting its mode.
  const { ino } = work.port.lstat(dir, name) as Stat;
  if (mode !== undefined && (!found || work.recovering)) work.port.setMode(dir, name, ino, mode);
  return !found;
}

/** Makes every entry that the operations changed survive a power cut; those that share a directory share its fsync. */
export async function syncDirectories(works: readonly Work[]): Promise<void> {
  const dirs = works.flatMap((work) => touched(work).map((dir) => [dir, work.port] as const));
  for (const [dir, port] of new Map(dirs)) await port.syncDirectory(dir);
}

function touched({ steps, makes, removes, places }: Work): Dir[] {
  const entries = [
    ...steps.flatMap(({ path, temporary, backup }) => [path, temporary, backup]),
    ...[...makes, ...removes].map(({ path }) => path),
  ];
  const parents = new Set(entries.flatMap((path) => (path === undefined ? [] : [parentOf(path)])));
  return [...parents].flatMap((path) => unlessTaken(() => places.directory(path)) ?? []);
}
