/**
 * `npm run test:crash`: kills, fails and cuts the power of real promotions at every system call that changes something,
 * restarts, and checks. Ends with a table, and with 1 where a point shows a violation, debris, or did not take place.
 *
 * It ends within a quarter of an hour: what a machine that others use too does not come to by then is left out, and said.
 * `--quick` takes a sample of each sweep in about a minute, `--all` every point of each in hours; `--only NAME` runs the
 * sweeps whose names contain NAME. What is left to chance comes last; `--seed N` repeats the random histories of a run.
 * Needs Linux and strace; power cuts need root, loop devices, mkfs and xfs_io. What cannot run here is said loudly.
 */
import { parseArgs } from "node:util";
import { BUDGET_MS, type Fits, shareOut, spread } from "./budget.ts";
import { each, perform, type Result, type Stage } from "./case.ts";
import { AT_ONCE, CHANCES } from "./chances.ts";
import { openPlaces, type Places } from "./places.ts";
import { PLAN, type Sweep } from "./plan.ts";
import { has } from "./power.ts";
import { complain, isGood, isViolated, type Outcome, table } from "./report.ts";
import { STRACE } from "./strace.ts";
import type { Share } from "./sweeps.ts";

async function run(sweep: Sweep, places: Places, share: Share, fits: Fits): Promise<Outcome> {
  const { name, isControl = false } = sweep;
  const skipped = sweep.whyNot?.();
  if (skipped !== undefined) {
    console.log(`*** ${name}: SKIPPED, because ${skipped}. NOTHING OF IT WAS TRIED. ***`);
    return { name, isControl, skipped, results: [], left: 0, seconds: 0 };
  }
  const started = Date.now();
  const stages: Stage[] = [];
  while (stages.length < AT_ONCE) stages.push(await sweep.stage(places));
  const cases = spread(await sweep.cases(stages, share));
  const results: Result[] = [];
  // A control ends when it is found, whatever the time is.
  const isWanted = (): boolean => (isControl ? !results.some(isViolated) : fits());
  await each(stages, cases, async (stage, one) => {
    if (isWanted()) results.push(await perform(stage, one));
  });
  const left = isControl ? 0 : cases.length - results.length;
  return { name, isControl, results, left, seconds: (Date.now() - started) / 1000 };
}

/** Runs a sweep and says how it went; one that cannot even be set up is not good either. */
async function tryOut(sweep: Sweep, places: Places, share: Share, fits: Fits): Promise<Outcome> {
  const outcome = await run(sweep, places, share, fits).catch((error: unknown): Outcome => {
    console.log(error);
    return { name: sweep.name, isControl: false, results: [], left: 0, seconds: 0 };
  });
  return tell(outcome);
}

function tell(outcome: Outcome): Outcome {
  const { name, results, left, seconds } = outcome;
  const points = left === 0 ? `${results.length}` : `${results.length} of ${results.length + left}`;
  console.log(
    `${isGood(outcome) ? "ok    " : "NOT OK"}  ${name}: ${points} points in ${seconds.toFixed(0)} s`,
  );
  complain(outcome);
  return outcome;
}

interface Options {
  readonly quick: boolean;
  readonly all: boolean;
  readonly only: string;
  readonly seed: number;
}

async function tryAll(places: Places, { quick, all, only, seed }: Options): Promise<Outcome[]> {
  const plan = PLAN.filter(({ name }) => name.includes(only));
  const chances = CHANCES.filter(({ name }) => name.includes(only));
  const costs = [...plan, ...chances].map(({ cost }) => cost);
  const windows = shareOut(costs, all ? Number.POSITIVE_INFINITY : BUDGET_MS);
  const nextWindow = (): Fits => windows.shift() as Fits;
  const shareOf = ({ full, sample }: Sweep): Share => (all ? [1] : quick ? sample : full);

  const outcomes: Outcome[] = [];
  for (const sweep of plan) outcomes.push(await tryOut(sweep, places, shareOf(sweep), nextWindow()));
  for (const { name, run } of chances)
    outcomes.push(tell({ name, ...(await run(places, quick, seed, nextWindow())) }));
  return outcomes;
}

async function main(): Promise<number> {
  const {
    quick = false,
    all = false,
    only = "",
    seed = String(Date.now() % 1_000_000),
  } = parseArgs({
    options: {
      quick: { type: "boolean" },
      all: { type: "boolean" },
      only: { type: "string" },
      seed: { type: "string" },
    },
  }).values;
  if (!has(STRACE)) {
    console.log("*** strace is missing: nothing can be tried. ***");
    return 1;
  }
  const places = await openPlaces();
  const interrupted = (): never => {
    places.clear();
    process.exit(130);
  };
  process.once("SIGINT", interrupted).once("SIGTERM", interrupted);
  try {
    const outcomes = await tryAll(places, { quick, all, only, seed: Number(seed) });
    console.log(`\n${table(outcomes)}`);
    return outcomes.length > 0 && outcomes.every(isGood) ? 0 : 1;
  } finally {
    places.clear();
  }
}

process.exitCode = await main();
