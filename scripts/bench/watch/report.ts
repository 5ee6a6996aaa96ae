/** The table of latencies: each watcher's percentiles, and ours in relation to them; then what we set ourselves. */

import { PRIORITIES, type Priority, type Samples } from "./latency.ts";
import type { Load } from "./loads.ts";
import type { Cost } from "./scale.ts";
import { lost, percentile } from "./statistics.ts";
import { LOST_MS } from "./watcher.ts";

/** Under one load: the samples by the watcher's name, ours first. */
export interface Measured {
  readonly load: Load;
  readonly samples: ReadonlyMap<string, Samples>;
}

const PERCENTS = [50, 95, 99];
const NAME = 38;
const NUMBER = 8;

export function printLatency({ load, samples }: Measured): void {
  for (const priority of PRIORITIES) {
    const [ours = []] = [...samples.values()].map((each) => each[priority]);
    line(`${load.name}, ${priority}`, ["writes", "p50", "p95", "p99", "lost", "ratio: p50", "p95", "p99"]);
    for (const [name, { [priority]: times }] of samples) {
      const own = PERCENTS.map((percent) => percentile(times, percent));
      const ratios = PERCENTS.map((percent, n) => percentile(ours, percent) / (own[n] as number));
      line(`  ${name}`, [
        `${times.length}`,
        ...own.map(ms),
        `${lost(times)}`,
        ...(times === ours ? [] : ratios.map((ratio) => (Number.isFinite(ratio) ? ratio.toFixed(2) : "-"))),
      ]);
    }
  }
}

interface Target {
  readonly priority: Priority;
  readonly percent: number;
  readonly says: string;
  /** The most that it may be, by what chokidar took; undefined where it does not apply. */
  most(chokidar: number, load: Load): number | undefined;
}

const SLOWER_MS = 5;
const SATURATED = 1.5;

const beside = (priority: Priority): Target => ({
  ...{ priority, percent: 50, says: `chokidar's and ${SLOWER_MS} ms` },
  most: (chokidar, { saturates }) => (saturates ? undefined : chokidar + SLOWER_MS),
});
const saturated = (priority: Priority, percent: number): Target => ({
  ...{ priority, percent, says: `${SATURATED} times chokidar's` },
  most: (chokidar, { saturates }) => (saturates ? chokidar * SATURATED : undefined),
});

const TARGETS: readonly Target[] = [
  { priority: "HIGH", percent: 99, says: "25 ms", most: (_, { saturates }) => (saturates ? undefined : 25) },
  { priority: "MED", percent: 95, says: "50 ms", most: (_, { saturates }) => (saturates ? undefined : 50) },
  ...PRIORITIES.map(beside),
  ...PRIORITIES.map((priority) => saturated(priority, 50)),
];

/** Says of each target whether it was kept; the times are this machine's, so nothing fails by it. */
export function printTargets(measured: readonly Measured[], ours: string): void {
  for (const { load, samples } of measured)
    for (const { priority, percent, says, most } of TARGETS) {
      const of = (name: string) => percentile(samples.get(name)?.[priority] ?? [], percent);
      const limit = most(of("chokidar"), load);
      if (limit === undefined || Number.isNaN(limit)) continue;
      const kept = of(ours) <= limit ? "kept  " : "MISSED";
      process.stdout.write(
        `${kept}  ${load.name}: ${priority} p${percent} ${ms(of(ours))} ms, at most ${says} (${ms(limit)} ms)\n`,
      );
    }
}

function line(name: string, columns: readonly string[]): void {
  process.stdout.write(`${name.padEnd(NAME)}${columns.map((text) => text.padStart(NUMBER)).join(" ")}\n`);
}

const ms = (time: number): string => (time > LOST_MS ? `>${LOST_MS}` : time.toFixed(1));

const MiB = 1024 * 1024;
const MOST_IDLE_PERCENT = 0.5;
const MOST_BYTES = 250 * MiB;

/** What watching `files` files costs each, and ours in relation to it. */
export function printCosts(files: number, costs: readonly Cost[]): void {
  const [ours] = costs;
  line(`${files.toLocaleString("en")} files`, ["ready", "ratio", "memory", "ratio", "idle"]);
  for (const cost of costs) {
    line(`  ${cost.name}`, [
      `${(cost.startMs / 1000).toFixed(2)} s`,
      ratio(ours?.startMs, cost.startMs),
      cost.rssBytes === undefined ? "-" : `${(cost.rssBytes / MiB).toFixed(0)} MiB`,
      ratio(ours?.rssBytes, cost.rssBytes),
      cost.idlePercent === undefined ? "-" : `${cost.idlePercent.toFixed(2)} %`,
    ]);
  }
  const { idlePercent, rssBytes } = ours ?? {};
  if (idlePercent === undefined || rssBytes === undefined) return;
  const kept = (is: boolean): string => (is ? "kept  " : "MISSED");
  process.stdout.write(
    `${kept(idlePercent < MOST_IDLE_PERCENT)}  idle under ${MOST_IDLE_PERCENT} % of a core\n` +
      `${kept(rssBytes < MOST_BYTES)}  memory under ${MOST_BYTES / MiB} MiB, daemon and child together\n`,
  );
}

function ratio(ours: number | undefined, theirs: number | undefined): string {
  return ours === undefined || theirs === undefined ? "-" : (ours / theirs).toFixed(2);
}
