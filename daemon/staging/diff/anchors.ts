/**
 * Anchors: lines that a box has exactly once on each side, in the longest order that both sides keep. They divide a
 * box that is too dear for the search, where whole blocks were moved or rewritten, as a reader would.
 * Time: n log n of the box.
 * Source: patience diff (Bram Cohen), as git's --patience has it.
 */
import { type Box, makeBox, type Pair, sizeOf } from "./boxes.ts";

/** By number: how often it stands in a box of each side, and where last in b. Rooms that every box uses again. */
export interface Anchors {
  readonly timesA: Int32Array;
  readonly timesB: Int32Array;
  readonly placeB: Int32Array;
}

/** Room for numbers below `idCount`. */
export function makeAnchors(idCount: number): Anchors {
  const room = () => new Int32Array(idCount);
  return { timesA: room(), timesB: room(), placeB: room() };
}

/** The boxes before, between and after the anchors of `box`, in order; undefined where there are none. */
export function divideAtAnchors(anchors: Anchors, { a, b }: Pair, box: Box): Box[] | undefined {
  const { placeB } = anchors;
  countIn(anchors, a, b, box);
  const unique = uniqueIn(anchors, a, box);
  const kept = longestRising(unique.map((i) => placeB[a[i] as number] as number));
  if (kept.length === 0) return undefined;
  const searched = sizeOf(box);
  const boxes: Box[] = [];
  let { aStart, bStart } = box;
  for (const n of kept) {
    const i = unique[n] as number;
    const j = placeB[a[i] as number] as number;
    boxes.push(makeBox(aStart, i, bStart, j, searched));
    [aStart, bStart] = [i + 1, j + 1];
  }
  boxes.push(makeBox(aStart, box.aEnd, bStart, box.bEnd, searched));
  return boxes;
}

function countIn({ timesA, timesB, placeB }: Anchors, a: Int32Array, b: Int32Array, box: Box): void {
  const { aStart, aEnd, bStart, bEnd } = box;
  // Cleared for this box's numbers only: there may be many boxes. What stands only in b is never looked up.
  for (let i = aStart; i < aEnd; i++) timesA[a[i] as number] = timesB[a[i] as number] = 0;
  for (let i = aStart; i < aEnd; i++) (timesA[a[i] as number] as number)++;
  for (let j = bStart; j < bEnd; j++) {
    (timesB[b[j] as number] as number)++;
    placeB[b[j] as number] = j;
  }
}

/** Places in a, ascending. */
function uniqueIn({ timesA, timesB }: Anchors, a: Int32Array, { aStart, aEnd }: Box): number[] {
  const unique: number[] = [];
  for (let i = aStart; i < aEnd; i++) {
    const id = a[i] as number;
    if (timesA[id] === 1 && timesB[id] === 1) unique.push(i);
  }
  return unique;
}

/** The indexes of the longest rising subsequence of `values`, by patience sorting. */
function longestRising(values: readonly number[]): number[] {
  const tops: number[] = [];
  const before = new Int32Array(values.length);
  for (let n = 0; n < values.length; n++) {
    const value = values[n] as number;
    let [low, high] = [0, tops.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((values[tops[middle] as number] as number) < value) low = middle + 1;
      else high = middle;
    }
    before[n] = low === 0 ? -1 : (tops[low - 1] as number);
    tops[low] = n;
  }
  const rising: number[] = [];
  for (let n = tops.at(-1) ?? -1; n !== -1; n = before[n] as number) rising.push(n);
  return rising.reverse();
}
