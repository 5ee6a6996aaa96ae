/**
 * Sliding: where the lines around a run of changed lines repeat, the same change can be told of several places. Each run
 * goes where it meets a change of the other file, else as far down as it can, and joins the runs that it comes upon; so
 * an added function shows with its own closing brace, and two sides of a merge tell of the same change alike.
 * Invariant: what is not marked pairs up in order, line by equal line, before and after.
 * Source: the rule is git's (`git diff --no-indent-heuristic`), so that hunks lie where people expect them.
 */
import { type Lines, sameLine } from "./lines.ts";

/** Lines that runs of one file move by, in all: only contrived files come near. */
const MAX_MOVES = 2_000_000;

interface File {
  readonly lines: Lines;
  /** 1 for changed lines. */
  readonly marks: Uint8Array;
  /** Whether the other file has changed lines after so many of its unmarked ones. */
  readonly meets: Uint8Array;
}

/** Marked lines [start, end), as many as there are together, after `gap` unmarked ones. */
interface Run {
  start: number;
  end: number;
  gap: number;
  /** Left of the budget. */
  moves: number;
}

/** Slides the runs of `marks` over `lines`; the other file's marks stay as they are. */
export function slide(lines: Lines, marks: Uint8Array, otherMarks: Uint8Array): void {
  const file = { lines, marks, meets: gapsChanged(otherMarks) };
  const run = { start: 0, end: 0, gap: 0, moves: MAX_MOVES };
  while (toNext(file, run)) settle(file, run);
}

function gapsChanged(marks: Uint8Array): Uint8Array {
  const changed = new Uint8Array(marks.length + 1);
  let gap = 0;
  for (let n = 0; n < marks.length; n++) {
    if (marks[n] === 1) changed[gap] = 1;
    else gap++;
  }
  return changed;
}

function toNext({ marks }: File, run: Run): boolean {
  let at = run.end;
  while (at < marks.length && marks[at] === 0) at++;
  run.gap += at - run.end;
  run.start = at;
  while (marks[at] === 1) at++;
  run.end = at;
  return run.start < run.end;
}

function settle(file: File, run: Run): void {
  let met = -1;
  let size = 0;
  // What joins it on the way lets it go further.
  while (size !== run.end - run.start) {
    size = run.end - run.start;
    while (up(file, run));
    met = file.meets[run.gap] === 1 ? run.end : -1;
    while (down(file, run)) if (file.meets[run.gap] === 1) met = run.end;
  }
  if (met !== -1) while (run.end > met && up(file, run));
}

function up({ lines, marks }: File, run: Run): boolean {
  if (run.start === 0 || run.moves === 0 || !sameLine(lines, run.start - 1, lines, run.end - 1)) return false;
  marks[--run.start] = 1;
  marks[--run.end] = 0;
  run.gap--;
  run.moves--;
  while (marks[run.start - 1] === 1) run.start--;
  return true;
}

function down({ lines, marks }: File, run: Run): boolean {
  if (run.end === lines.count || run.moves === 0 || !sameLine(lines, run.start, lines, run.end)) return false;
  marks[run.start++] = 0;
  marks[run.end++] = 1;
  run.gap++;
  run.moves--;
  while (marks[run.end] === 1) run.end++;
  return true;
}
