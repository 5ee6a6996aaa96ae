/**
 * The one table of what a patch's state may become. Everything that moves a patch goes through `assertLegal`.
 */
import type { DiscardReason, PatchState } from "../../protocol/methods/index.ts";
import { IopipeError } from "../../protocol/wire/errors.ts";

export interface PatchStanding {
  readonly state: PatchState;
  readonly reason?: DiscardReason | undefined;
}

const ANY_REASON = ["rejected", "stale", "superseded", "discarded", "expired", "undone"] as const;

interface Move {
  readonly from: PatchState;
  readonly to: PatchState;
  /** Reasons of the Discarded side of the move. */
  readonly reasons: readonly DiscardReason[];
}

const MOVES: readonly Move[] = [
  // Only by a committed operation.
  { from: "Pending", to: "Applied", reasons: [] },
  { from: "Pending", to: "Discarded", reasons: ["rejected", "stale", "superseded", "discarded", "expired"] },
  { from: "Applied", to: "Discarded", reasons: ["undone"] },
  // The undo was undone.
  { from: "Discarded", to: "Applied", reasons: ["undone"] },
  // Restored; or stale, and the base's bytes are back.
  { from: "Discarded", to: "Pending", reasons: ANY_REASON },
  // Settles a stale patch: restaged, or dropped.
  { from: "Discarded", to: "Discarded", reasons: ["stale"] },
];

/** Throws IopipeError (IllegalState) unless the table has the move. */
export function assertLegal(patch: string, from: PatchStanding, to: PatchStanding): void {
  const reason = from.reason ?? to.reason;
  const legal = MOVES.some(
    (move) =>
      move.from === from.state &&
      move.to === to.state &&
      (reason === undefined ? move.reasons.length === 0 : move.reasons.includes(reason)),
  );
  if (!legal) {
    throw new IopipeError(
      "IllegalState",
      `Patch ${patch} is ${describe(from)} and cannot become ${describe(to)}.`,
      {
        patch,
      },
    );
  }
}

function describe({ state, reason }: PatchStanding): string {
  return reason === undefined ? state : `${state} (${reason})`;
}
