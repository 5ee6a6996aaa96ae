/** One line for each kind of pairs: ours, the peers, the ratios; and whether we kept to what we set ourselves. */
import { percentile } from "../watch/statistics.ts";
import type { Beside } from "./beside.ts";

/** Times of the runs of one pair, ms. */
export interface Measured {
  readonly ours: readonly number[];
  /** The processor's. */
  readonly cpu: readonly number[];
  readonly git: readonly number[];
  readonly package: readonly number[];
}

const TARGET_MS = 50;
const NAME = 30;

/** Medians of the pairs' medians, but `worst`: the largest median of one pair, and `max`: the slowest run of all. */
export function printMeasured(what: string, measured: readonly Measured[], capMs: number): void {
  const medians = (of: keyof Measured) => measured.map(({ [of]: times }) => percentile(times, 50));
  const own = medians("ours");
  const [mine, git, other] = [own, medians("git"), medians("package")].map((times) =>
    percentile(times, 50),
  ) as [number, number, number];
  const worst = Math.max(...own);
  const columns = [
    `${ms(mine)} ms`,
    ...(measured.length > 1 ? [`worst ${ms(worst)}`] : []),
    `max ${ms(Math.max(...measured.flatMap(({ ours }) => ours)))}`,
    `cpu ${ms(percentile(medians("cpu"), 50))}`,
    `git ${ms(git)}`,
    `ratio ${(mine / git).toFixed(2)}`,
    `structuredPatch ${other >= capMs ? `>${capMs}` : ms(other)}`,
    `ratio ${other >= capMs ? "<" : ""}${(mine / other).toFixed(4)}`,
    worst < TARGET_MS ? "kept" : `MISSED ${TARGET_MS} ms`,
  ];
  process.stdout.write(`${what.padEnd(NAME)} ${columns.join("   ")}\n`);
}

export function printBeside({ atRest, meanwhile, diffs }: Beside): void {
  const kept = meanwhile < TARGET_MS ? "kept" : `MISSED ${TARGET_MS} ms`;
  process.stdout.write(
    `slowest daemon/status beside ${diffs} diffs ${ms(meanwhile)} ms   at rest ${ms(atRest)}   ${kept}\n`,
  );
}

const ms = (time: number): string => time.toFixed(1).padStart(7);
