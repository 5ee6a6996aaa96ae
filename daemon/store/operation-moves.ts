/**
 * What a closed operation makes of the patches that it concerns.
 * Pure but for looking up what an undo undid. Which moves are legal at all is moves.ts.
 */
import type { PatchStanding } from "./moves.ts";
import type { OperationRow, Outcome } from "./operation-row.ts";
import type { RawOperation } from "./operation-sql.ts";

type Standing = PatchStanding & { readonly operation?: string };

/** What a closed operation makes of the patches it concerns; a patch of several files moves when all are after. */
export function standings(
  row: OperationRow,
  operations: { get(id: string): RawOperation | undefined },
): Map<string, Standing> {
  const outcomes = new Map<string, (Outcome | undefined)[]>();
  for (const { patch, outcome } of row.files)
    if (patch !== undefined) outcomes.set(patch, [...(outcomes.get(patch) ?? []), outcome]);
  const moves = new Map<string, Standing>();
  const after = standingAfter(row, operations);
  for (const [patch, seen] of outcomes) {
    if (seen.every((outcome) => outcome === "after")) moves.set(patch, after);
    else if (row.kind === "apply" && seen.includes("foreign"))
      moves.set(patch, { state: "Discarded", reason: "stale" });
  }
  return moves;
}

/** An apply applies; its undo takes back; the undo of that applies again, and so on. */
function standingAfter(
  row: OperationRow,
  operations: { get(id: string): RawOperation | undefined },
): Standing {
  let undone = false;
  let first = row.id;
  for (let at = row.undoes; at !== undefined; at = operations.get(at)?.undoes ?? undefined) {
    undone = !undone;
    first = at;
  }
  return undone ? { state: "Discarded", reason: "undone" } : { state: "Applied", operation: first };
}
