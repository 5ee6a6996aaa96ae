/**
 * Emphasis within changed lines: of a line that became another, the words that differ. Pure.
 * Only where as many lines came as went: else no line is known to have become another.
 */

/** A diff's line, and where the words begin and end that it does not share with its counterpart. */
export interface Emphasis {
  readonly start: number;
  readonly end: number;
}

/** Longer lines are not looked into: they are data, and nobody reads them word by word. */
const LONGEST = 1000;

/** By the number of each line of a unified diff: what of it to emphasise. */
export function emphasise(lines: readonly string[]): Map<number, Emphasis> {
  const found = new Map<number, Emphasis>();
  for (let at = 0; at < lines.length; at++) {
    const removed = runOf(lines, at, "-");
    const added = runOf(lines, at + removed, "+");
    if (removed > 0 && removed === added)
      for (let n = at; n < at + removed; n++) pair(lines, n, n + removed, found);
    at += Math.max(0, removed + added - 1);
  }
  return found;
}

function runOf(lines: readonly string[], from: number, prefix: string): number {
  let at = from;
  while (lines[at]?.startsWith(prefix) && !isName(lines, at)) at++;
  return at - from;
}

/** A file's name, not a removed or an added line: `--- ` is followed by `+++ ` and that by a hunk. */
function isName(lines: readonly string[], at: number): boolean {
  const isOld = (n: number) => lines[n]?.startsWith("--- ") && lines[n + 1]?.startsWith("+++ ");
  return (
    (isOld(at) && lines[at + 2]?.startsWith("@@")) ||
    (isOld(at - 1) && lines[at + 1]?.startsWith("@@")) ||
    false
  );
}

function pair(lines: readonly string[], old: number, now: number, found: Map<number, Emphasis>): void {
  const [before, after] = [lines[old] as string, lines[now] as string];
  if (before.length > LONGEST || after.length > LONGEST) return;
  const [a, b] = [wordsOf(before), wordsOf(after)];
  let same = 1;
  while (same < a.length && same < b.length && a[same] === b[same]) same++;
  let tail = 0;
  while (tail < a.length - same && tail < b.length - same && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  // Nothing in common: it did not become the other.
  if (same === 1 && tail === 0) return;
  for (const [line, words] of [
    [old, a],
    [now, b],
  ] as const) {
    const start = lengthOf(words.slice(0, same));
    const end = lengthOf(words.slice(0, words.length - tail));
    if (start < end) found.set(line, { start, end });
  }
}

/** The prefix, then words, blanks and single other characters. */
function wordsOf(line: string): string[] {
  return [line.slice(0, 1), ...(line.slice(1).match(/[\p{L}\p{N}_]+|\s+|[^\p{L}\p{N}_\s]/gu) ?? [])];
}

function lengthOf(words: readonly string[]): number {
  return words.reduce((sum, { length }) => sum + length, 0);
}
