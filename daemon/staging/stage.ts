/**
 * Staging: changes become patches, all or none. Nothing under the root changes.
 * The order: resolve every change against the view, make all bytes durable blobs, count lines, then one transaction
 * that supersedes, inserts and announces. A crash before it leaves blobs that nobody names, and they are collected.
 * Concurrency: changes to one session are serialised by the caller; the watcher may move a patch meanwhile, which the
 * transaction takes into account.
 */
import type { Change } from "../../protocol/methods/index.ts";
import { inParallel, type Tree } from "../disk/index.ts";
import { newId, type PatchRow, type SessionRow, type Store } from "../store/index.ts";
import { announceStaged } from "./announce-staged.ts";
import type { Context } from "./changes/context.ts";
import { applyChange } from "./changes/index.ts";
import { glance, learn, syntaxOf, syntaxWarnings } from "./check-syntax.ts";
import type { Differ } from "./differ.ts";
import { patchEvent } from "./events.ts";
import { isFullReplace } from "./images.ts";
import { type NetEffect, netEffect, type Wanted } from "./net-effect.ts";
import { startPace } from "./pace.ts";
import { diffImages } from "./pairs.ts";
import { riskOf } from "./risk.ts";
import { markStale } from "./settle-stale.ts";
import type { Checker } from "./syntax/checker.ts";
import { openView, type View } from "./view.ts";

export interface StageOptions {
  readonly changes: readonly Change[];
  /** Where each stands in what was asked, for errors; default its own place. */
  readonly indexes?: readonly number[] | undefined;
  /** Whether the caller may use this blob as content. */
  readonly ownsBlob: (hash: string) => boolean;
  /** The client's name, for the events. */
  readonly by?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /**
   * Runs in the transaction that records the patches, and answers in their place. They are a reviewer's then: the session
   * stays as ready as it was.
   */
  readonly decide?: ((patches: readonly PatchRow[]) => PatchRow[]) | undefined;
}

export interface Staged {
  /** New ones, in order of each path's first change. */
  readonly patches: PatchRow[];
  readonly warnings: string[];
}

export interface Deps {
  readonly store: Store;
  readonly differ: Differ;
  readonly checker: Checker;
}

/**
 * Stages `changes` into `session`.
 *
 * @throws {IopipeError} of the change that failed, with `index` and `path`; nothing was staged
 */
export function stage(deps: Deps, session: SessionRow, tree: Tree, options: StageOptions): Promise<Staged> {
  return tree.held((held) => stageIn(deps, session, held, options));
}

async function stageIn(
  deps: Deps,
  session: SessionRow,
  tree: Tree,
  { changes, indexes, ownsBlob, by, signal, decide }: StageOptions,
): Promise<Staged> {
  const { store, checker } = deps;
  const view = openView(store, session, tree, signal);
  const pace = startPace(signal);
  const context: Context = {
    view,
    sizeOfBlob: (hash) => (ownsBlob(hash) ? store.blobs.size(hash) : undefined),
    warnings: [],
    pace,
  };
  await prefetch(view, changes);
  for (const [index, change] of changes.entries()) {
    await pace();
    await applyChange(context, change, indexes?.[index] ?? index);
  }
  const effect = await measureEffect(deps, view);
  const patches = store.transaction(() => {
    const rows = recordEffect(store, session, view, effect, by);
    if (decide) return decide(rows);
    if (rows.length + effect.superseded.length > 0) store.sessions.reopen(session.id);
    return rows;
  });
  // Of what took longer, the rows learn when it is known.
  void effect.looked.then(() => learn(deps, patches));
  const warnings = [...context.warnings, ...effect.warnings, ...syntaxWarnings(checker, patches)];
  return { patches, warnings };
}

/** Looks at many paths at once; the view keeps what it finds, and an error is met again by the change it concerns. */
async function prefetch(view: View, changes: readonly Change[]): Promise<void> {
  const paths = new Set(changes.flatMap((change) => ("path" in change ? change.path : [])));
  const pace = startPace();
  await inParallel([...paths], async (path) => {
    await pace();
    await view.baseOf(path).catch(() => undefined);
  });
}

export type Measured = Wanted &
  Pick<PatchRow, "added" | "removed" | "binary" | "fullReplace"> &
  Pick<PatchRow["findings"], "touched" | "syntax">;

