/**
 * Staging: what a session proposes, kept as patches in the store; nothing under a root changes here.
 * Owns the way from a change to a patch, what a session sees, diffs, the dry run, and every move of a patch that no
 * operation makes. Promotion makes the others (daemon/promotion).
 * Concurrency: changes to one session are serialised by the caller (daemon/workspace); reads may run beside them.
 * Failure: every function throws IopipeError (or disk's errors) and leaves the session as it was.
 */
import type { CheckedParams, Result } from "../../protocol/methods/index.ts";
import type { Tree } from "../disk/index.ts";
import type { PatchRow, SessionRow, Store } from "../store/index.ts";
import { checkSyntax } from "./check-syntax.ts";
import { type DecideOptions, decide } from "./decide.ts";
import { type DiffOptions, diffSession, type Pair, type Rendered, renderDiff } from "./diff.ts";
import { startDiffer, warmUp } from "./differ.ts";
import { discard } from "./discard.ts";
import { type Examination, examine } from "./examine.ts";
import { expire } from "./expire.ts";
import { listFiles } from "./list-files.ts";
import type { MergedOnto, Proposal } from "./merge/onto-disk.ts";
import { type PreparedMerge, prepareMerge } from "./merge/prepare.ts";
import { readFile } from "./read-file.ts";
import { type RebaseOptions, rebase } from "./rebase.ts";
import { restore } from "./restore.ts";
import { markStale, settleStale, type Unseen } from "./settle-stale.ts";
import { type Staged, type StageOptions, stage } from "./stage.ts";
import { submit } from "./submit.ts";
import { startChecker } from "./syntax/checker.ts";
import { type TakenOver, type TakeOverOptions, takeOver } from "./take-over/index.ts";
import { openView } from "./view.ts";

export interface Staging {
  /** Records changes as patches, all or none. `patches` are this call's, in order of their first change. */
  stage(session: SessionRow, tree: Tree, options: StageOptions): Promise<Staged>;
  /** Stages what stands in another tree, a layer's; what somebody else has changed too is stale. */
  takeOver(session: SessionRow, tree: Tree, options: TakeOverOptions): Promise<TakenOver>;
  readFile(session: SessionRow, tree: Tree, ask: CheckedParams<"file/read">): Promise<Result<"file/read">>;
  listFiles(session: SessionRow, tree: Tree, ask: CheckedParams<"file/list">): Promise<Result<"file/list">>;
  /** The pending patches as a diff, and their digest unless `paths` are named. */
  diffSession(session: SessionRow, options: DiffOptions): Promise<Result<"session/diff">>;
  /** Any pairs of images as a diff; images of files name blobs. @throws {IopipeError} TooLarge */
  renderDiff(pairs: readonly Pair[], options: DiffOptions): Promise<Rendered>;
  /** The dry run that session/check shows and an apply begins with; moves nothing. `ids`: default all that is pending. */
  examine(
    session: SessionRow,
    tree: Tree,
    ids?: readonly string[],
    signal?: AbortSignal,
  ): Promise<Examination>;
  /** Looks at what an apply of `ids` (default all that is pending) would write, so that an examination knows. */
  checkSyntax(session: SessionRow, ids?: readonly string[], signal?: AbortSignal): Promise<void>;
  submit(session: SessionRow, message: string | undefined, by?: string): void;
  /** `ids`: default all pending and stale patches (with `purge` all but the applied). */
  discard(
    session: SessionRow,
    options: { ids?: readonly string[] | undefined; purge?: boolean | undefined; by?: string | undefined },
  ): void;
  restore(
    session: SessionRow,
    tree: Tree,
    options: { ids?: readonly string[] | undefined; by?: string | undefined },
  ): Promise<void>;
  /** Merges stale patches onto what is on disk, as new pending ones that supersede them; what collides stays stale. */
  rebase(session: SessionRow, tree: Tree, options: RebaseOptions): Promise<MergedOnto>;
  /** Merges changes that were made on a base which may be gone onto what is on disk; records nothing yet. */
  prepareMerge(tree: Tree, proposals: readonly Proposal[], signal?: AbortSignal): Promise<PreparedMerge>;
  decide(session: SessionRow, tree: Tree, options: DecideOptions): Promise<PatchRow[]>;
  /** Discards what an orphaned session has pending, with its event, in slices between which the loop may turn. */
  expire(session: string): Generator<void>;
  /**
   * Compares the bases of pending and stale patches with the disk, and moves those of which both looks, 50 ms apart, say so.
   *
   * Not while a promotion of their workspace is under way: hold the write lock. Those that could not be looked at stay as
   * they are, and are answered when the others are settled.
   */
  settleStale(tree: Tree, patches: readonly PatchRow[]): Promise<readonly Unseen[]>;
  /** Discards patches as stale, with their events, in one transaction (what an apply saw). Others than pending stay. */
  markStale(patches: readonly PatchRow[]): void;
  /** The process that parses, while there is one. */
  readonly parserPid: number | undefined;
  /** Starts a diff worker and runs it in, so that the first diff is as quick as the next; needs no waiting for. */
  warm(): void;
  /** Ends the diff workers and the parser. */
  close(): Promise<void>;
}

