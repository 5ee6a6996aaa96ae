/**
 * Restoring: brings discarded patches back to Pending, while their base is on disk. Nothing on disk changes.
 * Invariant: a restored patch is undecided (what a reviewer said was said), and no two pending patches of a session
 * touch one path.
 */
import { IopipeError } from "../../protocol/wire/errors.ts";
import { inParallel, type Tree } from "../disk/index.ts";
import type { PatchRow, SessionRow, Store } from "../store/index.ts";
import { patchEvent } from "./events.ts";
import { type Goes, lookPast, removedBy } from "./removals.ts";
import { patchesNamed } from "./select.ts";
import { holderOf } from "./settle-stale.ts";
import { findStale, staleError } from "./stale.ts";

export interface RestoreOptions {
  readonly ids?: readonly string[] | undefined;
  readonly by?: string | undefined;
}

/**
 * Restores the patches named, all or none; else every discarded one that can be, superseded ones apart, newest first.
 *
 * @throws {IopipeError} Stale where a base is gone (unnamed: only when nothing could be restored), IllegalState where a
 * named patch is applied or its path is held by another pending one; nothing was restored
 */
export async function restore(
  store: Store,
  session: SessionRow,
  tree: Tree,
  { ids, by }: RestoreOptions,
): Promise<void> {
  const wanted = ids
    ? patchesNamed(store, session, ids).filter(({ state }) => state !== "Pending")
    : unnamed(store, session);
  wanted.forEach(assertDiscarded);
  let goes: Goes | undefined;
  const looks = lookPast(tree, tree, (path) => {
    goes ??= removedBy([...store.patches.ofSession(session.id, "Pending"), ...wanted]);
    return goes(path);
  });
  const found = await inParallel(wanted, (patch) => findStale(looks, patch));
  const stale = found.flat();
  const fit = wanted.filter((_, at) => found[at]?.length === 0);
  if (stale.length > 0 && (ids || fit.length === 0)) throw staleError(stale);
  store.transaction(() => {
    for (const patch of fit) bringBack(store, patch, { mustFit: ids !== undefined, by });
  });
}

function unnamed(store: Store, session: SessionRow): PatchRow[] {
  return store.patches
    .ofSession(session.id, "Discarded")
    .filter(({ reason }) => reason !== "superseded")
    .reverse();
}

function assertDiscarded({ id, path, state }: PatchRow): void {
  if (state === "Discarded") return;
  throw new IopipeError("IllegalState", `Patch ${id} of ${path} is ${state}, not Discarded.`, {
    path,
    patch: id,
  });
}

function bringBack(
  store: Store,
  patch: PatchRow,
  { mustFit, by }: { mustFit: boolean; by: string | undefined },
): void {
  // The watcher may have brought it back meanwhile.
  if (store.patches.require(patch.id).state === "Pending") return;
  const holder = holderOf(store, patch);
  if (holder && mustFit) {
    throw new IopipeError("IllegalState", `${patch.path} is held by the pending patch ${holder.id}.`, {
      path: patch.path,
      patch: patch.id,
      hint: "Discard that one first, or leave this one out.",
    });
  }
  if (holder) return;
  store.patches.move(patch.id, { state: "Pending" });
  store.patches.decide(patch.id, "undecided", undefined);
  patchEvent(store, "patch/pending", patch, by);
}
