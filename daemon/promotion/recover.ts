/**
 * Recovering: what another process began, and did not live to end, is completed forward or back.
 * Owns the way from a journal's row to the work that it describes; which way that goes is told by its phase, and for a
 * decided one by roll-forward.ts. Idempotent: it may itself be killed anywhere and run again.
 * INVARIANT: in doubt nothing of anybody's is touched; the operation closes as `attention` with an outcome per file.
 * Concurrency: under the workspace's lock, before any promotion of it.
 */
import { DiskError, openPlaces, type Places, type Tree } from "../disk/index.ts";
import type { OperationFileRow, OperationRow, Phase, Store } from "../store/index.ts";
import { aspectsOfStep, type Step, type StepKind } from "./plan.ts";
import type { Hooks } from "./request.ts";
import { rollForward } from "./roll-forward.ts";
import { abandon, rollBack } from "./rollback.ts";
import { sweep } from "./sweep.ts";
import type { Work } from "./work.ts";

interface RecoveryRequest extends Hooks {
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
    const places = openPlaces(request.tree.port, request.tree.openRoot);
    try {
      if (isRootGone(places)) return [];
      rows.push(await RECOVERIES[row.phase](resume(row, places, request), row));
    } finally {
      places.close();
    }
  }
  return rows;
}

function isRootGone(places: Places): boolean {
  try {
    places.directory("");
    return false;
  } catch (error) {
    if (error instanceof DiskError && error.kind === "RootGone") return true;
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
      undoes: row.undoes,
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
    kept: new Map(),
    changedAt: new Map(),
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

const RECOVERIES: Readonly<Record<Phase, Recovery>> = {
  prepare: abandonInterrupted,
  commit: rollForward,
  rollback: rollBackFurther,
  applied: sweepAgain,
  aborted: sweepAgain,
  attention: sweepAgain,
  resolved: sweepAgain,
};
