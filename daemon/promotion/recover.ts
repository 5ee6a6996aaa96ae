/**
 * Recovering: what another process began, and did not live to end, is completed forward or back.
 * Owns the way from a journal's row to the work that it describes; which way that goes is told by its phase, and for a
 * decided one by roll-forward.ts. Idempotent: it may itself be killed anywhere and run again.
 * INVARIANT: in doubt nothing of anybody's is touched; the operation closes as `attention` with an outcome per file.
 * Concurrency: under the workspace's lock, before any promotion of it.
 */
import { setImmediate as turn } from "node:timers/promises";
import { DiskError, openPlaces, type Places, type Tree } from "../disk/index.ts";
import type { OperationFileRow, OperationRow, Phase, Store } from "../store/index.ts";
import { aspectsOfStep, type Step, type StepKind } from "./plan.ts";
import type { Hooks } from "./request.ts";
import { rollForward } from "./roll-forward.ts";
import { abandon, rollBack } from "./rollback.ts";
import { remove, syncRemoved } from "./sweep.ts";
import type { Work } from "./work.ts";

interface RecoveryRequest extends Hooks {
  readonly workspace: string;
  readonly tree: Tree;
  readonly store: Store;
}

/**
 * Recovers every open journal of a workspace, oldest first, and resolves to their operations; those that are closed,
 * but for files of ours that may be left, come last and together.
 *
 * When the root is absent the journals stay open, and the answer is empty.
 * @throws what the disk or the store says when a way is blocked now; that journal stays open, to be tried again
 */
export async function recover(request: RecoveryRequest): Promise<OperationRow[]> {
  const open = request.store.operations.openJournals(request.workspace);
  const rows: OperationRow[] = [];
  for (const row of open) {
    const complete = COMPLETIONS[row.phase];
    if (!complete) continue;
    const completed = await withPlaces(request, (places) => complete(resume(row, places, request), row));
    if (!completed) return [];
    rows.push(completed);
  }
  const closed = open.filter(({ phase }) => !COMPLETIONS[phase]);
  if (closed.length === 0) return rows;
  const swept = await withPlaces(request, (places) => sweepAgain(closed, places, request));
  return swept ? [...rows, ...swept] : [];
}

/** Undefined where the root is absent. */
async function withPlaces<T>(
  { tree }: RecoveryRequest,
  work: (places: Places) => Promise<T>,
): Promise<T | undefined> {
  const places = openPlaces(tree.port, tree.openRoot);
  try {
    return isRootGone(places) ? undefined : await work(places);
  } finally {
    places.close();
  }
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

type Completion = (work: Work, row: OperationRow) => Promise<OperationRow>;

const INTERRUPTED = "iopiped stopped before the operation was complete.";

const abandonInterrupted: Completion = (work) => abandon(work, INTERRUPTED);

const rollBackFurther: Completion = (work, { error }) => rollBack(work, error as string);

/** What is left to do for a journal that was not closed. */
const COMPLETIONS: Partial<Readonly<Record<Phase, Completion>>> = {
  prepare: abandonInterrupted,
  commit: rollForward,
  rollback: rollBackFurther,
};

/** Closed, but files of ours may be left, or come back with a power cut. */
async function sweepAgain(
  rows: readonly OperationRow[],
  places: Places,
  request: RecoveryRequest,
): Promise<OperationRow[]> {
  const { operations } = request.store;
  const gone: Work[] = [];
  for (const row of rows) {
    const work = resume(row, places, request);
    if (await remove(work, row.phase !== "aborted")) gone.push(work);
    // Where nothing could be made durable for long, there are thousands.
    await turn();
  }
  if (await syncRemoved(gone)) operations.swept(gone);
  return rows.map(({ id }) => operations.require(id));
}
