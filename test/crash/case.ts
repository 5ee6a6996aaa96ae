/**
 * One point: a template, an action that meets something, perhaps a recovery that meets something too, then a restart
 * and the verdict.
 * Owns the order of these. What a stage is made of is slot.ts and power.ts; which points there are is sweeps.ts.
 */
import { restartAndCheck } from "./check.ts";
import type { Action, Answer } from "./driver.ts";
import type { Slot, Template } from "./slot.ts";
import type { Call, Injection } from "./strace.ts";
import { type Ended, runVictim } from "./victim.ts";

/** Runs an action of the driver's, or of another victim's, on a slot. */
type Act = (action: Action, injections: readonly Injection[], record: boolean) => Promise<Ended>;

/** Where points are tried, one after the other. */
export interface Stage {
  readonly slot: Slot;
  readonly act: Act;
  /** Makes a template that was put back durable. */
  settle?(): void;
  /** What happens to the machine after the last run, before the restart. */
  cut?(): void;
  /** Looks at the restart in a way of its own. */
  look?(from: Template): Promise<string[]>;
}

export interface Run {
  readonly action: Action;
  readonly injections: readonly Injection[];
}

export interface Case {
  readonly from: Template;
  readonly runs: readonly Run[];
}

export interface Result {
  readonly at: string;
  readonly violations: readonly string[];
  readonly debris: number;
  readonly sweptLate: boolean;
  /** Whether everything that the case asks for took place. */
  readonly took: boolean;
}

export const TEMPLATE_OF = { apply: "pending", undo: "applied" } as const;

/** The stage of a slot and the driver's bundle. */
export function driverStage(slot: Slot, driver: string, env?: Readonly<Record<string, string>>): Stage {
  const victim = { driver, ...slot, env };
  return { slot, act: (action, injections, record) => runVictim(victim, action, injections, record) };
}

/** Tries a case; again where a call was not met, as a whole daemon's calls are not the same in each run. */
export async function perform(stage: Stage, one: Case): Promise<Result> {
  let result = await attempt(stage, one);
  for (let tries = 1; !result.took && tries < TRIES; tries++) result = await attempt(stage, one);
  return result;
}

const TRIES = 3;

async function attempt(stage: Stage, one: Case): Promise<Result> {
  const at = describe(one);
  const nothing = { at, violations: [], debris: 0, sweptLate: false };
  try {
    const { answer, missed } = await runAll(stage, one);
    if (missed.length > 0) return { ...nothing, took: false };
    stage.cut?.();
    const looked = (await stage.look?.(one.from)) ?? [];
    const verdict = await restartAndCheck(stage.slot, one.from, answer);
    // There is always a way back from one error.
    const stuck = answer?.unfinished ? ["one error left the journal open"] : [];
    return { at, ...verdict, violations: [...looked, ...stuck, ...verdict.violations], took: true };
  } catch (error) {
    const violation = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { ...nothing, violations: [violation], took: true };
  }
}

async function runAll({ slot, act, settle }: Stage, { from, runs }: Case) {
  slot.reset(from);
  settle?.();
  const missed: Injection[] = [];
  let answer: Answer | undefined;
  for (const { action, injections } of runs) {
    const ended = await act(action, injections, false);
    missed.push(...ended.missed);
    answer = ended.answer;
  }
  // A recovery's answer is of another operation's making: only that of the action itself is held against the tree.
  return { answer: runs.length === 1 ? answer : undefined, missed };
}

/** The changing calls of the last run of a case, after what is injected into it. */
export async function callsOf({ slot, act }: Stage, { from, runs }: Case): Promise<readonly Call[]> {
  slot.reset(from);
  for (const { action, injections } of runs.slice(0, -1)) await act(action, injections, false);
  const last = runs.at(-1) as Run;
  return (await act(last.action, last.injections, true)).calls;
}

/** Does `work` for all items, as many at once as there are stages. */
export async function each<S, T, R>(
  stages: readonly S[],
  items: readonly T[],
  work: (stage: S, item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const left = items.entries();
  const worker = async (stage: S): Promise<void> => {
    for (const [at, item] of left) results[at] = await work(stage, item);
  };
  await Promise.all(stages.map(worker));
  return results;
}

function describe({ runs }: Case): string {
  const met = ({ what, thread, name, nth }: Injection): string => `${what} at ${thread} ${name} ${nth}`;
  return runs.map(({ action, injections }) => [action, ...injections.map(met)].join(", ")).join("; then ");
}
