/**
 * The dry run: what applying pending patches would do now, and everything that speaks against it. It reads the disk
 * and moves nothing. session/check shows it, an apply begins with it; ordering and collisions of steps are promotion's.
 * Invariant: transitions carry what the disk has wherever a patch changes nothing (an unchanged mode, an unchanged
 * content), so that they mean exactly the aspects that the patch was shown to change.
 */
import { IopipeError } from "../../protocol/wire/errors.ts";
import { FULL_REPLACE_BYTES } from "../../protocol/wire/limits.ts";
import { inParallel, type Tree } from "../disk/index.ts";
import type { PatchRow, SessionRow, Store } from "../store/index.ts";
import { type InvalidFile, invalidFiles } from "./check-syntax.ts";
import { faultAbout } from "./faults.ts";
import { assertOneLink } from "./hard-links.ts";
import { type Goes, isBelow, type Looks, lookPast, removedBy } from "./removals.ts";
import { assertPending, patchesNamed } from "./select.ts";
import { openSnapshots } from "./snapshots.ts";
import { findStale, pathsOf, type StaleFile } from "./stale.ts";
import type { Checker } from "./syntax/checker.ts";
import { type Transition, transitionsOf } from "./transitions.ts";

export interface Examination {
  /** What was selected, sorted by path. */
  readonly patches: PatchRow[];
  /** Those whose base is gone, seen now or before. */
  readonly stale: { readonly patch: PatchRow; readonly files: StaleFile[] }[];
  /** Whatever else would refuse the apply; ConfirmationRequired among them. */
  readonly problems: IopipeError[];
  /** Results that would not parse, as far as that is known (check-syntax.ts). */
  readonly invalid: InvalidFile[];
  /** Of the patches that are not stale. */
  readonly transitions: Transition[];
}

/**
 * Examines the patches named, else all that is pending.
 *
 * `signal` is heeded while large files are read.
 * @throws {IopipeError} PatchNotFound, IllegalState for a named patch that is neither pending nor stale
 */
export function examine(
  deps: Deps,
  session: SessionRow,
  tree: Tree,
  ids?: readonly string[],
  signal?: AbortSignal,
): Promise<Examination> {
  return tree.held((held) => examineIn(deps, session, held, ids, signal));
}

interface Deps {
  readonly store: Store;
  readonly checker: Checker;
}

async function examineIn(
  { store, checker }: Deps,
  session: SessionRow,
  tree: Tree,
  ids: readonly string[] | undefined,
  signal: AbortSignal | undefined,
): Promise<Examination> {
  const { patches, stale } = select(store, session, ids);
  const snapshots = openSnapshots(store, tree, signal);
  // What goes in the same apply is in nobody's way.
  const removed = removedBy(patches);
  const looks = lookPast(tree, { lstat: snapshots.image, image: snapshots.image }, removed);
  const verdicts = await inParallel(patches, (patch) => examineOne(tree, looks, patch, removed));
  // What one of them took for a problem of its own.
  signal?.throwIfAborted();
  await snapshots.flush();
  const before = await inParallel(stale, (patch) => alreadyStale(tree, patch));
  const transitions = verdicts.flatMap((verdict) => verdict.transitions ?? []);
  return {
    patches,
    stale: [...before, ...verdicts.flatMap((verdict) => verdict.stale ?? [])],
    problems: verdicts.flatMap(({ problem }) => problem ?? []),
    invalid: invalidFiles(checker, patches),
    transitions,
  };
}

/** The patches in question by path: what is pending, and apart from it what is stale already. */
function select(
  store: Store,
  session: SessionRow,
  ids: readonly string[] | undefined,
): { patches: PatchRow[]; stale: PatchRow[] } {
  const asked = ids ? patchesNamed(store, session, ids) : store.patches.unsettledOf(session.id);
  const stale = asked.filter(({ reason }) => reason === "stale");
  const patches = asked.filter(({ reason }) => reason !== "stale");
  patches.forEach(assertPending);
  return { patches: patches.toSorted((a, b) => (a.path < b.path ? -1 : 1)), stale };
}

/** What is there now instead of its base. Where that is back and nobody has settled it yet, both are the same. */
async function alreadyStale(tree: Tree, patch: PatchRow): Promise<Examination["stale"][number]> {
  const { from, path, base, updatedAt: at } = patch;
  try {
    const files = await findStale(tree, patch);
    if (files.length > 0) return { patch, files };
    return { patch, files: [{ path: from ?? path, expected: base, actual: base, at }] };
  } catch {
    // What cannot be looked at is no less stale.
    return { patch, files: [{ path: from ?? path, expected: base, at }] };
  }
}

/** What there is to say about one patch. */
interface Verdict {
  readonly stale?: Examination["stale"][number];
  readonly problem?: IopipeError;
  readonly transitions?: Transition[];
}

async function examineOne(tree: Tree, looks: Looks, patch: PatchRow, removed: Goes): Promise<Verdict> {
  try {
    // Looked up for what it throws: a path that now leads through a link.
    for (const path of pathsOf(patch)) if (!isBelow(removed, path)) await tree.entry(path);
    const files = await findStale(looks, patch);
    if (files.length > 0) return { stale: { patch, files } };
    const transitions = await transitionsOf(looks, patch);
    const problem = await problemOf(tree, patch);
    return { transitions, ...(problem && { problem }) };
  } catch (error) {
    return { problem: faultAbout(error, patch.path) };
  }
}

async function problemOf(tree: Tree, patch: PatchRow): Promise<IopipeError | undefined> {
  if (patch.fullReplace) return confirmationRequired(patch);
  if (patch.breakHardLinks || !patch.base.exists || !patch.after.exists) return undefined;
  try {
    await assertOneLink(tree, patch.from ?? patch.path);
    return undefined;
  } catch (error) {
    return faultAbout(error, patch.path);
  }
}

function confirmationRequired({ id, path, base, after }: PatchRow): IopipeError {
  const size = Math.max(base.size ?? 0, after.size ?? 0);
  return new IopipeError(
    "ConfirmationRequired",
    `${path} has ${size} bytes, more than the ${FULL_REPLACE_BYTES} up to which a file is replaced unasked.`,
    { path, patch: id },
  );
}
