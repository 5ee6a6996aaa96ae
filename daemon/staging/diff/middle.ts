/**
 * The middle of a box: a point that a shortest edit script passes through, searched from both ends at once in linear
 * space, with a limit; past it, the furthest point that was reached.
 * Deterministic: the limits count edits and steps, never time.
 * Source: E. W. Myers, "An O(ND) Difference Algorithm and Its Variations" (1986), section 4b.
 */
import type { Box, Pair } from "./boxes.ts";

export interface Point {
  readonly x: number;
  readonly y: number;
  /** Whether it lies on a shortest script; else it is only as far as the search came. */
  readonly exact: boolean;
}

export interface Search extends Pick<Pair, "a" | "b"> {
  /** How far x comes on each diagonal k = x - y: from the start, and back from the end. */
  readonly forth: Int32Array;
  readonly back: Int32Array;
  /** The index of diagonal 0 in both. */
  readonly zero: number;
  /** Points visited in all searches so far. */
  steps: number;
}

/** Diagonals, as indexes of a search's arrays: those from `low` to `high` of one parity are reached. */
interface Reach {
  low: number;
  high: number;
}

const BEFORE_ALL = -1;
const AFTER_ALL = 0x7fffffff;

export function makeSearch({ a, b }: Pick<Pair, "a" | "b">): Search {
  const room = () => new Int32Array(a.length + b.length + 3);
  return { a, b, forth: room(), back: room(), zero: b.length + 1, steps: 0 };
}

/**
 * `box` is trimmed and has members on both sides. Given up after `maxEdits` from each end, or when all the search's steps
 * pass `maxSteps`.
 */
export function findMiddle(search: Search, box: Box, maxEdits: number, maxSteps: number): Point {
  const { forth, back, zero } = search;
  const { aStart, aEnd, bStart, bEnd } = box;
  const [first, last] = [aStart - bStart + zero, aEnd - bEnd + zero];
  const [forward, backward] = [
    { low: first, high: first },
    { low: last, high: last },
  ];
  const isOdd = ((first - last) & 1) !== 0;
  forth[first] = aStart;
  back[last] = aEnd;
  for (let edits = 0; edits < maxEdits && search.steps <= maxSteps; edits++) {
    widen(forward, forth, box, zero, BEFORE_ALL);
    for (let k = forward.high; k >= forward.low; k -= 2) {
      const x = goForth(search, box, k);
      if (isOdd && k >= backward.low && k <= backward.high && x >= (back[k] as number))
        return { x, y: x - k + zero, exact: true };
    }
    widen(backward, back, box, zero, AFTER_ALL);
    for (let k = backward.high; k >= backward.low; k -= 2) {
      const x = goBack(search, box, k);
      if (!isOdd && k >= forward.low && k <= forward.high && x <= (forth[k] as number))
        return { x, y: x - k + zero, exact: true };
    }
  }
  return furthest(search, box, forward, backward);
}

/** One diagonal more on each side; what lies beyond the box is left out again, two at a time. */
function widen(reach: Reach, xs: Int32Array, box: Box, zero: number, unreached: number): void {
  if (reach.low > box.aStart - box.bEnd + zero) xs[--reach.low - 1] = unreached;
  else reach.low++;
  if (reach.high < box.aEnd - box.bStart + zero) xs[++reach.high + 1] = unreached;
  else reach.high--;
}

/** One edit more on diagonal k: down or right, whichever comes further, and then along what is equal. */
function goForth(search: Search, { aEnd, bEnd }: Box, k: number): number {
  const { a, b, forth, zero } = search;
  const start = Math.max(forth[k + 1] as number, (forth[k - 1] as number) + 1);
  let x = start;
  for (let y = x - k + zero; x < aEnd && y < bEnd && a[x] === b[y]; y++) x++;
  search.steps += x - start + 1;
  forth[k] = x;
  return x;
}

/** The same from the end: up or left. */
function goBack(search: Search, { aStart, bStart }: Box, k: number): number {
  const { a, b, back, zero } = search;
  const start = Math.min(back[k - 1] as number, (back[k + 1] as number) - 1);
  let x = start;
  for (let y = x - k + zero; x > aStart && y > bStart && a[x - 1] === b[y - 1]; y--) x--;
  search.steps += start - x + 1;
  back[k] = x;
  return x;
}

/** Of all points reached the one that leaves the smallest rest. */
function furthest({ forth, back, zero }: Search, box: Box, forward: Reach, backward: Reach): Point {
  const { aStart, aEnd, bStart, bEnd } = box;
  let best = { x: aStart, y: bStart, gained: 0 };
  for (let k = forward.high; k >= forward.low; k -= 2) {
    const x = forth[k] as number;
    const y = x - k + zero;
    const gained = x + y - aStart - bStart;
    if (gained > best.gained && x <= aEnd && y <= bEnd) best = { x, y, gained };
  }
  for (let k = backward.high; k >= backward.low; k -= 2) {
    const x = back[k] as number;
    const y = x - k + zero;
    const gained = aEnd + bEnd - x - y;
    if (gained > best.gained && x >= aStart && y >= bStart) best = { x, y, gained };
  }
  return { x: best.x, y: best.y, exact: false };
}
