/**
 * Watching, beside other watchers: how soon one write is reported under six loads, how many never are, how long a
 * barrier takes, and what it costs to watch large trees.
 */
import { writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { withDaemon } from "../daemon.ts";
import { barrier } from "./barrier.ts";
import { OURS, startContenders } from "./contenders.ts";
import { measureLatency, type Samples } from "./latency.ts";
import { LOADS } from "./loads.ts";
import { plot } from "./plot.ts";
import { type Measured, printCosts, printLatency, printTargets } from "./report.ts";
import { measureCost } from "./scale.ts";

export interface WatchOptions {
  /** A round of each, to see that all of it works. */
  readonly quick: boolean;
  /** The largest tree too. */
  readonly large: boolean;
  /** Draws the latencies, and leaves out the large trees. */
  readonly plot: boolean;
}

const ROUNDS = { quick: 1, full: 10 };
const FILES = { quick: [1000], full: [10_000, 100_000], large: [10_000, 100_000, 200_000] };
const IDLE_MS = { quick: 2000, full: 60_000 };

/** Shown by the README. */
const PICTURE = join(import.meta.dirname, "latency.svg");

export async function watch(options: WatchOptions): Promise<void> {
  const extent = options.quick ? "quick" : "full";
  const measured = await latencies(ROUNDS[extent]);
  printTargets(measured, OURS);
  if (options.plot) {
    writeFileSync(PICTURE, plot(measured));
    process.stdout.write(`Written: ${relative(process.cwd(), PICTURE)}\n`);
    return;
  }
  await barrier();
  for (const files of FILES[options.large ? "large" : extent])
    printCosts(files, await measureCost(files, IDLE_MS[extent]));
}

function latencies(rounds: number): Promise<Measured[]> {
  return withDaemon(async (bench) => {
    const contenders = await startContenders(bench);
    const measured: Measured[] = [];
    for (const load of LOADS) {
      const samples = await measureLatency(load, contenders, rounds);
      const one = {
        load,
        samples: new Map(contenders.map(({ name }, n) => [name, samples[n] as Samples])),
      };
      measured.push(one);
      printLatency(one);
    }
    for (const { watcher } of contenders) await watcher.stop();
    return measured;
  });
}
