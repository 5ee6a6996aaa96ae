/**
 * Collecting: one pass over all that is kept, which clears what the limits (limits.ts) keep no longer.
 * Owns the order. What an operation needs to be undone goes with its age, or, the oldest first, beyond the budget; its
 * patches go with it; discarded patches by their age, a session with its last patch; events by their age; content that
 * nothing names any more; files that no row names. Expiring pending work is staging's; when there is a pass is daemon/workspace's.
 * INVARIANT: nothing that is pending or stale goes, no operation that is open, needs attention or is undone by one that is
 * kept, and no workspace's newest one.
 * INVARIANT: references are counted by asking: content goes only where no patch and no operation that the pass has left
 * names it, and nobody has used it since the pass began, or the oldest work under way did (holds.ts).
 * Concurrency: a slice is one turn of the loop; between two of them anything may happen. What is decided in one is done
 * in the same turn.
 * Failure: each transaction leaves the store whole; what was not reached is the next pass's.
 */
import { removeBlobs, removeStrays } from "./content.ts";
import { removeEvents } from "./events.ts";
import { clearOperations } from "./operations.ts";
import { type Collected, type CollectionDeps, startPass } from "./pass.ts";
import { removePatches } from "./patches.ts";
import { prepareCollection } from "./sql.ts";

export interface Collection {
  /**
   * One pass, in slices of some milliseconds: the caller lets the loop turn between them, and may stop at any.
   * A dry run only reports.
   */
  pass(dryRun: boolean, report: (one: Collected) => void): Generator<void, void, void>;
  /** Whether an operation is known, and what is needed to undo it is not kept any more. */
  isCleared(operation: string): boolean;
}

export function openCollection(deps: CollectionDeps): Collection {
  const sql = prepareCollection(deps.db);
  const openedAt = Date.now();
  return {
    isCleared: (operation) => sql.phaseOf.get(operation) === "cleared",
    *pass(dryRun, report) {
      const end = deps.holds.begin();
      const pass = startPass(deps, { sql, openedAt, dryRun, report });
      try {
        yield* clearOperations(pass);
        yield* removePatches(pass);
        yield* removeEvents(pass);
        yield* removeBlobs(pass);
        yield* removeStrays(pass);
        dropUploads(deps, dryRun, report);
      } finally {
        end();
        deps.holds.forget();
      }
    },
  };
}

/** An upload between two chunks is not abandoned. */
const SHORTEST_IDLE_MS = 1000;

function dropUploads(
  { uploads, limits }: CollectionDeps,
  dryRun: boolean,
  report: (one: Collected) => void,
): void {
  for (const { upload, size } of uploads.idleFor(Math.max(limits.unnamedMs, SHORTEST_IDLE_MS))) {
    // What is left of its file goes at the next start.
    if (!dryRun) void uploads.drop(upload).catch(() => undefined);
    report({ what: "upload", id: upload, reason: "unnamed", bytes: size });
  }
}

export type { Collected } from "./pass.ts";
