/**
 * Staleness: whether what a patch was made on is still on disk, and the moves that follow from it.
 * Compared are the aspects that the patch changes, by content; an mtime decides nothing.
 * Invariant: only Pending → Discarded (stale) and back happen here, each with its event in the same transaction.
 * Source: PROTOCOL.md, "Stale".
 */
import { setImmediate as turnOfTheLoop, setTimeout as wait } from "node:timers/promises";
import type { Image } from "../../protocol/methods/index.ts";
import { IopipeError } from "../../protocol/wire/errors.ts";
import {
  ABSENT,
  type Aspect,
  aspectsOf,
  DiskError,
  inParallel,
  sameAspects,
  type Tree,
} from "../disk/index.ts";
import { now, type PatchRow, type Store } from "../store/index.ts";
import { patchEvent } from "./events.ts";
import { type Goes, type Looks, lookPast, removedBy } from "./removals.ts";

/** Between two looks: longer than an editor takes to save in place. PROTOCOL.md, "Stale". */
const SECOND_LOOK_MS = 50;

/** One path that a patch needs in a certain shape. */
interface Expectation {
  readonly path: string;
  readonly expected: Image;
  readonly aspects: readonly Aspect[];
}

/** What an error of kind Stale carries for a path. `actual` is absent where something else than a file is there. */
export interface StaleFile {
  readonly path: string;
  readonly expected: Image;
  readonly actual?: Image;
  /** When it was seen. */
  readonly at: string;
}

/** A rename needs two places: its file whole, since that is removed, and nobody at its new path. */
function expectationsOf({ path, from, base, after }: PatchRow): Expectation[] {
  if (from === undefined) return [{ path, expected: base, aspects: aspectsOf(base, after) }];
  const aspects = [...new Set([...aspectsOf(base, ABSENT), ...aspectsOf(base, after)])];
  return [
    { path: from, expected: base, aspects },
    { path, expected: ABSENT, aspects: aspectsOf(ABSENT, after) },
  ];
}

/** Where the disk differs from what `patch` was made on; empty when it can be applied. */
export async function findStale(looks: Looks, patch: PatchRow): Promise<StaleFile[]> {
  const stale: StaleFile[] = [];
  for (const { path, expected, aspects } of expectationsOf(patch)) {
    const actual = await observe(looks, path, expected);
    if (actual && sameAspects(expected, actual, aspects)) continue;
    stale.push({ path, expected, ...(actual && { actual }), at: now() });
  }
  return stale;
}

/** The image at `path`, hashed where there is a hash to compare with; undefined where no file or link can be. */
async function observe(looks: Looks, path: string, expected: Image): Promise<Image | undefined> {
  try {
    return expected.hash === undefined ? await looks.lstat(path) : await looks.image(path);
  } catch (error) {
    if (error instanceof DiskError && error.kind === "NotAFile") return undefined;
    if (!(error instanceof DiskError && error.kind === "PathEscape")) throw error;
    // Behind a link nothing of ours can be; whether that link may be there is the examiner's question.
    return expected.exists ? undefined : ABSENT;
  }
}

/** As `findStale`, but looks twice, so that a file caught in the middle of being saved does not count. */
export async function findStaleTwice(looks: Looks, patch: PatchRow): Promise<StaleFile[]> {
  const first = await findStale(looks, patch);
  if (first.length === 0) return first;
  await wait(SECOND_LOOK_MS);
  return findStale(looks, patch);
}

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

/** The paths that applying `patch` changes. */
export function pathsOf({ path, from }: PatchRow): string[] {
  return from === undefined ? [path] : [from, path];
}

/** An error of kind Stale about `files`; `extra` may carry more. */
export function staleError(
  files: readonly StaleFile[],
  extra: Readonly<Record<string, unknown>> = {},
): IopipeError {
  const paths = files.map(({ path }) => path);
  const named =
    paths.length > 3 ? `${paths.slice(0, 3).join(", ")} and ${paths.length - 3} more` : paths.join(", ");
  const [path] = paths;
  return new IopipeError("Stale", `The content on disk is not what the patch was made on: ${named}`, {
    ...(paths.length === 1 && { path }),
    files,
    ...extra,
  });
}
