/**
 * The kinds of steps as one table: how each is published, taken back, and proven.
 * Owns the calls that change a target; all are synchronous, so that between the last look and the change nothing of
 * this process happens. What surrounds them is publish.ts, rollback.ts and recover.ts.
 * INVARIANT: a target is never written in place, never replaced unless its inode was just seen to be the one compared,
 * and what is displaced stays reachable as backup until its bytes are known to be known. Edits in place after the last
 * look are found in the backup, files that replaced the target after it by swap.ts.
 */
import { identityOf, isErrno, type Stat, sameStat } from "../disk/index.ts";
import { stale } from "./faults.ts";
import type { Step, StepKind } from "./plan.ts";
import { swapIn } from "./swap.ts";
import { lstat, markPublished, unlinkOurs, type Work } from "./work.ts";

interface Kind {
  /** @throws {IopipeError} Stale when the target is no longer what was compared; it then has what its owner gave it */
  publish(work: Work, step: Step): void;
  /**
   * Puts the target back, from `seen` as it stands after the step; leaves it alone, and says false, when it is not that
   * any more.
   */
  takeBack(work: Work, step: Step, seen: Stat | undefined): boolean;
  /** For a target that is neither before nor after: whether the step had been published. */
  wasPublished(work: Work, step: Step): boolean | undefined;
}

const create: Kind = {
  publish: (work, step) => {
    if (!linkNew(work, step.temporary as string, step.path)) throw changed(step);
    try {
      unlinkOurs(work, step.temporary as string);
    } finally {
      // Told last: losing its other name changes the inode's times, which would be taken for somebody's edit.
      markPublished(work, step);
    }
  },
  takeBack: (work, step, seen) => {
    unlinkOurs(work, step.temporary as string);
    return moveAway(work, step.path, step.temporary as string, seen);
  },
  wasPublished: provenByTemporary,
};

const replace: Kind = {
  publish: (work, step) => {
    const seen = work.snapshots.get(step.n);
    refuseChanged(step, seen, lstat(work, step.path));
    unlinkOurs(work, step.backup as string);
    if (!keepName(work, step.path, step.backup as string)) throw changed(step);
    refuseChanged(step, seen, lstat(work, step.path));
    const swapped = () => void work.published.add(step.n);
    if (!swapIn(work, step.path, step.temporary as string, step.backup as string, swapped)) {
      work.published.delete(step.n);
      throw changed(step);
    }
    markPublished(work, step);
    refuseChanged(step, seen, lstat(work, step.backup as string));
  },
  takeBack: (work, step, seen) => {
    // The new file keeps a name as well, so that an edit made in it at the last moment is found.
    unlinkOurs(work, step.temporary as string);
    keepName(work, step.path, step.temporary as string);
    if (!sameStat(seen, lstat(work, step.path))) return false;
    return swapIn(work, step.path, step.backup as string, step.temporary as string);
  },
  wasPublished: provenByTemporary,
};

const remove: Kind = {
  publish: (work, step) => {
    const seen = work.snapshots.get(step.n);
    refuseChanged(step, seen, lstat(work, step.path));
    // A power cut may have kept one half of a rename across directories: both names, and renaming one to the other does nothing.
    unlinkOurs(work, step.backup as string);
    const moved = () => void work.published.add(step.n);
    if (!moveAway(work, step.path, step.backup as string, seen, moved)) {
      work.published.delete(step.n);
      throw changed(step);
    }
    markPublished(work, step);
  },
  // Without its directory (something else has the name) it cannot come back; its bytes are in the store.
  takeBack: (work, step) =>
    work.places.find(step.path) !== undefined && linkNew(work, step.backup as string, step.path),
  wasPublished: provenByBackup,
};

const chmod: Kind = {
  publish: (work, step) => {
    const seen = work.snapshots.get(step.n);
    refuseChanged(step, seen, lstat(work, step.path));
    if (!setMode(work, step, seen, step.after.mode)) throw changed(step);
    markPublished(work, step);
  },
  takeBack: (work, step, seen) => setMode(work, step, seen, step.before.mode),
  // Nothing of a mode says who gave it.
  wasPublished: () => undefined,
};

export const STEP_KINDS: Readonly<Record<StepKind, Kind>> = { create, replace, remove, chmod };

function changed(step: Step): Error {
  return stale([{ path: step.path, expected: step.before }]);
}

function refuseChanged(step: Step, seen: Stat | undefined, now: Stat | undefined): void {
  if (!sameStat(seen, now)) throw changed(step);
}

/** Gives a file a second name; false when that is taken. */
function linkNew({ port, places }: Work, from: string, to: string): boolean {
  const [old, fresh] = [places.at(from), places.at(to)];
  try {
    port.link(old.dir, old.name, fresh.dir, fresh.name);
    return true;
  } catch (error) {
    if (isErrno(error, "EEXIST")) return false;
    throw error;
  }
}

/** Gives a target one of our names too; false when somebody replaced it or took it away in that very moment. */
function keepName(work: Work, path: string, ours: string): boolean {
  return unlessGone(() => linkNew(work, path, ours));
}

/** False of a target that is gone, or (link) was replaced while it was looked up: ENOENT, too. */
function unlessGone(call: () => boolean): boolean {
  try {
    return call();
  } catch (error) {
    if (isErrno(error, "ENOENT")) return false;
    throw error;
  }
}

/**
 * Renames a target to one of our names; puts it back, and says false, when it was not the file that was seen.
 *
 * `moved` is called with nothing in between that could fail.
 */
function moveAway(
  work: Work,
  path: string,
  ours: string,
  seen: Stat | undefined,
  moved?: () => void,
): boolean {
  const { port, places } = work;
  const [target, aside] = [places.at(path), places.at(ours)];
  const move = (): boolean => {
    port.rename(target.dir, target.name, aside.dir, aside.name);
    return true;
  };
  if (!unlessGone(move)) return false;
  moved?.();
  if (sameStat(seen, lstat(work, ours))) return true;
  linkNew(work, ours, path);
  return false;
}

function setMode(
  { port, places }: Work,
  step: Step,
  seen: Stat | undefined,
  mode: number | undefined,
): boolean {
  const { dir, name } = places.at(step.path);
  return seen !== undefined && unlessGone(() => port.setMode(dir, name, seen.ino, mode as number));
}

/**
 * The target is our temporary file under its new name; or that one is still waiting under its own. A backup that has
 * that name too was displaced.
 */
function provenByTemporary(work: Work, step: Step): boolean | undefined {
  const stat = lstat(work, step.path);
  if (stat && identityOf(stat) === work.inodes.get(step.n)) return true;
  const waiting = lstat(work, step.temporary as string);
  if (!waiting) return undefined;
  return step.backup !== undefined && waiting.ino === lstat(work, step.backup)?.ino;
}

/**
 * The removed file is under its other name; or it is not, while the sweep, which goes in order, has not come this far.
 */
function provenByBackup(work: Work, step: Step): boolean | undefined {
  if (lstat(work, step.backup as string)) return true;
  // Removals come first, so that every earlier step is one and has a backup.
  const earlier = work.steps.filter(({ n }) => n < step.n);
  return earlier.some(({ backup }) => lstat(work, backup as string)) ? false : undefined;
}
