/**
 * The demo's voice: headings, the diff, facts that were verified, and the table at the end.
 * Colour is the command line's: only on a terminal, never with NO_COLOR.
 */
import { colour, colourDiff } from "../../client/cli/output.ts";
import { visibleLines } from "../../client/cli/visible.ts";

const timings: (readonly [step: string, ms: number])[] = [];

// A reader that left early (`npm start | head`) has not seen every step verified.
process.stdout.once("error", () => process.exit(1));

export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function heading(text: string): void {
  say(`\n${colour(["bold", "blue"], `▸ ${text}`)}`);
}

/** A fact that was just verified. */
export function verified(text: string): void {
  say(`  ${colour("green", "✓")} ${text}`);
}

export function showDiff(diff: string): void {
  say(
    colourDiff(visibleLines(diff.trimEnd()))
      .split("\n")
      .map((line) => `  ${line}`)
      .join("\n"),
  );
}

export function ms(duration: number): string {
  return `${duration.toFixed(1).padStart(8)} ms`;
}

/** Runs one step and keeps how long it took, for the table. */
export async function timed<T>(step: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const result = await work();
  timings.push([step, performance.now() - began]);
  return result;
}

/** Adds a time that was measured elsewhere. */
export function note(step: string, duration: number): void {
  timings.push([step, duration]);
}

export function table(): void {
  heading("What took how long");
  const width = Math.max(...timings.map(([step]) => step.length));
  for (const [step, duration] of timings) say(`  ${step.padEnd(width)}  ${ms(duration)}`);
}
