/**
 * What speaks against a plan: collisions between its steps, and what stands in their way on disk.
 * Pure. Owns the refusals, each before anything is touched, in this order: the change against itself, the disk's
 * structure, the bases (all that are stale in one error), hard links.
 */
import { IopipeError } from "../../protocol/wire/errors.ts";
import { ABSENT, ancestorsOf, aspectsOf, type Image, sameAspects } from "../disk/index.ts";
import { type StaleFile, stale } from "./faults.ts";
import type { Facts } from "./inspect.ts";
import type { Transition } from "./request.ts";

/** `emptied`: directories that go. @throws {IopipeError} Conflict, NotAFile, PathEscape, Stale, HardLinked */
export function refuse(transitions: readonly Transition[], facts: Facts, emptied: ReadonlySet<string>): void {
  refuseTwice(transitions, facts);
  const removed = new Set(transitions.filter(({ after }) => !after.exists).map(({ path }) => path));
  const made = new Set(transitions.filter(({ after }) => after.exists).map(({ path }) => path));
  for (const transition of transitions) {
    refuseParents(transition, facts, removed, made);
    refuseStanding(transition, facts, emptied);
  }
  const files = transitions.flatMap((transition) => staleness(transition, facts, emptied));
  if (files.length > 0) throw stale(files);
  for (const transition of transitions) refuseHardLinks(transition, facts);
}

function refuseTwice(transitions: readonly Transition[], { files }: Facts): void {
  const seen = new Map<string, string>();
  for (const { path } of transitions) {
    const stat = files.get(path)?.stat;
    for (const key of [`path ${path}`, stat && `inode ${stat.dev} ${stat.ino}`]) {
      if (key === undefined) continue;
      const other = seen.get(key);
      if (other !== undefined)
        throw new IopipeError("Conflict", `'${path}' is changed twice, also as '${other}'`, { path, other });
      seen.set(key, path);
    }
  }
}

function refuseParents(
  { path, after }: Transition,
  { obstacles }: Facts,
  removed: ReadonlySet<string>,
  made: ReadonlySet<string>,
): void {
  for (const ancestor of ancestorsOf(path)) {
    if (after.exists && made.has(ancestor))
      throw new IopipeError("Conflict", `'${ancestor}' would be a file and hold '${path}'`, {
        path,
        other: ancestor,
      });
    const obstacle = obstacles.get(ancestor);
    if (obstacle === undefined || removed.has(ancestor)) continue;
    const kind = obstacle === "symlink" ? "PathEscape" : "NotAFile";
    throw new IopipeError(kind, `'${ancestor}', above '${path}', is no directory but a ${obstacle}.`, {
      path,
    });
  }
}

/** A directory, device, FIFO or socket at the path itself. */
function refuseStanding({ path }: Transition, { files }: Facts, emptied: ReadonlySet<string>): void {
  const found = files.get(path);
  if (!found || found.image || emptied.has(path)) return;
  throw new IopipeError("NotAFile", `'${path}' is neither a regular file nor a symlink.`, { path });
}

function staleness(transition: Transition, { files }: Facts, emptied: ReadonlySet<string>): StaleFile[] {
  const { path, before, after } = transition;
  const actual: Image = emptied.has(path) ? ABSENT : (files.get(path)?.image ?? ABSENT);
  return sameAspects(before, actual, aspectsOf(before, after)) ? [] : [{ path, expected: before, actual }];
}

/** Removing one name of several leaves the others as they are; changing the file would change or split them. */
function refuseHardLinks({ path, after, breakHardLinks }: Transition, { files }: Facts): void {
  const found = files.get(path);
  if (found?.image?.type !== "file" || !after.exists || breakHardLinks || found.stat.nlink === 1n) return;
  const links = Number(found.stat.nlink);
  throw new IopipeError("HardLinked", `'${path}' has ${links} hard links.`, { path, links });
}