/** A net effect that is ready to be recorded: its bytes are durable, its lines counted, its syntax looked at. */
export interface MeasuredEffect extends NetEffect {
  readonly wanted: Measured[];
  /** Resolves when the syntax of all is known; it may take longer than anybody waits. */
  readonly looked: Promise<unknown>;
}

export async function measureEffect(deps: Deps, view: View): Promise<MeasuredEffect> {
  const effect = await netEffect(view);
  await view.snapshots.flush();
  const [measured, { ended }] = await Promise.all([
    inParallel(effect.wanted, (wanted) => measure(deps, wanted)),
    glance(deps.checker, effect.wanted),
  ]);
  const wanted = measured.map((each) => ({ ...each, ...syntaxOf(deps.checker, each) }));
  return { ...effect, wanted, looked: ended };
}

export async function measure(deps: Deps, wanted: Wanted): Promise<Measured> {
  const { base, after } = wanted;
  const { added, removed, binary, touched } = await diffImages(
    deps,
    { before: base, after },
    { detail: "counts", context: 0 },
  );
  const fullReplace = isFullReplace(base, after);
  return { ...wanted, added, removed, binary, fullReplace, ...(touched && { touched }) };
}

/** Records what a view's changes come to as patches of `session`; inside a transaction. */
export function recordEffect(
  store: Store,
  session: SessionRow,
  view: View,
  { superseded, wanted }: MeasuredEffect,
  by: string | undefined,
): PatchRow[] {
  markStale(store, [...view.stale]);
  const staged = new Set(wanted.map(({ path }) => path));
  for (const patch of [...superseded, ...returnedTo(store, session, view, staged)]) {
    store.patches.move(patch.id, { state: "Discarded", reason: "superseded" });
    // Whose path gets another patch is told by that one's event.
    if (!staged.has(patch.path)) patchEvent(store, "patch/discarded", patch, by);
  }
  for (const patch of settleStaged(store, session, new Set([...view.touched, ...staged])))
    if (!staged.has(patch.path)) patchEvent(store, "patch/discarded", patch, by);
  const moved = movedContents(wanted);
  const rows = wanted.map((each) =>
    insertPatch(store, session, each, each.kind === "update" && moved.has(each.after.hash)),
  );
  announceStaged(store, rows, by);
  return rows;
}

/** What files that go leave to others: a rename over a file comes to a deletion here and an update there. */
function movedContents(wanted: readonly Measured[]): ReadonlySet<string | undefined> {
  const gone = wanted.filter(({ kind, base }) => kind === "delete" && base.size !== 0);
  return new Set(gone.flatMap(({ base }) => base.hash ?? []));
}

/** A new pending patch of `session`; inside a transaction. `movedOver`: its content is that of a file which goes. */
export function insertPatch(
  store: Store,
  session: SessionRow,
  { match, touched, syntax, ...patch }: Measured,
  movedOver = false,
): PatchRow {
  const ids = { id: newId("p"), session: session.id, workspace: session.workspace };
  const found = { ...(match && { match }), ...(touched && { touched }), ...(syntax && { syntax }) };
  const risk = riskOf({ ...patch, ...ids, ...found, movedOver }, session.scope);
  return store.patches.insert({ ...patch, ...ids, findings: { risk, ...found } });
}

/** Stale patches on `paths` that the watcher has made pending again since the view asked for them. */
function returnedTo(store: Store, session: SessionRow, view: View, paths: ReadonlySet<string>): PatchRow[] {
  const held = [...paths].flatMap((path) => store.patches.holding(session.id, path));
  const returned = held.filter((patch) => !view.hasSeen(patch));
  return [...new Map(returned.map((patch) => [patch.id, patch])).values()];
}

/** Restaging a path settles what was stale there, and gives it. */
function settleStaged(store: Store, session: SessionRow, paths: ReadonlySet<string>): PatchRow[] {
  const stale = store.patches
    .unsettledAt(session.workspace, [...paths])
    .filter((patch) => patch.reason === "stale" && patch.session === session.id);
  return stale.map(({ id }) => store.patches.move(id, { state: "Discarded", reason: "superseded" }));
}
