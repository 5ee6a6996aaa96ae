/**
 * What the sweeps have shown: the worst points as they come, and the table at the end.
 * "Swept late": an answer was given while a file of ours, named in the journal, was still there, since sweeping it had
 * failed; the restart swept it.
 */
import type { Result } from "./case.ts";

export interface Outcome {
  readonly name: string;
  readonly results: readonly Result[];
  /** Points that there was no time for. */
  readonly left: number;
  readonly seconds: number;
  /** Why it was not run. */
  readonly skipped?: string | undefined;
  /** Violations are what it is for. */
  readonly isControl: boolean;
}

const SHOWN = 5;

export const isViolated = ({ violations }: Result): boolean => violations.length > 0;
const count = (results: readonly Result[], what: (result: Result) => boolean): number =>
  results.filter(what).length;

/** Whether the sweep shows what it should. One without any point shows nothing. */
export function isGood({ results, skipped, isControl }: Outcome): boolean {
  if (skipped !== undefined) return true;
  if (results.length === 0 || !results.every(({ took }) => took)) return false;
  return isControl ? results.some(isViolated) : !results.some(isViolated);
}

/** The first points that show what they should not. */
export function complain(outcome: Outcome): void {
  if (outcome.isControl) return;
  const bad = outcome.results.filter((result) => isViolated(result) || !result.took);
  for (const { at, violations, took } of bad.slice(0, SHOWN)) {
    console.log(`  ${at}`);
    for (const violation of took ? violations : ["did not take place"]) console.log(`    ${violation}`);
  }
  if (bad.length > SHOWN) console.log(`  … and ${bad.length - SHOWN} points more`);
}

export function table(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map(({ name, results, left, skipped, isControl, seconds }) => {
    const violations = `${count(results, isViolated)}${isControl ? " (wanted)" : ""}`;
    const debris = results.reduce((sum, result) => sum + result.debris, 0);
    const late = count(results, ({ sweptLate }) => sweptLate);
    const untaken = count(results, ({ took }) => !took);
    const cells = [results.length, left, violations, debris, late, untaken, seconds.toFixed(0)].map(String);
    return [name, ...(skipped === undefined ? cells : ["SKIPPED"])];
  });
  const real = outcomes.filter(({ isControl }) => !isControl);
  const run = real.flatMap(({ results }) => results);
  const left = real.reduce((sum, outcome) => sum + outcome.left, 0);
  const debris = run.reduce((sum, result) => sum + result.debris, 0);
  const total = [run.length, left, count(run, isViolated), debris, count(run, ({ sweptLate }) => sweptLate)];
  rows.unshift(["sweep", "points", "left out", "violations", "debris", "swept late", "not taken", "seconds"]);
  rows.push(["all but controls", ...[...total, count(run, ({ took }) => !took)].map(String)]);
  const widths = rows[0]?.map((_, at) => Math.max(...rows.map((row) => (row[at] ?? "").length))) ?? [];
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join("  ");
  return rows.map(line).join("\n");
}
