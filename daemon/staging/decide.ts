/**
 * Deciding: a reviewer approves patches or rejects them, as they are, in some of their hunks or in an edited version, with
 * a note that the agent gets.
 * INVARIANT: a decision is about one patch's id, and so about one content; whatever replaces the patch is undecided,
 * but for what the reviewer's own hunks and edits replace it by, in the same transaction.
 */
import type { Change, CheckedParams } from "../../protocol/methods/index.ts";
import { IopipeError } from "../../protocol/wire/errors.ts";
import { ABSENT, aspectsOf, sameAspects, type Tree } from "../disk/index.ts";
import { now, type PatchRow, type SessionRow } from "../store/index.ts";
import { type Conflict, conflictsOf } from "./conflicts.ts";
import { patchEvent } from "./events.ts";
import { keepHunks } from "./keep-hunks.ts";
import { startPace } from "./pace.ts";
import { assertPending, patchesNamed } from "./select.ts";
import { type Deps, type StageOptions, stage } from "./stage.ts";
import { staleError } from "./stale.ts";

type Decided = CheckedParams<"session/decide">["decisions"][number];

export interface DecideOptions extends Pick<StageOptions, "by" | "ownsBlob" | "signal"> {
  readonly decisions: readonly Decided[];
}

/**
 * Records all decisions or none; a rejected patch is Discarded.
 *
 * @returns the patches decided on, in order; for hunks and edits those that they have made
 * @throws {IopipeError} PatchNotFound, IllegalState, InvalidParams, or of an edit that cannot be staged (with `index`);
 * nothing was recorded
 */
export async function decide(
  deps: Deps,
  session: SessionRow,
  tree: Tree,
  options: DecideOptions,
): Promise<PatchRow[]> {
  const { decisions, by } = options;
  const pace = startPace(options.signal);
  const seen = new Set<string>();
  const patches = await each(decisions, async (decided) => {
    await pace();
    const patch = pendingPatch(deps, session, decided);
    if (seen.has(patch.id)) throw invalid(patch, `${patch.path} is decided on twice.`);
    seen.add(patch.id);
    return patch;
  });
  const edits = await each(decisions, (decided, n) => editOf(deps, patches[n] as PatchRow, decided));
  const record = (staged: readonly PatchRow[]): PatchRow[] => {
    const rows = patches.map((patch, index) =>
      saying(index, () => (edits[index] ? madeOf(patch, staged) : patch)),
    );
    // Asked for once: there may be ten thousand.
    const conflicts = conflictsOf(deps.store, rows);
    return rows.map(({ id }, index) =>
      saying(index, () => recordOne(deps, id, decisions[index] as Decided, conflicts.get(id), by)),
    );
  };
  const changes = edits.filter((change) => change !== undefined);
  const indexes = edits.flatMap((change, index) => (change ? [index] : []));
  if (changes.length === 0) return deps.store.transaction(() => record([]));
  return (await stage(deps, session, tree, { ...options, changes, indexes, decide: record })).patches;
}

/** In order; an error says which. */
async function each<T>(
  decisions: readonly Decided[],
  work: (decided: Decided, index: number) => Promise<T>,
): Promise<T[]> {
  const results: T[] = [];
  for (const [index, decided] of decisions.entries())
    results.push(
      await work(decided, index).catch((error: unknown) => {
        throw indexed(error, index);
      }),
    );
  return results;
}

/** `work`'s result; an error says which decision it is about. */
function saying<T>(index: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw indexed(error, index);
  }
}

function indexed(error: unknown, index: number): unknown {
  return error instanceof IopipeError ? error.with({ index }) : error;
}

function pendingPatch({ store }: Deps, session: SessionRow, { patch: id }: Decided): PatchRow {
  const [patch] = patchesNamed(store, session, [id]) as [PatchRow];
  assertPending(patch);
  return patch;
}

/** The change that makes the version which was decided on; undefined for the patch as it is. */
async function editOf(deps: Deps, patch: PatchRow, decided: Decided): Promise<Change | undefined> {
  const { decision, hunks, change } = decided;
  if (hunks === undefined && change === undefined) return undefined;
  if (decision === "rejected") throw invalid(patch, `A rejection is of the patch as it is: ${patch.path}`);
  if (hunks !== undefined && change !== undefined)
    throw invalid(patch, `${patch.path}: give hunks or a change, not both.`);
  if (hunks !== undefined) return keepHunks(deps, patch, hunks);
  if (!change || !("path" in change) || change.path !== patch.path || change.kind === "rename")
    throw invalid(patch, `An edited version of ${patch.path} is a change of that path.`);
  return change;
}

/** @throws {IopipeError} Stale where somebody has edited the file below: what was looked at would undo that */
function madeOf({ path, id, base, after }: PatchRow, staged: readonly PatchRow[]): PatchRow {
  const made = staged.find((patch) => patch.path === path);
  const aspects = [...aspectsOf(base, ABSENT), ...aspectsOf(base, after)];
  if (made && !sameAspects(base, made.base, aspects))
    throw staleError([{ path, expected: base, actual: made.base, at: now() }]);
  if (made) return made;
  throw new IopipeError("IllegalState", `Nothing of ${path} would be left to apply.`, {
    path,
    patch: id,
    hint: "Reject the patch instead.",
  });
}

function recordOne(
  { store }: Deps,
  id: string,
  { decision, note }: Decided,
  conflicts: readonly Conflict[] = [],
  by: string | undefined,
): PatchRow {
  const patch = store.patches.require(id);
  // Whatever happened while edits were made: a decision is on what is pending.
  assertPending(patch);
  store.patches.decide(id, decision, note);
  if (decision === "rejected") store.patches.move(id, { state: "Discarded", reason: "rejected" });
  const isRejected = decision === "rejected";
  patchEvent(store, "session/decided", patch, by, isRejected ? [] : conflicts);
  if (isRejected) patchEvent(store, "patch/discarded", patch, by, []);
  return store.patches.require(id);
}

function invalid({ id, path }: PatchRow, fact: string): IopipeError {
  return new IopipeError("InvalidParams", fact, { path, patch: id });
}
