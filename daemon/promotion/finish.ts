/**
 * Finishing: all targets are durably published; what remains is ours.
 * INVARIANT: nothing that fails here makes the promotion fail. What could not be swept keeps its names in the journal,
 * what could not be recorded keeps the journal open; recovery repeats either, and the answer is `applied` all the same.
 */
import type { OperationRow } from "../store/index.ts";
import { withRescued } from "./rollback.ts";
import { remove, sweep } from "./sweep.ts";
import type { Work } from "./work.ts";

/** Sweeps and closes the operation as `applied`. */
export async function finish(work: Work): Promise<OperationRow> {
  return close(work, await sweep(work, true));
}

/**
 * As `finish`, for an operation that somebody waits for: an unwritable record is not their failure, and that our files
 * are gone for good need not be awaited. Their names stay in the journal until the next `recover`.
 */
export async function finishAnyway(work: Work): Promise<OperationRow> {
  await remove(work, true);
  try {
    return close(work, false);
  } catch (error) {
    work.hooks.trouble?.(error, work.id);
    return { ...work.store.operations.require(work.id), phase: "applied" };
  }
}

function close(work: Work, swept: boolean): OperationRow {
  const files = work.steps.map(({ n }) => ({ n, outcome: "after" as const }));
  return work.store.operations.close(work.id, {
    ...{ phase: "applied", swept },
    files: withRescued(work, files),
    madeDirectories: work.makes,
    removedDirectories: work.removes,
  });
}
