/**
 * The line differ: which lines of one file became which of another. Exact always, minimal where its budget allows.
 * Lines at both ends that are equal are left out first, then lines that the other side does not have at all (which
 * makes a total rewrite linear); what is left goes to Myers' algorithm, or becomes one coarse replacement.
 * Deterministic: budgets count lines, bytes and edits, never time.
 */
import { FULL_REPLACE_BYTES } from "../../../protocol/wire/limits.ts";
import { type Lines, line, sameLine } from "./lines.ts";
import { matchSequences } from "./myers.ts";

/** Files with more lines are not compared line by line: numbering them alone would take longer than the budget. */
const MAX_LINES = 100_000;

/** Lines [oldStart, oldEnd) became lines [newStart, newEnd); 0-based. */
export interface Change {
  readonly oldStart: number;
  readonly oldEnd: number;
  readonly newStart: number;
  readonly newEnd: number;
}

export interface Changes {
  /** Ascending, never touching each other. */
  readonly changes: Change[];
  /** The differ gave up on detail. */
  readonly coarse: boolean;
}

/** `coarse` asks for a coarse answer at once. */
export function diffLines(old: Lines, now: Lines, { coarse = false } = {}): Changes {
  const middle = trim(old, now);
  const { oldStart, oldEnd, newStart, newEnd } = middle;
  if (oldStart === oldEnd && newStart === newEnd) return { changes: [], coarse: false };
  if (oldStart === oldEnd || newStart === newEnd) return { changes: [middle], coarse: false };
  if (coarse || isLarge(old) || isLarge(now)) return { changes: [middle], coarse: true };
  const pairs = matchLines(old, now, middle);
  return pairs ? { changes: gaps(pairs, middle), coarse: false } : { changes: [middle], coarse: true };
}

function isLarge({ bytes, count }: Lines): boolean {
  return bytes.length > FULL_REPLACE_BYTES || count > MAX_LINES;
}

function trim(old: Lines, now: Lines): Change {
  const shorter = Math.min(old.count, now.count);
  let start = 0;
  while (start < shorter && sameLine(old, start, now, start)) start++;
  let oldEnd = old.count;
  let newEnd = now.count;
  while (oldEnd > start && newEnd > start && sameLine(old, oldEnd - 1, now, newEnd - 1)) {
    oldEnd--;
    newEnd--;
  }
  return { oldStart: start, oldEnd, newStart: start, newEnd };
}

/** For each old line of the middle the new line that it became, or -1; undefined when the budget is spent. */
function matchLines(old: Lines, now: Lines, middle: Change): Int32Array | undefined {
  const { oldStart, oldEnd, newStart, newEnd } = middle;
  const ids = new Map<string, number>();
  const number = (lines: Lines, n: number): number => {
    const text = line(lines, n).toString("latin1");
    const id = ids.get(text) ?? ids.size;
    ids.set(text, id);
    return id;
  };
  const a = Int32Array.from({ length: oldEnd - oldStart }, (_, n) => number(old, oldStart + n));
  const b = Int32Array.from({ length: newEnd - newStart }, (_, n) => number(now, newStart + n));
  const [keptA, keptB] = [keepShared(a, b, ids.size), keepShared(b, a, ids.size)];
  const pairs = new Int32Array(a.length).fill(-1);
  const done = matchSequences(keptA.ids, keptB.ids, (i, j) => {
    pairs[keptA.at[i] as number] = keptB.at[j] as number;
  });
  return done ? pairs : undefined;
}

/** The members of `a` that `b` has too, with their places in `a`. A common subsequence holds no others. */
function keepShared(a: Int32Array, b: Int32Array, idCount: number): { ids: Int32Array; at: Int32Array } {
  const inB = new Uint8Array(idCount);
  for (const id of b) inB[id] = 1;
  const at = Int32Array.from(a.keys()).filter((n) => inB[a[n] as number] === 1);
  return { ids: at.map((n) => a[n] as number), at };
}

/** What lies between the matched lines. */
function gaps(pairs: Int32Array, { oldStart, oldEnd, newStart, newEnd }: Change): Change[] {
  const changes: Change[] = [];
  let i = 0;
  let j = 0;
  const upTo = (oldNext: number, newNext: number): void => {
    if (i < oldNext || j < newNext) {
      changes.push({
        oldStart: oldStart + i,
        oldEnd: oldStart + oldNext,
        newStart: newStart + j,
        newEnd: newStart + newNext,
      });
    }
    i = oldNext + 1;
    j = newNext + 1;
  };
  for (const [n, pair] of pairs.entries()) if (pair !== -1) upTo(n, pair);
  upTo(oldEnd - oldStart, newEnd - newStart);
  return changes;
}
