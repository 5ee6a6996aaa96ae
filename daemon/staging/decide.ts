/**
 * Deciding: a reviewer approves patches or rejects them, with a note that the agent gets.
 * INVARIANT: a decision is about one patch's id, and so about one content; whatever replaces the patch is undecided.
 */
import type { CheckedParams } from "../../protocol/methods/index.ts";
import { IopipeError } from "../../protocol/wire/errors.ts";
import type { PatchRow, SessionRow, Store } from "../store/index.ts";
import { patchEvent } from "./events.ts";
import { assertPending, patchesNamed } from "./select.ts";

export type Decided = CheckedParams<"session/decide">["decisions"][number];

/**
 * Records all decisions or none; a rejected patch is Discarded.
 *
 * @returns the patches decided on, in order
 * @throws {IopipeError} PatchNotFound, IllegalState (with `index`); nothing was recorded
 */
export function decide(
  store: Store,
  session: SessionRow,
  decisions: readonly Decided[],
  by?: string,
): PatchRow[] {
  return store.transaction(() =>
    decisions.map((decided, index) => {
      try {
        return decideOne(store, session, decided, by);
      } catch (error) {
        throw error instanceof IopipeError ? error.with({ index }) : error;
      }
    }),
  );
}

function decideOne(store: Store, session: SessionRow, decided: Decided, by: string | undefined): PatchRow {
  const { decision, note } = decided;
  assertWhole(decided);
  const [patch] = patchesNamed(store, session, [decided.patch]) as [PatchRow];
  assertPending(patch);
  store.patches.decide(patch.id, decision, note);
  if (decision === "rejected") store.patches.move(patch.id, { state: "Discarded", reason: "rejected" });
  patchEvent(store, "session/decided", patch, by);
  if (decision === "rejected") patchEvent(store, "patch/discarded", patch, by);
  return store.patches.require(patch.id);
}

function assertWhole({ patch, hunks, change }: Decided): void {
  if (hunks === undefined && change === undefined) return;
  throw new IopipeError("IllegalState", `Patch ${patch} can only be decided on as a whole.`, {
    patch,
    hint: "Reject it with a note, and stage the wanted content into a session.",
  });
}
