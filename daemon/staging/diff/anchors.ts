/**
 * Anchors: lines that a box has exactly once on each side, in the longest order that both sides keep. They divide a
 * box that is too dear for the search, where whole blocks were moved or rewritten, as a reader would.
 * Time: n log n of the box.
 * Source: patience diff (Bram Cohen), as git's --patience has it.
 */
import { type Box, type Pair, sizeOf } from "./boxes.ts";

export interface Anchors {
  /** The boxes before, between and after the anchors of `box`, in order; undefined where there are none. */
  divide(pair: Pair, box: Box): Box[] | undefined;
}

/** Room for numbers below `idCount`. */
export function makeAnchors(idCount: number): Anchors {
  const timesA = new Int32Array(idCount);
  const timesB = new Int32Array(idCount);
  const placeB = new Int32Array(idCount);

  return {
    divide: ({ a, b }, box) => {
      const { aStart, aEnd, bStart, bEnd } = box;
      // Cleared for this box's numbers only: there may be many boxes.
      for (let i = aStart; i < aEnd; i++) timesA[a[i] as number] = 0;
      for (let j = bStart; j < bEnd; j++) timesA[b[j] as number] = 0;
      for (let i = aStart; i < aEnd; i++) timesB[a[i] as number] = 0;
      for (let j = bStart; j < bEnd; j++) timesB[b[j] as number] = 0;
      for (let i = aStart; i < aEnd; i++) (timesA[a[i] as number] as number)++;
      for (let j = bStart; j < bEnd; j++) {
        (timesB[b[j] as number] as number)++;
        placeB[b[j] as number] = j;
      }
      const unique: number[] = [];
      for (let i = aStart; i < aEnd; i++) {
        const id = a[i] as number;
        if (timesA[id] === 1 && timesB[id] === 1) unique.push(i);
      }
      const kept = longestRising(unique.map((i) => placeB[a[i] as number] as number));
      if (kept.length === 0) return undefined;
      return boxesBetween(
        box,
        kept.map((n) => unique[n] as number),
        (i) => placeB[a[i] as number] as number,
      );
    },
  };
}

function boxesBetween(box: Box, anchors: readonly number[], partner: (i: number) => number): Box[] {
  const searched = sizeOf(box);
  const boxes: Box[] = [];
  let { aStart, bStart } = box;
  for (const i of anchors) {
    const j = partner(i);
    boxes.push({ aStart, aEnd: i, bStart, bEnd: j, searched });
    [aStart, bStart] = [i + 1, j + 1];
  }
  boxes.push({ aStart, aEnd: box.aEnd, bStart, bEnd: box.bEnd, searched });
  return boxes;
}

/** The indexes of the longest rising subsequence of `values`, by patience sorting. */
function longestRising(values: readonly number[]): number[] {
  const tops: number[] = [];
  const before = new Int32Array(values.length);
  for (const [n, value] of values.entries()) {
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
