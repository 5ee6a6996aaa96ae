/**
 * The explorer: every state that a crash can leave a promotion in, recovered; every state that a crash can leave that
 * recovery in, recovered; and so on.
 * Owns the search, breadth first over distinct states. What a power cut leaves is crash.ts; what must hold is judge.ts.
 * A crash is a power cut (whatever was not fsynced may be lost) or a kill (nothing is lost, and nothing more is durable,
 * so that a later power cut may take it).
 */
import { createHash } from "node:crypto";
import type { Port } from "../../daemon/disk/index.ts";
import { recover } from "../../daemon/promotion/index.ts";
import type { Store } from "../../daemon/store/index.ts";
import { powerCut } from "./crash.ts";
import { collect, copyOf, type Disk, keyOf } from "./disk.ts";
import { judge, promised } from "./judge.ts";
import { observedPort, observedStore } from "./observed.ts";
import { type Scene, treeOn } from "./scene.ts";
import { type Journal, keyOfJournal, type ModelStore } from "./store.ts";

/** The promotion's seams with something left out, to see that the explorer finds it. */
export interface Broken {
  port?(port: Port): Port;
  store?(store: Store): Store;
}

/** How far crashes are followed: one entry for the first, one for the second, and so on. */
export type Limits = readonly {
  /** States after one call; where there are more, so many are drawn. */
  readonly bound: number;
  /** Of the distinct states, every so manieth is recovered. */
  readonly every?: number;
}[];

export interface State {
  readonly disk: Disk;
  readonly journal: Journal;
  /** Crashes until here. */
  readonly crashes: number;
  /** For messages: the call after which each crash came. */
  readonly history: string;
}

/** What a number of crashes came to. */
interface Depth {
  /** Combinations of what is kept and what is lost, over all calls. */
  possible: number;
  /** Those that were made. */
  made: number;
  /** Distinct states among them, also by fewer crashes. */
  states: number;
  recovered: number;
}

export interface Report {
  /** Calls of the promotion that change something. */
  steps: number;
  readonly depths: readonly Depth[];
  readonly violations: string[];
}

/** @param enough ends the search at so many violations */
export async function explore(
  model: ModelStore,
  scene: Scene,
  limits: Limits,
  broken: Broken = {},
  enough = Number.POSITIVE_INFINITY,
): Promise<Report> {
  const search = newSearch(limits);
  const { report } = search;
  const violated = (history: string, problems: readonly string[]): void => {
    for (const problem of problems) report.violations.push(`${scene.name}${history}: ${problem}`);
  };

  const first: State = { disk: copyOf(scene.disk), journal: scene.journal, crashes: 0, history: "" };
  const { wanted, calls } = await perform(model, scene, first, search, broken);
  report.steps = calls;
  violated("", judge(first.disk, wanted, model));
  for (const state of search.queue) {
    if (report.violations.length >= enough) break;
    const disk = copyOf(state.disk);
    await recoverState(model, { ...state, disk }, search, broken).then(
      () => violated(state.history, judge(disk, promised(scene, state.journal), model)),
      (error: Error) => violated(state.history, [`recovery threw ${error.stack}`]),
    );
  }
  return report;
}

/** Every state that one crash can leave the scene in. */
export async function crashStates(
  model: ModelStore,
  scene: Scene,
  bound: number,
  broken: Broken = {},
): Promise<readonly State[]> {
  const search = newSearch([{ bound }]);
  const first: State = { disk: copyOf(scene.disk), journal: scene.journal, crashes: 0, history: "" };
  await perform(model, scene, first, search, broken);
  return search.queue;
}

interface Search {
  readonly limits: Limits;
  readonly queue: State[];
  readonly report: Report & { readonly depths: Depth[] };
  add(state: State): void;
}

function newSearch(limits: Limits): Search {
  const seen = new Set<string>();
  const queue: State[] = [];
  const depths = limits.map((): Depth => ({ possible: 0, made: 0, states: 0, recovered: 0 }));
  const add = (state: State): void => {
    const hash = createHash("sha1").update(keyOf(state.disk)).update(keyOfJournal(state.journal));
    const key = hash.digest("base64");
    if (seen.has(key)) return;
    seen.add(key);
    const depth = depths[state.crashes - 1] as Depth;
    if (depth.states++ % (limits[state.crashes - 1]?.every ?? 1) !== 0) return;
    depth.recovered++;
    queue.push(state);
  };
  return { limits, queue, add, report: { steps: 0, depths, violations: [] } };
}

/** Runs the scene without a crash, noting what each crash would have left. */
async function perform(model: ModelStore, scene: Scene, state: State, search: Search, broken: Broken) {
  const seams = observe(model, state, search, broken);
  const port = (plain: Port): Port => seams.port(scene.fault?.(plain) ?? plain);
  const phase = await scene.run(treeOn(state.disk, port), seams.store).then(
    (row) => row.phase,
    () => "aborted",
  );
  return { wanted: phase === "applied" ? scene.after : scene.before, calls: seams.calls() };
}

/** Recovers the state, whose disk is changed, noting what each crash meanwhile would have left. */
export async function recoverState(
  model: ModelStore,
  state: State,
  search: Search | undefined,
  broken: Broken,
): Promise<void> {
  const { port, store } = observe(model, state, search, broken);
  await recover({ workspace: model.workspace, tree: treeOn(state.disk, port), store });
}

/** The seams of one process, which starts with the state's journal; after each call on them a crash is thought of. */
function observe(model: ModelStore, state: State, search: Search | undefined, broken: Broken) {
  model.restore(state.journal);
  let { journal } = state;
  let calls = 0;
  const called = (name: string): void => {
    calls++;
    if (search) crash(search, { ...state, journal, history: `${state.history}, ${calls} ${name}` });
  };
  const recorded = (name: string): void => {
    journal = model.journal();
    called(name);
  };
  return {
    port: (plain: Port) => observedPort(broken.port?.(plain) ?? plain, called),
    store: observedStore(broken.store?.(model.store) ?? model.store, recorded),
    calls: () => calls,
  };
}

/** Adds everything that a crash right now could leave. */
function crash({ limits, report, add }: Search, { disk, journal, crashes, history }: State): void {
  const limit = limits[crashes];
  const depth = report.depths[crashes];
  if (!limit || !depth) return;
  const { total, disks } = powerCut(disk, limit.bound);
  depth.possible += total;
  for (const lost of disks) {
    depth.made++;
    add({ disk: lost, journal, crashes: crashes + 1, history: `${history}, power cut` });
  }
  const kept = copyOf(disk);
  collect(kept);
  add({ disk: kept, journal, crashes: crashes + 1, history: `${history}, killed` });
}
