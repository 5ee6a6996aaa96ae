/**
 * Finishing: all targets are durably published; what remains is ours.
 * INVARIANT: nothing that fails here makes the promotion fail. What could not be swept keeps its names in the journal,
 * what could not be recorded keeps the journal open; recovery repeats either, and the answer is `applied` all the same.
 */
import type { OperationRow } from "../store/index.ts";
import { withRescued } from "./rollback.ts";
import { sweep } from "./sweep.ts";
import type { Work } from "./work.ts";

/** Sweeps and closes the operation as `applied`. */
export async function finish(work: Work): Promise<OperationRow> {
  const swept = await sweep(work, true);
  return work.store.operations.close(work.id, { phase: "applied", swept, ...result(work) });
}

/** As `finish`, for an operation that somebody waits for: an unwritable record is not their failure. */
export async function finishAnyway(work: Work): Promise<OperationRow> {
  try {
    return await finish(work);
  } catch (error) {
    work.hooks.trouble?.(error, work.id);
    return { ...work.store.operations.require(work.id), phase: "applied" };
  }
}

function result(work: Work) {
  const files = work.steps.map(({ n }) => ({ n, outcome: "after" as const }));
  return {
    files: withRescued(work, files),
    madeDirectories: work.makes,
    removedDirectories: work.removes,
  };
}
