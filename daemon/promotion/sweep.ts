/**
 * Sweeping: our temporary files and backups go, and no byte that somebody wrote into one goes with them.
 * INVARIANT: what was reachable under a target's name is unlinked only when its bytes are before or after, or are
 * reachable elsewhere, or have been rescued into a blob.
 * RACE: an editor that holds the file open and writes after this look writes into an unlinked inode. Worst case: that
 * write is lost, as it would be with any editor that saves by rename.
 */
import { inParallel, type Stat, takeImage, typeOf } from "../disk/index.ts";
import { syncDirectories } from "./directories.ts";
import type { Step } from "./plan.ts";
import { lstat, removeOurs, unlessTaken, type Work } from "./work.ts";

/**
 * Removes every file of ours, durably. `rescue`: after a decision, when what they hold may be somebody's.
 *
 * Says whether all are gone; if not, their names stay in the journal, and recovery sweeps again.
 */
export async function sweep(work: Work, rescue: boolean): Promise<boolean> {
  return (await remove(work, rescue)) && (await syncRemoved([work]));
}

/** Makes the removal of every file of ours survive a power cut; says whether it does. */
export async function syncRemoved(works: readonly Work[]): Promise<boolean> {
  try {
    await syncDirectories(works);
    return true;
  } catch (error) {
    // Once: there may be thousands, and it is tried again and again.
    for (const { hooks, id } of works.slice(0, 1)) hooks.trouble?.(error, id);
    return false;
  }
}

/** As `sweep`, but a power cut may bring them back until their directories are synced. */
export async function remove(work: Work, rescue: boolean): Promise<boolean> {
  const sweepStep = async (step: Step): Promise<void> => {
    for (const path of [step.temporary, step.backup]) {
      // A directory that a link has taken the place of is as gone as one that another has.
      const stat = path === undefined ? undefined : unlessTaken(() => lstat(work, path));
      if (path === undefined || !stat) continue;
      if (rescue) await rescueEdit(work, step, path);
      await removeOurs(work, path, stat);
    }
  };
  try {
    // In order: recovery tells by the backups that are left how far this came (steps.ts, provenByBackup).
    for (const step of work.steps.filter(({ kind }) => kind === "remove")) await sweepStep(step);
    await inParallel(
      work.steps.filter(({ kind }) => kind !== "remove"),
      sweepStep,
    );
    return true;
  } catch (error) {
    work.hooks.trouble?.(error, work.id);
    return false;
  }
}

/** Keeps the bytes of a file of ours that are neither before nor after: somebody's late edit. */
export async function rescueEdit(work: Work, step: Step, path: string): Promise<void> {
  const { port, places, store } = work;
  const stat = lstat(work, path);
  if (!stat || typeOf(stat) !== "file" || isReachable(work, step, path, stat)) return;
  const place = places.at(path);
  const { hash } = await takeImage(port, place);
  if (hash === step.before.hash || hash === step.after.hash) return;
  const late = await store.blobs.take((sink) => takeImage(port, place, sink));
  work.rescued.set(step.n, late.hash as string);
}

/** Whether the file keeps a name: the target's, or that of the backup, which goes last. */
function isReachable(work: Work, { path: target, backup }: Step, path: string, { ino }: Stat): boolean {
  if (unlessTaken(() => lstat(work, target))?.ino === ino) return true;
  return backup !== undefined && backup !== path && lstat(work, backup)?.ino === ino;
}
