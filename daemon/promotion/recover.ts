/**
 * Recovering: what another process began, and did not live to end, is completed forward or back.
 * Owns the judgement by the classes of the targets; the ways are those of a living promotion. Idempotent: it may itself
 * be killed anywhere and run again.
 * INVARIANT: in doubt nothing of anybody's is touched; the operation closes as `attention` with an outcome per file.
 * Concurrency: under the workspace's lock, before any promotion of it.
 */
import { DiskError, sameAspects, type Tree, takeImage } from "../disk/index.ts";
import type { OperationFileRow, OperationRow, Phase, Store } from "../store/index.ts";
import { classify, type Standing } from "./classify.ts";
import { finish } from "./finish.ts";
import { openPlaces, type Places } from "./places.ts";
import { aspectsOfStep, type Step, type StepKind } from "./plan.ts";
import { publish } from "./publish.ts";
import type { Hooks } from "./request.ts";
import { abandon, outcomes, rollBack, withRescued } from "./rollback.ts";
import { STEP_KINDS } from "./steps.ts";
import { sweep } from "./sweep.ts";
import { ownerFor, type Work, writeImage } from "./work.ts";

export interface RecoveryRequest extends Hooks {
  readonly workspace: string;
  readonly tree: Tree;
  readonly store: Store;
}

/**
 * Recovers every open journal of a workspace, oldest first, and resolves to their operations.
 *
 * When the root is absent the journals stay open, and the answer is empty.
 * @throws what the disk or the store says when a way is blocked now; that journal stays open, to be tried again
 */
export async function recover(request: RecoveryRequest): Promise<OperationRow[]> {
  const rows: OperationRow[] = [];
  for (const row of request.store.operations.openJournals(request.workspace)) {
    const places = openIfThere(request.tree);
    if (!places) return [];
    try {
      rows.push(await RECOVERIES[row.phase](resume(row, places, request), row));
    } finally {
      places.close();
    }
  }
  return rows;
}

function openIfThere(tree: Tree): Places | undefined {
  try {
    return openPlaces(tree);
  } catch (error) {
    if (error instanceof DiskError && error.kind === "RootGone") return undefined;
    throw error;
  }
}

/** The work as its journal has it. */
function resume(row: OperationRow, places: Places, request: RecoveryRequest): Work {
  const inodes = row.files.flatMap(({ n, temporaryIno }): [number, string][] =>
    temporaryIno === undefined ? [] : [[n, temporaryIno]],
  );
  return {
    ...{
      id: row.id,
      store: request.store,
      places,
      port: request.tree.port,
      hooks: request,
      recovering: true,
    },
    steps: row.files.map(stepOf),
    makes: row.madeDirectories,
    removes: row.removedDirectories,
    inodes: new Map(inodes),
    snapshots: new Map(),
    published: new Set(),
    rescued: new Map(),
  };
}

function stepOf(file: OperationFileRow): Step {
  const kind = kindOf(file);
  return { ...file, kind, aspects: aspectsOfStep({ ...file, kind }) };
}

/** An open journal has the names of all files of ours; only a chmod needs none. */
function kindOf({ before, after, temporary }: OperationFileRow): StepKind {
  if (!before.exists) return "create";
  if (!after.exists) return "remove";
  return temporary === undefined ? "chmod" : "replace";
}

type Recovery = (work: Work, row: OperationRow) => Promise<OperationRow>;

const INTERRUPTED = "iopiped stopped before the operation was complete.";

const abandonInterrupted: Recovery = (work) => abandon(work, INTERRUPTED);

const rollBackFurther: Recovery = (work, { error }) => rollBack(work, error as string);

/** Closed, but files of ours are left. */
const sweepAgain: Recovery = async (work, row) => {
  if (await sweep(work, row.phase !== "aborted")) work.store.operations.swept(row.id, work.rescued);
  return work.store.operations.require(row.id);
};

interface Seen {
  readonly step: Step;
  readonly standing: Standing;
}

const rollForward: Recovery = async (work) => {
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
};

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
  if (step.temporary === undefined || !step.after.exists) return;
  const place = work.places.at(step.temporary);
  const image = await takeImage(work.port, place);
  if (sameAspects(step.after, image, ["existence", "type", "content", "mode"])) return;
  const written = await writeImage(work, step.temporary, step.after, ownerFor(work, step));
  work.inodes.set(step.n, String(written.ino));
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

const RECOVERIES: Readonly<Record<Phase, Recovery>> = {
  prepare: abandonInterrupted,
  commit: rollForward,
  rollback: rollBackFurther,
  applied: sweepAgain,
  aborted: sweepAgain,
  attention: sweepAgain,
  resolved: sweepAgain,
};
