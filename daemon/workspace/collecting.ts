/**
 * Collecting now and then: clears what is kept no longer, soon after the start, then every hour, and when asked to.
 * Owns when, and in which order: sessions that their proposers have left expire, the store is gone through (store/collect/),
 * refs of cleared operations go. One pass runs at a time.
 * Concurrency: no lock of a workspace is held. The loop turns after each slice; a pass that nobody waits for also lets
 * work under way go first, for a while.
 * Failure: logged, and the next pass's to make good.
 */
import { setTimeout as delay, setImmediate as turnOfTheLoop } from "node:timers/promises";
import type { Staging } from "../staging/index.ts";
import type { Collected, Store } from "../store/index.ts";
import { deleteRefs, safetyRefs } from "./safety-refs.ts";
import { serial } from "./serial.ts";
import type { Workspaces } from "./workspaces.ts";

/** After the start: not while clients that have waited for it are served. */
const FIRST_MS = 10_000;
const EVERY_MS = 60 * 60 * 1000;
/** Rest after each slice of a pass that nobody waits for: it takes a fifth of the loop. */
const REST_MS = 16;
/** How long such a pass waits for work under way, in rests. */
const MOST_RESTS = 60;
/** Told by name; of more only how many they are. */
const MAX_TOLD = 200;

export interface Collector {
  /** One pass now, after the one under way. `signal` ends it after any slice. */
  collect(dryRun: boolean, signal: AbortSignal): Promise<Collection>;
  /** Ends the pass under way. */
  stop(): Promise<void>;
}

interface Collection {
  /** The first of each kind. */
  readonly items: readonly Collected[];
  /** By kind: how many, and their bytes. */
  readonly totals: Readonly<Record<string, { count: number; bytes: number }>>;
}

export interface CollectorParts {
  readonly store: Store;
  readonly staging: Staging;
  readonly workspaces: Workspaces;
  /** Sessions that are in use though nobody asks for them now. */
  readonly inUse: () => Iterable<string>;
  /** Between two passes that nobody asks for; 0: none. Default an hour. */
  readonly everyMs?: number | undefined;
  readonly log: { info(fields: object, message: string): void; error(fields: object, message: string): void };
}

type Rest = () => Promise<unknown>;
type Report = (one: Collected) => void;

export function startCollector(parts: CollectorParts): Collector {
  const { store, log, everyMs = EVERY_MS } = parts;
  const turn = serial();
  const stopping = new AbortController();

  const inPass = (dryRun: boolean, signal: AbortSignal, rest: Rest): Promise<Collection> =>
    turn(async () => {
      const began = performance.now();
      const tally = startTally();
      const resting = async (): Promise<void> => {
        signal.throwIfAborted();
        await rest();
      };
      await runPass(parts, { dryRun, report: tally.add, rest: resting, signal });
      if (!dryRun && tally.items.length > 0)
        log.info({ ms: Math.round(performance.now() - began), cleared: tally.totals }, "collected");
      return tally;
    }, signal);
  const byItself = async (): Promise<void> => {
    try {
      await inPass(false, stopping.signal, whileIdle(store));
    } catch (error) {
      if (!stopping.signal.aborted) log.error({ err: error }, "collecting failed");
    }
    schedule(everyMs);
  };
  let timer: NodeJS.Timeout | undefined;
  const schedule = (ms: number): void => {
    if (everyMs > 0 && !stopping.signal.aborted) timer = setTimeout(() => void byItself(), ms).unref();
  };
  schedule(Math.min(FIRST_MS, everyMs));

  return {
    collect: (dryRun, signal) => inPass(dryRun, AbortSignal.any([signal, stopping.signal]), turnOfTheLoop),
    stop: async () => {
      stopping.abort();
      clearTimeout(timer);
      await turn(async () => undefined);
    },
  };
}

/** Rests until nothing is under way that changes something, but for the pass itself; not for ever. */
function whileIdle({ holds }: Store): Rest {
  return async () => {
    for (let rests = 0; rests === 0 || (holds.working > 1 && rests < MOST_RESTS); rests++)
      await delay(REST_MS, undefined, { ref: false });
  };
}

interface Run {
  readonly dryRun: boolean;
  readonly report: Report;
  readonly rest: Rest;
  readonly signal: AbortSignal;
}

async function runPass(parts: CollectorParts, run: Run): Promise<void> {
  const { store } = parts;
  const { dryRun, report, rest } = run;
  await expireOrphans(parts, run);
  const cleared = new Set<string>();
  const noting: Report = (one) => {
    if (one.what === "operation") cleared.add(one.id);
    report(one);
  };
  for (const _ of store.collection.pass(dryRun, noting)) await rest();
  await dropRefs(parts, run, (id) => cleared.has(id) || store.collection.isCleared(id));
}

async function expireOrphans(
  { store, staging, inUse }: CollectorParts,
  { dryRun, report, rest }: Run,
): Promise<void> {
  const used = new Set(inUse());
  // With one commit.
  const renew = (): void => {
    for (const id of used) store.sessions.use(id);
  };
  if (!dryRun) store.essential(renew);
  for (const { id, workspace, title, updatedAt: since } of store.sessions.orphaned()) {
    if (used.has(id)) continue;
    if (!dryRun) for (const _ of staging.expire(id)) await rest();
    report({ what: "session", id, reason: "orphaned", workspace, ...(title && { title }), since });
    await rest();
  }
}

async function dropRefs(
  { workspaces }: CollectorParts,
  { dryRun, report, signal }: Run,
  isCleared: (operation: string) => boolean,
): Promise<void> {
  /** Two workspaces may lie in one repository. */
  const told = new Set<string>();
  for (const { id: workspace, root } of workspaces.list()) {
    signal.throwIfAborted();
    const refs = (await safetyRefs(root, signal)).filter(({ operation }) => isCleared(operation));
    if (refs.length === 0 || (!dryRun && !(await deleteRefs(root, refs, signal)))) continue;
    for (const { name } of refs)
      if (!told.has(name)) report({ what: "ref", id: name, reason: "cleared", workspace });
    for (const { name } of refs) told.add(name);
  }
}

function startTally(): { items: Collected[]; totals: Collection["totals"]; add: Report } {
  const items: Collected[] = [];
  const totals: Record<string, { count: number; bytes: number }> = {};
  const add: Report = (one) => {
    const { count, bytes } = totals[one.what] ?? { count: 0, bytes: 0 };
    totals[one.what] = { count: count + 1, bytes: bytes + (one.bytes ?? 0) };
    if (count < MAX_TOLD) items.push(one);
  };
  return { items, totals, add };
}
