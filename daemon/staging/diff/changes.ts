/**
 * The line differ: which lines of one file became which of another. Exact always, minimal where its budget allows.
 * Lines at both ends that are equal are left out first, then lines that the other side does not have at all (which
 * makes a total rewrite linear); what is left goes to Myers' algorithm, or becomes one coarse replacement.
 * Deterministic: budgets count lines, bytes and edits, never time.
 */
import { FULL_REPLACE_BYTES } from "../../../protocol/wire/limits.ts";
import { type Lines, sameLine } from "./lines.ts";
import { matchSequences } from "./myers.ts";
import { makeNumbering } from "./numbering.ts";

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
  const numbering = makeNumbering(oldEnd - oldStart + newEnd - newStart);
  const a = numbering.number(old, oldStart, oldEnd);
  const b = numbering.number(now, newStart, newEnd);
  const [keptA, keptB] = [keepShared(a, b, numbering.count()), keepShared(b, a, numbering.count())];
  const pairs = new Int32Array(a.length).fill(-1);
  const done = matchSequences(keptA.ids, keptB.ids, (i, j) => {
    pairs[keptA.at[i] as number] = keptB.at[j] as number;
  });
  return done ? pairs : undefined;
}

/** The members of `a` that `b` has too, with their places in `a`. A common subsequence holds no others. */
function keepShared(a: Int32Array, b: Int32Array, idCount: number): { ids: Int32Array; at: Int32Array } {
  const inB = new Uint8Array(idCount);
  for (let n = 0; n < b.length; n++) inB[b[n] as number] = 1;
  const at = new Int32Array(a.length);
  const ids = new Int32Array(a.length);
  let count = 0;
  for (let n = 0; n < a.length; n++) {
    const id = a[n] as number;
    if (inB[id] === 0) continue;
    at[count] = n;
    ids[count++] = id;
  }
  return { ids: ids.subarray(0, count), at: at.subarray(0, count) };
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
