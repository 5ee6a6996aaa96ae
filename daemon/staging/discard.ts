/**
 * Discarding: drops proposals; the disk is untouched. A purge also removes the rows, so that nothing can be restored;
 * their blobs are collected later. Applied and undone patches belong to their operation and stay: its undo can be undone.
 */
import { IopipeError } from "../../protocol/wire/errors.ts";
import type { PatchRow, SessionRow, Store } from "../store/index.ts";
import { patchEvent } from "./events.ts";
import { isUnsettled, patchesNamed } from "./select.ts";

export interface DiscardOptions {
  readonly ids?: readonly string[] | undefined;
  readonly purge?: boolean | undefined;
  readonly by?: string | undefined;
}

/**
 * Discards the patches named, else all pending and stale ones; one that is discarded already stays as it is.
 *
 * @throws {IopipeError} PatchNotFound, or IllegalState for one that is applied; nothing was discarded
 */
export function discard(store: Store, session: SessionRow, { ids, purge = false, by }: DiscardOptions): void {
  store.essential(() => {
    const patches = ids ? patchesNamed(store, session, ids) : unnamed(store, session, purge);
    for (const patch of patches) {
      assertNotApplied(patch);
      if (isUnsettled(patch)) {
        store.patches.move(patch.id, { state: "Discarded", reason: "discarded" });
        patchEvent(store, "patch/discarded", patch, by);
      }
      if (purge && patch.reason !== "undone") store.patches.remove(patch.id);
    }
  });
}

function unnamed({ patches }: Store, { id }: SessionRow, purge: boolean): PatchRow[] {
  return purge ? patches.ofSession(id).filter(({ state }) => state !== "Applied") : patches.unsettledOf(id);
}

function assertNotApplied({ id, path, state }: PatchRow): void {
  if (state !== "Applied") return;
  throw new IopipeError("IllegalState", `Patch ${id} of ${path} is applied.`, {
    path,
    patch: id,
    hint: "Take it back with operation/undo.",
  });
}
