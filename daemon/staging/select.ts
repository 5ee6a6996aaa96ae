/** Choosing a session's patches by id, as discard, restore, decide and examine take them. */
import { IopipeError } from "../../protocol/wire/errors.ts";
import type { PatchRow, SessionRow, Store } from "../store/index.ts";

/**
 * The patches with these ids, each once, in the order named.
 *
 * @throws {IopipeError} PatchNotFound where an id is unknown or another session's
 */
export function patchesNamed(store: Store, session: SessionRow, ids: readonly string[]): PatchRow[] {
  return [...new Set(ids)].map((id) => {
    const patch = store.patches.require(id);
    if (patch.session === session.id) return patch;
    throw new IopipeError("PatchNotFound", `There is no patch ${id} in session ${session.id}.`, {
      patch: id,
    });
  });
}

/** Pending, or stale and kept: what still wants to be settled. */
export function isUnsettled({ state, reason }: PatchRow): boolean {
  return state === "Pending" || reason === "stale";
}

/** @throws {IopipeError} IllegalState unless `patch` is pending */
export function assertPending({ id, path, state, reason }: PatchRow): void {
  if (state === "Pending") return;
  const standing = reason === undefined ? state : `${state} (${reason})`;
  throw new IopipeError("IllegalState", `Patch ${id} of ${path} is ${standing}, not Pending.`, {
    path,
    patch: id,
  });
}
