/**
 * Undoing into a session: the inverse of an operation, merged with later edits, as pending patches to be looked at like
 * any other.
 * Owns the way from the operation's files to what is proposed; merging is staging's.
 */
import type { Conflicted, Session } from "../../protocol/methods/index.ts";
import { IopipeError } from "../../protocol/wire/errors.ts";
import type { UndoPlan } from "../promotion/index.ts";
import { openSession, type PreparedMerge, type Proposal, sessionToWire } from "../staging/index.ts";
import type { OperationFileRow, OperationRow } from "../store/index.ts";
import type { Asking, House } from "./house.ts";
import type { OpenWorkspace } from "./opened.ts";

export interface StagedUndo {
  /** What the undo answers beside the session. */
  readonly report: {
    readonly reverted: string[];
    readonly skipped: { path: string; reason: string }[];
    readonly conflicted?: Conflicted[];
  };
  /** @throws {IopipeError} where nothing could be staged: Conflict for later edits, else IllegalState */
  refuse(): void;
  /** Opens the session. */
  open(): Session;
}

/** Merges the inverse of what `plan` is about with what is on disk; records nothing. */
export async function prepareStagedUndo(
  { store, staging }: House,
  { id: workspace, tree }: OpenWorkspace,
  operation: OperationRow,
  plan: UndoPlan,
  { by, signal }: Asking,
): Promise<StagedUndo> {
  const undone = new Set(plan.modified.flatMap(({ path, reason }) => (reason === "undone" ? path : [])));
  const paths = new Set([...plan.reverted, ...plan.modified.map(({ path }) => path)]);
  const files = operation.files.filter(({ path }) => paths.has(path) && !undone.has(path));
  const prepared = await staging.prepareMerge(tree, inverseOf(files), signal);
  const reverted = files.flatMap(({ path }) => (prepared.changed.has(path) ? path : []));
  const skipped = [...paths]
    .filter((path) => !prepared.changed.has(path))
    .map((path) => ({ path, reason: reasonFor(path, prepared, files) }));
  return {
    report: { reverted, skipped, ...(prepared.conflicted.length > 0 && { conflicted: prepared.conflicted }) },
    refuse: () => {
      if (reverted.length === 0) throw nothingToStage(operation, prepared.conflicted);
    },
    open: () =>
      store.transaction(() => {
        const title = `Undo ${operation.title || operation.id}`;
        const session = openSession(store, { workspace, title, role: "reviewer", by });
        prepared.record(session, by);
        return sessionToWire(store, session);
      }),
  };
}

/** A rename is two files of one patch: they go back as one. */
function inverseOf(files: readonly OperationFileRow[]): Proposal[] {
  const byPatch = (side: "before" | "after") =>
    new Map(files.flatMap((file) => (file.patch && !file[side].exists ? [[file.patch, file]] : [])));
  const [targets, sources] = [byPatch("before"), byPatch("after")];
  return files.flatMap((file) => {
    const { path, patch = "", before: after, after: base } = file;
    const [source, target] = [sources.get(patch), targets.get(patch)];
    if (!source || !target) return { path, base, after };
    return file === source ? { path, from: target.path, base: target.after, after } : [];
  });
}

/** Of a rename that collides the conflict names one path. What is as before already is undone, whoever did it. */
function reasonFor(path: string, { conflicted }: PreparedMerge, files: readonly OperationFileRow[]): string {
  if (conflicted.some((conflict) => conflict.path === path)) return "conflict";
  const patch = files.find((file) => file.path === path)?.patch;
  const partners = files.filter((file) => patch !== undefined && file.patch === patch);
  const collides = partners.some((file) => conflicted.some((conflict) => conflict.path === file.path));
  return collides ? "rename" : "undone";
}

function nothingToStage({ id }: OperationRow, conflicted: readonly Conflicted[]): IopipeError {
  const fact = `Nothing of operation ${id} can be staged for undo`;
  const [first] = conflicted;
  if (first === undefined) return new IopipeError("IllegalState", `${fact}.`, { operation: id });
  const paths = conflicted.map(({ path }) => path).join(", ");
  return new IopipeError("Conflict", `${fact}: later edits of ${paths} collide with it.`, {
    operation: id,
    path: first.path,
    regions: first.regions,
    conflicted,
    hint: "Edit what collides by hand; each conflict names three blobs.",
  });
}
