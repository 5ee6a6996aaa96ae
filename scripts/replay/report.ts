/** What a replay says in the end. */
import { count } from "../../client/cli/output.ts";
import { visible } from "../../client/cli/visible.ts";
import type { Refusals } from "./refusals.ts";
import type { Commit } from "./repository.ts";
import type { Duration, Tally } from "./tally.ts";

/** Refused paths that are named, of each kind. */
const MOST_PATHS = 5;

export function printReport(commits: readonly Commit[], tally: Tally, refusals: Refusals): void {
  const [first, last] = [commits[0], commits.at(-1)].map((commit) => commit?.id.slice(0, 12));
  say(
    `${count(commits.length, "commit")} from ${first} to ${last}, ${count(tally.patches, "file")} changed:`,
  );
  for (const [kind, number] of tally.kinds) say(`  ${String(number).padStart(7)} ${kind}`);
  if (tally.submodules.size > 0) say(`${count(tally.submodules.size, "submodule")} left out`);
  const unshown = tally.unshown.map(({ id }) => id.slice(0, 12)).join(", ");
  if (unshown !== "") say(`too large to be shown as one diff: ${unshown}`);
  for (const [kind, paths] of refusals.byKind()) {
    const named = [...paths].slice(0, MOST_PATHS).map(visible).join(", ");
    say(`${count(paths.size, "path")} refused as ${kind}: ${named}${paths.size > MOST_PATHS ? ", …" : ""}`);
  }
  say("Time per commit (median, 95th percentile, slowest):");
  for (const [step, durations] of tally.durations) say(`  ${step.padEnd(6)}${inWords(durations)}`);
  say(`${count(tally.comparisons, "comparison")}, ${count(tally.mismatches, "mismatch", "mismatches")}`);
}

function inWords(durations: readonly Duration[]): string {
  const sorted = durations.toSorted((a, b) => a.ms - b.ms);
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] as Duration;
  const slowest = at(1);
  return `${ms(at(0.5).ms)}${ms(at(0.95).ms)}${ms(slowest.ms)} (${slowest.commit.id.slice(0, 12)})`;
}

const ms = (milliseconds: number): string => `${milliseconds.toFixed(1).padStart(10)} ms`;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
