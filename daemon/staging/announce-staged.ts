/** Telling of what was staged: each new patch, then to both sides what collides. Inside the caller's transaction. */
import type { PatchRow, Store } from "../store/index.ts";
import { type Conflict, conflictWith, rivalsOf } from "./conflicts.ts";
import { patchEvent } from "./events.ts";

/** Beside both sides of each new patch: more owners than any person works with; each event takes its time. */
const MAX_TOLD = 100;

/** Tells of new patches, and the owners of those that they collide with, of what is new to each. */
export function announceStaged(store: Store, patches: readonly PatchRow[], by: string | undefined): void {
  const rivals = rivalsOf(store, patches);
  const most = MAX_TOLD + 2 * patches.length;
  const told = new Map<PatchRow, Conflict[]>();
  for (const patch of patches)
    patchEvent(store, "patch/staged", patch, by, rivals.get(patch)?.map(conflictWith) ?? []);
  for (const [patch, list] of rivals) {
    told.set(patch, list.map(conflictWith));
    for (const { patch: other, ranges } of list)
      told.set(other, [...(told.get(other) ?? []), conflictWith({ patch, ranges })]);
  }
  for (const [patch, conflicts] of [...told].slice(0, most))
    patchEvent(store, "patch/conflict", patch, by, conflicts);
}
