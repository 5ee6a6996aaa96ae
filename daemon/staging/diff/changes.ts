/**
 * The line differ: which lines of one file became which of another. Exact always, minimal where that is cheap.
 * Lines at both ends that are equal are left out first, then lines that the other side does not have at all (which
 * makes a total rewrite linear); the rest is compared as sequences of numbers, and what came out is slid to where a
 * reader expects it.
 * Deterministic: budgets count lines, bytes and steps, never time.
 */
import { FULL_REPLACE_BYTES } from "../../../protocol/wire/limits.ts";
import { type Lines, sameLine, sameLines } from "./lines.ts";
import { makeNumbering, numberLines } from "./numbering.ts";
import { compareSequences } from "./sequences.ts";
import { slide } from "./slide.ts";

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

export interface DiffOptions {
  /** Asks for a coarse answer at once. */
  readonly coarse?: boolean;
  /** Compares from the end: another one of several scripts that are as short. */
  readonly fromEnd?: boolean;
  /**
   * Looks in the whole of both files for lines that the other one does not have, as git does: of several scripts that
   * are as short it is then git's. It takes longer where little has changed in much.
   */
  readonly whole?: boolean;
}

export function diffLines(
  old: Lines,
  now: Lines,
  { coarse = false, fromEnd = false, whole = false }: DiffOptions = {},
): Changes {
  const middle = trim(old, now);
  const { oldStart, oldEnd, newStart, newEnd } = middle;
  if (oldStart === oldEnd && newStart === newEnd) return { changes: [], coarse: false };
  const isOneSided = oldStart === oldEnd || newStart === newEnd;
  if (coarse || isLarge(old) || isLarge(now)) return { changes: [middle], coarse: !isOneSided };
  const marks = { old: new Uint8Array(old.count), now: new Uint8Array(now.count) };
  const gaveUp = markChanged(old, now, middle, marks, { fromEnd, whole });
  slide(old, marks.old, marks.now);
  slide(now, marks.now, marks.old);
  return { changes: changesOf(marks), coarse: gaveUp };
}

function isLarge({ bytes, count }: Lines): boolean {
  return bytes.length > FULL_REPLACE_BYTES || count > MAX_LINES;
}

/** Lines compared in one go as long as all of them are the same. */
const BLOCK = 256;

function trim(old: Lines, now: Lines): Change {
  const shorter = Math.min(old.count, now.count);
  let start = 0;
  while (start + BLOCK <= shorter && sameLines(old, start, now, start, BLOCK)) start += BLOCK;
  while (start < shorter && sameLine(old, start, now, start)) start++;
  let [oldEnd, newEnd] = [old.count, now.count];
  const fits = (lines: number) => Math.min(oldEnd, newEnd) - lines >= start;
  while (fits(BLOCK) && sameLines(old, oldEnd - BLOCK, now, newEnd - BLOCK, BLOCK)) {
    oldEnd -= BLOCK;
    newEnd -= BLOCK;
  }
  while (fits(1) && sameLine(old, oldEnd - 1, now, newEnd - 1)) {
    oldEnd--;
    newEnd--;
  }
  return { oldStart: start, oldEnd, newStart: start, newEnd };
}

/** Of each file's lines, 1 for those that the other side has nothing for. */
interface Marks {
  readonly old: Uint8Array;
  readonly now: Uint8Array;
}

/** Marks what changed in the middle; answers whether the budget was spent. */
function markChanged(
  old: Lines,
  now: Lines,
  middle: Change,
  marks: Marks,
  { fromEnd, whole }: Required<Omit<DiffOptions, "coarse">>,
): boolean {
  const { oldStart, oldEnd, newStart, newEnd } = middle;
  const within = whole ? { oldStart: 0, oldEnd: old.count, newStart: 0, newEnd: now.count } : middle;
  const numbering = makeNumbering(within.oldEnd - within.oldStart + within.newEnd - within.newStart);
  const allOld = numberLines(numbering, old, within.oldStart, within.oldEnd);
  const allNow = allOld && numberLines(numbering, now, within.newStart, within.newEnd);
  if (!allOld || !allNow) return giveUp(marks, middle);
  const a = allOld.subarray(oldStart - within.oldStart, oldEnd - within.oldStart);
  const b = allNow.subarray(newStart - within.newStart, newEnd - within.newStart);
  const { count } = numbering;
  const [keptA, keptB] = [keepShared(a, allNow, count), keepShared(b, allOld, count)];
  const turn = <T extends Int32Array | Uint8Array>(list: T) => (fromEnd ? list.toReversed() : list) as T;
  const { changedA, changedB, coarse } = compareSequences(turn(keptA.ids), turn(keptB.ids), count);
  mark(marks.old.subarray(oldStart, oldEnd), keptA.at, turn(changedA));
  mark(marks.now.subarray(newStart, newEnd), keptB.at, turn(changedB));
  return coarse;
}

/** All of the middle is one replacement. */
function giveUp(marks: Marks, { oldStart, oldEnd, newStart, newEnd }: Change): true {
  marks.old.fill(1, oldStart, oldEnd);
  marks.now.fill(1, newStart, newEnd);
  return true;
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

/** All but the members at `at` are changed, and of those the ones that `changed` marks. */
function mark(marks: Uint8Array, at: Int32Array, changed: Uint8Array): void {
  marks.fill(1);
  for (let n = 0; n < at.length; n++) marks[at[n] as number] = changed[n] as number;
}

/** Unmarked lines of both sides belong together, in order; what is marked between two such pairs is a change. */
function changesOf({ old, now }: Marks): Change[] {
  const changes: Change[] = [];
  for (let i = 0, j = 0; i < old.length || j < now.length; i++, j++) {
    const [oldStart, newStart] = [i, j];
    while (old[i] === 1) i++;
    while (now[j] === 1) j++;
    if (i > oldStart || j > newStart) changes.push({ oldStart, oldEnd: i, newStart, newEnd: j });
  }
  return changes;
}
