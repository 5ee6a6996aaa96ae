/**
 * The ways back: `abandon` before the decision, when no target was touched; `rollBack` after it.
 * Owns the order of the way back and the outcomes it leaves. The calls are steps.ts and directories.ts.
 * INVARIANT: only what is exactly as a step left it is taken back; whatever else stands there is somebody's, and stays.
 * Failure: when the way back itself fails, the journal stays open in phase `rollback`, and recovery goes on with it.
 */
import { named, typeOf } from "../disk/index.ts";
import type { FileClosing, OperationRow } from "../store/index.ts";
import { classify } from "./classify.ts";
import { restoreDirectories, syncDirectories } from "./directories.ts";
import { legacyOfDisplaced } from "./kept.ts";
import type { Step } from "./plan.ts";
import { STEP_KINDS } from "./steps.ts";
import { putBackDisplaced } from "./swap.ts";
import { rescueEdit, sweep } from "./sweep.ts";
import { lstat, syncMode, unlessTaken, type Work, writeImage } from "./work.ts";

/** Closes an operation that was never decided. Its targets are as they were. */
export async function abandon(work: Work, error: string): Promise<OperationRow> {
  const swept = await sweep(work, false);
  const files = work.steps.map(({ n }): FileClosing => ({ n, outcome: "before" }));
  return work.store.operations.close(work.id, {
    ...{ phase: "aborted", files, swept, error },
    madeDirectories: [],
    removedDirectories: [],
  });
}

/**
 * Takes back what was published, and closes the operation as `aborted`, or as `attention` where somebody's edit of a
 * published file is in the way (recovery: of any file, for nobody is waiting for the answer).
 */
export async function rollBack(work: Work, error: string): Promise<OperationRow> {
  work.store.operations.rollBack(work.id, error);
  const candidates = work.steps.filter(({ n }) => work.recovering || work.published.has(n)).toReversed();
  await takeBackAll(
    work,
    candidates.filter(({ kind }) => kind !== "remove"),
  );
  restoreDirectories(work);
  await takeBackAll(
    work,
    candidates.filter(({ kind }) => kind === "remove"),
  );
  // Also one that an earlier recovery took back, and did not live to make durable.
  for (const { kind, path } of candidates)
    if (kind === "chmod" && isFile(work, path)) await syncMode(work, path);
  await syncDirectories([work]);
  const files = await outcomes(work);
  const touched = files.filter(({ n }) => work.recovering || work.published.has(n));
  const phase = touched.every(({ outcome }) => outcome === "before") ? "aborted" : "attention";
  const swept = await sweep(work, true);
  return work.store.operations.close(work.id, {
    ...{ phase, swept, error },
    files: withRescued(work, files),
    madeDirectories: [],
    removedDirectories: [],
  });
}

function isFile(work: Work, path: string): boolean {
  const stat = unlessTaken(() => lstat(work, path));
  return stat !== undefined && typeOf(stat) === "file";
}

async function takeBackAll(work: Work, steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    try {
      await takeBack(work, step);
    } catch (error) {
      throw named(error, step.path);
    }
  }
}

async function takeBack(work: Work, step: Step): Promise<void> {
  if (step.kind === "replace") putBackDisplaced(work, step);
  const { isAfter, isBefore, stat } = await classify(work, step);
  if (!isAfter || isBefore) return;
  // Left by a crash in the middle of a swap, and nothing to tell it by.
  if (step.kind === "replace") await rescueEdit(work, step, step.temporary as string);
  if (step.backup !== undefined && !lstat(work, step.backup)) await rewriteBackup(work, step, step.backup);
  // Taken back: also where the backup held an edit, which its owner has back now.
  if (STEP_KINDS[step.kind].takeBack(work, step, stat)) work.published.delete(step.n);
  work.hooks.published?.(step.path, work.id, lstat(work, step.path));
}

/** A backup is whole or absent, also when this is interrupted; hence by way of the temporary file. */
async function rewriteBackup(work: Work, step: Step, path: string): Promise<void> {
  const temporary = step.temporary as string;
  await writeImage(work, temporary, step.before, legacyOfDisplaced(work, step), step.path);
  const [fresh, backup] = [work.places.at(temporary), work.places.at(path)];
  work.port.rename(fresh.dir, fresh.name, backup.dir, backup.name);
}

/** What each target is now, whatever the way here was. */
export async function outcomes(work: Work): Promise<FileClosing[]> {
  const files: FileClosing[] = [];
  for (const step of work.steps) {
    const { isBefore, isAfter } = await classify(work, step);
    files.push({ n: step.n, outcome: isBefore ? "before" : isAfter ? "after" : "foreign" });
  }
  return files;
}

export function withRescued({ rescued }: Work, files: readonly FileClosing[]): FileClosing[] {
  return files.map((file) => ({ ...file, rescued: rescued.get(file.n) }));
}
