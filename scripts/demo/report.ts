/** The demo's voice: headings, coloured diffs and the table at the end. Colour only where the stream is a terminal. */
import { styleText } from "node:util";

type Style = Parameters<typeof styleText>[0];

const paint = (style: Style, text: string): string => styleText(style, text, { stream: process.stdout });

const DIFF_STYLES: readonly (readonly [RegExp, Style])[] = [
  [/^(diff|index|---|\+\+\+|new|deleted|old|rename|similarity)/, "bold"],
  [/^@@/, "cyan"],
  [/^\+/, "green"],
  [/^-/, "red"],
];

const timings: (readonly [step: string, ms: number])[] = [];

export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function heading(text: string): void {
  say(`\n${paint(["bold", "blue"], `▸ ${text}`)}`);
}

/** A fact that was just verified on disk. */
export function verified(text: string): void {
  say(`  ${paint("green", "✓")} ${text}`);
}

export function showDiff(diff: string): void {
  for (const line of diff.trimEnd().split("\n")) {
    const style = DIFF_STYLES.find(([pattern]) => pattern.test(line))?.[1];
    say(`  ${style ? paint(style, line) : line}`);
  }
}

/** Runs one step and keeps how long it took, for the table. */
export async function timed<T>(step: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const result = await work();
  timings.push([step, performance.now() - began]);
  return result;
}

/** Adds a time that was measured elsewhere. */
export function note(step: string, ms: number): void {
  timings.push([step, ms]);
}

export function table(): void {
  heading("What took how long");
  const width = Math.max(...timings.map(([step]) => step.length));
  for (const [step, ms] of timings) say(`  ${step.padEnd(width)}  ${ms.toFixed(1).padStart(8)} ms`);
}
