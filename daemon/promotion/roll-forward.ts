/**
 * Rolling forward: an operation that was decided, by a process that did not live to publish all of it.
 * Owns the judgement by the classes of the targets (before, after, somebody's) and the proofs of whose swap put a file
 * there. A patch of exactly two files shows each of these states (test/model/third-states.ts).
 * INVARIANT: a file that is somebody's is never touched; where that leaves the operation half done, a person is asked.
 */
import {
  type Image,
  identityOf,
  readExtended,
  type Stat,
  sameAspects,
  sameExtended,
  takeImage,
} from "../disk/index.ts";
import type { OperationRow } from "../store/index.ts";
import { classify, type Standing } from "./classify.ts";
import { finish } from "./finish.ts";
import { type Legacy, legacyFor } from "./kept.ts";
import type { Step } from "./plan.ts";
import { publish } from "./publish.ts";
import { outcomes, rollBack, withRescued } from "./rollback.ts";
import { STEP_KINDS } from "./steps.ts";
import { putBackDisplaced } from "./swap.ts";
import { sweep } from "./sweep.ts";
import { lstat, syncFile, type Work, writeImage } from "./work.ts";

interface Seen {
  readonly step: Step;
  readonly standing: Standing;
}

/** Completes a decided operation: forward where nobody was at its files, else as the classes of the targets say. */
export async function rollForward(work: Work): Promise<OperationRow> {
  for (const step of work.steps) if (step.kind === "replace") putBackDisplaced(work, step);
  const seen: Seen[] = [];
  for (const step of work.steps) seen.push({ step, standing: await classify(work, step) });
  const old = seen.filter(({ standing }) => standing.isBefore && !standing.isAfter);
  const foreign = seen.filter(({ standing }) => !standing.isBefore && !standing.isAfter);
  const proofs = foreign.map(({ step }) => STEP_KINDS[step.kind].wasPublished(work, step));
  if (foreign.length > 0 && (old.length > 0 || proofs.includes(false))) return rollBack(work, EDITED);
  if (proofs.includes(undefined)) return leaveForAttention(work);
  try {
    await publishAgain(work, old);
  } catch (error) {
    work.hooks.trouble?.(error, work.id);
    return rollBack(work, (error as Error).message);
  }
  return finish(work);
}

const EDITED = "A file was edited before iopiped, which had stopped, could complete the operation.";

async function publishAgain(work: Work, old: readonly Seen[]): Promise<void> {
  for (const { step, standing } of old) {
    work.snapshots.set(step.n, standing.stat);
    await rewriteTemporary(work, step);
  }
  work.store.operations.rewritten(work.id, work.inodes);
  await publish(
    work,
    old.map(({ step }) => step),
  );
}

/** Writes the temporary file anew unless it is there, whole, as it was decided. */
async function rewriteTemporary(work: Work, step: Step): Promise<void> {
  const { temporary, after, path } = step;
  if (temporary === undefined || !after.exists) return;
  const legacy = legacyFor(work, step);
  if (!(await isWhole(work, temporary, after, legacy)))
    await writeImage(work, temporary, after, legacy, path);
  // Whole in memory: an earlier recovery may have been killed before its fsync.
  else if (after.type === "file") await syncFile(work, temporary);
  work.inodes.set(step.n, identityOf(lstat(work, temporary) as Stat));
}

async function isWhole(work: Work, path: string, after: Image, legacy: Legacy | undefined): Promise<boolean> {
  const place = work.places.at(path);
  const image = await takeImage(work.port, place);
  if (!sameAspects(after, image, ["existence", "type", "content", "mode"])) return false;
  if (legacy === undefined || image.type !== "file") return true;
  if (!isOwnedBy(legacy.owner, lstat(work, path) as Stat)) return false;
  const { extended } = legacy;
  return extended === undefined || sameExtended(extended, readExtended(work.port, place));
}

function isOwnedBy({ uid, gid }: Legacy["owner"], stat: Stat): boolean {
  return stat.uid === BigInt(uid) && stat.gid === BigInt(gid);
}

/** Every file is as after or somebody's who may have known it: nothing is touched but our own files. */
async function leaveForAttention(work: Work): Promise<OperationRow> {
  const files = await outcomes(work);
  const swept = await sweep(work, true);
  return work.store.operations.close(work.id, {
    ...{ phase: "attention", swept, error: EDITED },
    files: withRescued(work, files),
    madeDirectories: work.makes,
    removedDirectories: work.removes,
  });
}
