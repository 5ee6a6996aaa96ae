/**
 * Comparing two sequences of numbers: exact always, minimal where that is cheap, never beyond a budget of steps.
 * A box is divided at its middle (middle.ts) as long as that is near; a box with more edits at its anchors (anchors.ts),
 * or else where the search came furthest. What is left when the budget is spent is one replacement, and `coarse`.
 * Deterministic: the budget counts steps, never time.
 */
import { type Anchors, divideAtAnchors, makeAnchors } from "./anchors.ts";
import { type Box, makeBox, markBox, type Pair, sizeOf, trimBox } from "./boxes.ts";
import { findMiddle, makeSearch, type Point } from "./middle.ts";

/** In all: some 8 ms. */
const MAX_STEPS = 500_000;

/** Edits searched for from each end of a box: 65,000 steps and what is equal, at most. */
const MAX_EDITS = 256;

/** The fewest, so that every search gets on. */
const MIN_EDITS = 2;

export interface Compared extends Pick<Pair, "changedA" | "changedB"> {
  /** A replacement was left undivided. */
  readonly coarse: boolean;
}

/** `idCount`: all numbers are below it. */
export function compareSequences(a: Int32Array, b: Int32Array, idCount: number): Compared {
  const pair = { a, b, changedA: new Uint8Array(a.length), changedB: new Uint8Array(b.length) };
  const search = makeSearch(pair);
  const anchors = makeAnchors(idCount);
  let left = a.length + b.length;
  // Twice its size: not searched yet.
  const stack = [makeBox(0, a.length, 0, b.length, 2 * left)];
  let coarse = false;
  for (let next = stack.pop(); next; next = stack.pop()) {
    const box = trimBox(pair, next);
    left -= sizeOf(next) - sizeOf(box);
    const isDivided = box.aStart === box.aEnd || box.bStart === box.bEnd;
    if (isDivided || search.steps > MAX_STEPS) {
      markBox(pair, box);
      left -= sizeOf(box);
      coarse ||= !isDivided;
      continue;
    }
    const point = findMiddle(search, box, editsFor(search.steps, left), MAX_STEPS);
    for (const part of partsOf(pair, box, point, anchors)) stack.push(part);
  }
  return { changedA: pair.changedA, changedB: pair.changedB, coarse };
}

/**
 * How many edits to search for, with so many members left to compare. Getting on by n edits takes some n^2 steps: what is
 * left of the budget reaches to the end.
 */
function editsFor(steps: number, left: number): number {
  if (steps < MAX_STEPS / 4) return MAX_EDITS;
  return Math.min(MAX_EDITS, Math.max(MIN_EDITS, Math.floor((MAX_STEPS - steps) / left)));
}

function partsOf(pair: Pair, box: Box, { x, y, exact }: Point, anchors: Anchors): readonly Box[] {
  const size = sizeOf(box);
  const parts = !exact && size <= box.searched / 2 && divideAtAnchors(anchors, pair, box);
  if (parts) return parts;
  const { aStart, aEnd, bStart, bEnd } = box;
  const searched = exact ? box.searched : Math.min(box.searched, size);
  return [makeBox(aStart, x, bStart, y, searched), makeBox(x, aEnd, y, bEnd, searched)];
}
