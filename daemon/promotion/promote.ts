/**
 * Promoting: transitions become the tree's content, all of them or none, whatever happens meanwhile.
 * This file is the story; each sentence of it is a file: inspect, plan, prepare, decide, publish, finish; rollback when
 * something speaks against it, recover when the process did not live to the end.
 * Concurrency: one promotion a workspace at a time, recovery included; the caller holds the workspace's lock.
 * Durability: when it resolves, the outcome survives a power cut. Killed anywhere, `recover` completes it either way.
 */
import { IopipeError } from "../../protocol/wire/errors.ts";
import { openPlaces, type Places, temporaryMark } from "../disk/index.ts";
import type { OperationRow, Store } from "../store/index.ts";
import { compare, decide } from "./decide.ts";
import { toFault } from "./faults.ts";
import { finishAnyway } from "./finish.ts";
import { inspect } from "./inspect.ts";
import { type Plan, plan, type Step } from "./plan.ts";
import { journalOf, keepOldBytes, prepare } from "./prepare.ts";
import { publish } from "./publish.ts";
import type { PromotionRequest } from "./request.ts";
import { abandon, rollBack } from "./rollback.ts";
import type { Work } from "./work.ts";

/**
 * Promotes, and resolves to the operation: `applied`, or in `attention` where somebody edited a file of it while it was
 * being rolled back.
 *
 * @throws {IopipeError} Stale (with `files`), Conflict, HardLinked, NotAFile, PathEscape, PathProtected, NameTooLong,
 * RootGone, BlobNotFound, DiskFull, AccessDenied, ReadOnly, Busy, IoFailed, Cancelled: the tree is as it was. With
 * `data.operation` once there is a journal; with `data.unfinished` when the way back failed too and recovery has to
 * go on with it before anything else.
 */
export function promote(request: PromotionRequest, store: Store): Promise<OperationRow> {
  return withPlaces(request, async (places) => carryOut(await begin(request, store, places), request));
}

/**
 * The dry run: resolves where `promote` would begin, to the paths in the order of its steps. It reads the disk and
 * writes nothing, so what only a write shows (a full disk, a directory that nobody may write to) is not told.
 * @throws {IopipeError} what `promote` would refuse
 */
export function rehearse(request: PromotionRequest, store: Store): Promise<string[]> {
  return withPlaces(request, async (places) => {
    const { steps } = await planned(request, places);
    for (const step of steps) refuseWithoutBytes(step, store);
    return steps.map(({ path }) => path);
  });
}

async function withPlaces<T>(
  { tree: { port, openRoot } }: PromotionRequest,
  work: (places: Places) => Promise<T>,
): Promise<T> {
  const places = openPlaces(port, openRoot);
  try {
    return await work(places);
  } catch (error) {
    throw toFault(error);
  } finally {
    places.close();
  }
}

async function planned(request: PromotionRequest, places: Places): Promise<Plan> {
  const facts = await inspect(request, places);
  return plan(request.transitions, facts, { ...request, mark: temporaryMark() });
}

function refuseWithoutBytes({ kind, path, after: { type, hash } }: Step, { blobs }: Store): void {
  if (kind === "chmod" || type !== "file" || blobs.has(hash as string)) return;
  throw new IopipeError("BlobNotFound", `The content for '${path}' is not kept any more.`, {
    path,
    blob: hash,
  });
}

/** Everything up to the journal's first record; nothing is on disk yet. */
async function begin(request: PromotionRequest, store: Store, places: Places): Promise<Work> {
  const { tree } = request;
  const whole = await planned(request, places);
  await keepOldBytes(whole, request, store);
  const { id } = store.operations.begin(journalOf(request, whole));
  return {
    ...{ id, undoes: request.undoes, store, places, port: tree.port, hooks: request, recovering: false },
    ...whole,
    inodes: new Map(),
    snapshots: new Map(),
    kept: new Map(),
    changedAt: new Map(),
    published: new Set(),
    rescued: new Map(),
  };
}

async function carryOut(work: Work, request: PromotionRequest): Promise<OperationRow> {
  try {
    await prepare(work, request);
    await compare(work, request);
  } catch (error) {
    return back(work, error, abandon);
  }
  try {
    decide(work);
    await publish(work, work.steps, request.progress);
  } catch (error) {
    return back(work, error, rollBack);
  }
  request.progress?.("finish", work.steps.length, work.steps.length);
  return finishAnyway(work);
}

/** Takes the way back and throws the cause; returns the operation only when a person has to look at it. */
async function back(work: Work, cause: unknown, way: typeof rollBack): Promise<OperationRow> {
  const fault = toFault(cause);
  let row: OperationRow;
  try {
    row = await way(work, fault.message);
  } catch (error) {
    work.hooks.trouble?.(error, work.id);
    throw fault.with({ operation: work.id, unfinished: true });
  }
  if (row.phase === "attention") return row;
  throw fault.with({ operation: work.id });
}
