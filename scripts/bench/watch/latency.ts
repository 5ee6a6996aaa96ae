/**
 * How long it takes until one write is reported, one at a time, under each load.
 * Every watcher has trees of its own and its turn in each round, so that none works while another is measured and a
 * machine that slows down slows all.
 */
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Load, Place } from "./loads.ts";
import { PROBE_FILES } from "./tree.ts";
import type { Watcher } from "./watcher.ts";

export interface Contender {
  readonly name: string;
  readonly watcher: Watcher;
  readonly place: Place;
}

export type Priority = keyof typeof PROBE_FILES;
export const PRIORITIES = Object.keys(PROBE_FILES) as Priority[];

/** Of one watcher under one load: the milliseconds of each write, Infinity for a lost one. */
export type Samples = Readonly<Record<Priority, number[]>>;

const TURN_WRITES = 40;
/** A turn ends after this long, however few its writes were: a slow watcher has fewer of them. */
const TURN_MS = 2500;
/** Between two writes, at random, so that no watcher's own rhythm is met or missed each time. */
const GAP_MS = { least: 5, most: 35 };
/** Until what a load left behind has been worked off. */
const CALM_MS = 300;

/** One row of samples for each contender, in their order. */
export async function measureLatency(
  load: Load,
  contenders: readonly Contender[],
  rounds: number,
): Promise<Samples[]> {
  const samples = contenders.map((): Samples => ({ HIGH: [], MED: [] }));
  for (let round = 0; round < rounds; round++)
    for (const [n, contender] of contenders.entries()) {
      const stop = load.start(contender.place);
      await turn(contender, samples[n] as Samples);
      await stop();
      await pause(CALM_MS);
      await write(contender, "MED", 0);
    }
  return samples;
}

async function turn(contender: Contender, samples: Samples): Promise<void> {
  await write(contender, "MED", 0);
  const until = performance.now() + TURN_MS;
  for (let n = 0; n < TURN_WRITES && performance.now() < until; n++) {
    const priority = PRIORITIES[n % PRIORITIES.length] as Priority;
    await pause(GAP_MS.least + Math.random() * (GAP_MS.most - GAP_MS.least));
    samples[priority].push(await write(contender, priority, 1 + Math.floor(n / PRIORITIES.length)));
  }
}

function write({ watcher, place }: Contender, priority: Priority, n: number): Promise<number> {
  const files = PROBE_FILES[priority];
  const path = join(place.root, files[n % files.length] as string);
  // One system call that changes something: no truncation that could be reported before the write.
  return watcher.notices(path, () => appendFileSync(path, "\n"));
}
