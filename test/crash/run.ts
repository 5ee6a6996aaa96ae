/**
 * `npm run test:crash`: kills, fails and cuts the power of real promotions at every system call that changes something,
 * restarts, and checks. Ends with a table, and with 1 where a point shows a violation, debris, or did not take place.
 *
 * `--quick` takes a sample of each sweep in about a minute, `--all` every point of each in hours; `--only NAME` runs the
 * sweeps whose names contain NAME. Random histories of a whole daemon come last; `--seed N` repeats those of a run.
 * Needs Linux and strace; power cuts need root, loop devices, mkfs and xfs_io. What cannot run here is said loudly.
 */
import { parseArgs } from "node:util";
import { each, perform, type Stage } from "./case.ts";
import { drawHistories } from "./events.ts";
import { live, newTally } from "./life.ts";
import { openPlaces, type Places } from "./places.ts";
import { PLAN, type Sweep } from "./plan.ts";
import { has } from "./power.ts";
import { complain, isGood, type Outcome, table } from "./report.ts";
import { STRACE } from "./strace.ts";
import type { Share } from "./sweeps.ts";

/** Points tried at once; each has its own directories and file systems. */
const AT_ONCE = 3;

async function run(sweep: Sweep, places: Places, share: Share): Promise<Outcome> {
  const { name, isControl = false } = sweep;
  const skipped = sweep.whyNot?.();
  if (skipped !== undefined) {
    console.log(`*** ${name}: SKIPPED, because ${skipped}. NOTHING OF IT WAS TRIED. ***`);
    return { name, isControl, skipped, results: [], seconds: 0 };
  }
  const started = Date.now();
  const stages: Stage[] = [];
  while (stages.length < AT_ONCE) stages.push(await sweep.stage(places));
  const results = await each(stages, await sweep.cases(stages, share), perform);
  return { name, isControl, results, seconds: (Date.now() - started) / 1000 };
}

/** Runs a sweep and says how it went; one that cannot even be set up is not good either. */
async function tryOut(sweep: Sweep, places: Places, share: Share): Promise<Outcome> {
  const outcome = await run(sweep, places, share).catch((error: unknown): Outcome => {
    console.log(error);
    return { name: sweep.name, isControl: false, results: [], seconds: 0 };
  });
  return tell(outcome);
}

function tell(outcome: Outcome): Outcome {
  const { name, results, seconds } = outcome;
  console.log(
    `${isGood(outcome) ? "ok    " : "NOT OK"}  ${name}: ${results.length} points in ${seconds.toFixed(0)} s`,
  );
  complain(outcome);
  return outcome;
}

const HISTORIES = "random histories of a whole daemon";

/** DESIGN.md's promises 1 to 5 under whatever fast-check draws. */
async function runHistories(places: Places, count: number, seed: number): Promise<Outcome> {
  const [started, tally] = [Date.now(), newTally()];
  console.log(`${HISTORIES}: ${count}, --seed ${seed}`);
  const workers = Array.from({ length: AT_ONCE }, () => undefined);
  const results = await each(workers, drawHistories(count, seed), (_, history) =>
    live(places.directory(), history, tally),
  );
  console.log(`${HISTORIES}: ${JSON.stringify(tally)}`);
  return { name: HISTORIES, isControl: false, results, seconds: (Date.now() - started) / 1000 };
}

async function main(): Promise<number> {
  const {
    quick,
    all,
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
  const shareOf = ({ full, sample }: Sweep): Share => (all ? [1] : quick ? sample : full);
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
    const outcomes: Outcome[] = [];
    for (const sweep of PLAN.filter(({ name }) => name.includes(only)))
      outcomes.push(await tryOut(sweep, places, shareOf(sweep)));
    if (HISTORIES.includes(only))
      outcomes.push(tell(await runHistories(places, quick ? 12 : 100, Number(seed))));
    console.log(`\n${table(outcomes)}`);
    return outcomes.length > 0 && outcomes.every(isGood) ? 0 : 1;
  } finally {
    places.clear();
  }
}

process.exitCode = await main();
