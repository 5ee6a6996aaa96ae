/**
 * Settling: the moves that follow from staleness, of patches whose base is gone from the disk, or back there.
 * Invariant: only Pending → Discarded (stale) and back happen here, each with its event in the same transaction.
 */
import { setImmediate as turnOfTheLoop, setTimeout as wait } from "node:timers/promises";
import { DiskError, inParallel, type Tree } from "../disk/index.ts";
import type { PatchRow, Store } from "../store/index.ts";
import { patchEvent } from "./events.ts";
import { type Goes, type Looks, lookPast, removedBy } from "./removals.ts";
import { findStale, pathsOf, SECOND_LOOK_MS } from "./stale.ts";

/** Patches moved in one transaction, so that no tree of them holds up the event loop. */
const MOVED_AT_ONCE = 100;

/** A patch whose base could not be looked at, and why. */
export interface Unseen {
  readonly patch: PatchRow;
  readonly error: unknown;
}

/** See Staging.settleStale. */
export async function settleStale(
  store: Store,
  tree: Tree,
  patches: readonly PatchRow[],
): Promise<readonly Unseen[]> {
  const unseen: Unseen[] = [];
  const looksFor = lookForSessions(store, tree);
  const turned = async (asked: readonly PatchRow[]): Promise<PatchRow[]> => {
    const found = await inParallel(asked, async (patch) => {
      try {
        return await hasTurned(tree, looksFor(patch), patch);
      } catch (error) {
        unseen.push({ patch, error });
        return false;
      }
    });
    return asked.filter((_, at) => found[at]);
  };
  const suspected = await turned(patches);
  if (suspected.length > 0) await wait(SECOND_LOOK_MS);
  const sure = await turned(suspected);
  for (let at = 0; at < sure.length; at += MOVED_AT_ONCE) {
    if (at > 0) await turnOfTheLoop();
    turnOver(store, sure.slice(at, at + MOVED_AT_ONCE));
  }
  return unseen;
}

/** Whether a pending patch's base is gone, or a stale one's is back. */
async function hasTurned(tree: Tree, looks: Looks, patch: PatchRow): Promise<boolean> {
  const isStale = (await findStale(looks, patch)).length > 0;
  if (isStale === (patch.reason === "stale")) return false;
  return !isStale || !(await leadsThroughLink(tree, patch));
}

/** Behind a link nobody looks for the base: what such a patch is told at its apply is PathEscape, not that it is stale. */
async function leadsThroughLink(tree: Tree, patch: PatchRow): Promise<boolean> {
  try {
    for (const path of pathsOf(patch)) await tree.entry(path);
    return false;
  } catch (error) {
    if (error instanceof DiskError && error.kind === "PathEscape") return true;
    throw error;
  }
}

/** Looks past what each patch's session removes, the stale ones of its removals too: these are told of by themselves. */
function lookForSessions(store: Store, tree: Tree): (patch: PatchRow) => Looks {
  const known = new Map<string, Goes>();
  return ({ session }) =>
    lookPast(tree, tree, (path) => {
      const goes = known.get(session) ?? removedBy(store.patches.unsettledOf(session));
      known.set(session, goes);
      return goes(path);
    });
}

function turnOver(store: Store, patches: readonly PatchRow[]): void {
  store.essential(() => {
    markStale(
      store,
      patches.filter(({ reason }) => reason !== "stale"),
    );
    for (const patch of patches) if (patch.reason === "stale") bringBack(store, patch);
  });
}

/** See Staging.markStale. */
export function markStale(store: Store, patches: readonly PatchRow[]): void {
  store.essential(() => {
    for (const { id } of patches) {
      // The row may have moved on since it was read: that move holds.
      const patch = store.patches.get(id);
      if (patch?.state !== "Pending") continue;
      store.patches.move(id, { state: "Discarded", reason: "stale" });
      patchEvent(store, "patch/stale", patch);
    }
  });
}

function bringBack(store: Store, { id }: PatchRow): void {
  const patch = store.patches.get(id);
  if (patch?.reason !== "stale" || holderOf(store, patch)) return;
  store.patches.move(id, { state: "Pending" });
  patchEvent(store, "patch/pending", patch);
}

/** The pending patch of the same session that touches one of `patch`'s paths, if there is one. */
export function holderOf(store: Store, patch: PatchRow): PatchRow | undefined {
  return pathsOf(patch)
    .flatMap((path) => store.patches.holding(patch.session, path))
    .find(({ id }) => id !== patch.id);
}