/** `workers`: threads that compute diffs; they start at the first diff. */
export function createStaging({ store, workers = 2 }: { store: Store; workers?: number }): Staging {
  const differ = startDiffer({ workers });
  const checker = startChecker(store);
  const deps = { store, differ, checker };
  return {
    stage: (session, tree, options) => stage(deps, session, tree, options),
    takeOver: (session, tree, options) => takeOver(deps, session, tree, options),
    readFile: (session, tree, ask) => readFile(store, session, tree, ask),
    listFiles: (session, tree, ask) => listFiles(store, session, tree, ask),
    diffSession: (session, options) => diffSession(deps, session, options),
    renderDiff: (pairs, options) => renderDiff(deps, pairs, options),
    examine: (session, tree, ids, signal) => examine(deps, session, tree, ids, signal),
    checkSyntax: (session, ids, signal) => checkSyntax(deps, session, ids, signal),
    submit: (session, message, by) => submit(store, session, message, by),
    discard: (session, options) => discard(store, session, options),
    restore: (session, tree, options) => restore(store, session, tree, options),
    rebase: (session, tree, options) => rebase(deps, session, tree, options),
    prepareMerge: (tree, proposals, signal) =>
      tree.held((held) => prepareMerge(deps, openView(store, NO_SESSION, held, signal), proposals)),
    decide: (session, tree, options) => decide(deps, session, tree, options),
    expire: (session) => expire(store, session),
    settleStale: (tree, patches) => settleStale(store, tree, patches),
    markStale: (patches) => markStale(store, patches),
    get parserPid() {
      return checker.pid;
    },
    warm: () => void warmUp(differ).catch(() => undefined),
    close: async () => {
      await Promise.all([differ.close(), checker.close()]);
    },
  };
}

/** A view of it shows the disk alone. */
const NO_SESSION = { id: "" };

export { syntaxInvalid } from "./check-syntax.ts";
export type { Pair } from "./diff.ts";
export { digestOf } from "./digest.ts";
export type { Examination } from "./examine.ts";
export type { Proposal } from "./merge/onto-disk.ts";
export type { PreparedMerge } from "./merge/prepare.ts";
export { openSession } from "./open-session.ts";
export { startPace } from "./pace.ts";
export { MAX_DIFFED_BYTES } from "./pairs.ts";
export { isPolicy, POLICY_FILE } from "./risk.ts";
export type { Unseen } from "./settle-stale.ts";
export { pathsOf, staleError } from "./stale.ts";
export { sessionVerified } from "./verified.ts";
export { patchesToWire, sessionToWire, verdictToWire } from "./wire.ts";
