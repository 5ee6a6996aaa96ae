/**
 * Boxes: a range of one sequence against a range of another, the pieces that the comparison is divided into.
 * A sequence is a file's lines as numbers (numbering.ts); equal numbers are equal lines.
 */

/** Members [aStart, aEnd) of `a` against [bStart, bEnd) of `b`. */
export interface Box {
  readonly aStart: number;
  readonly aEnd: number;
  readonly bStart: number;
  readonly bEnd: number;
  /** Anchors were looked for in a box around this one, which was so large; no use in looking soon again. */
  readonly searched: number;
}

/** Every box is made here, so that all are objects of one form: of several, all that looks at boxes is slower. */
export function makeBox(aStart: number, aEnd: number, bStart: number, bEnd: number, searched: number): Box {
  return { aStart, aEnd, bStart, bEnd, searched };
}

/** Two sequences, and which of their members have no partner on the other side: 1 for changed. */
export interface Pair {
  readonly a: Int32Array;
  readonly b: Int32Array;
  readonly changedA: Uint8Array;
  readonly changedB: Uint8Array;
}

export function sizeOf({ aStart, aEnd, bStart, bEnd }: Box): number {
  return aEnd - aStart + bEnd - bStart;
}

/** `box` without what is equal at both its ends. */
export function trimBox({ a, b }: Pair, { aStart, aEnd, bStart, bEnd, searched }: Box): Box {
  while (aStart < aEnd && bStart < bEnd && a[aStart] === b[bStart]) {
    aStart++;
    bStart++;
  }
  while (aStart < aEnd && bStart < bEnd && a[aEnd - 1] === b[bEnd - 1]) {
    aEnd--;
    bEnd--;
  }
  return makeBox(aStart, aEnd, bStart, bEnd, searched);
}

export function markBox({ changedA, changedB }: Pair, { aStart, aEnd, bStart, bEnd }: Box): void {
  // Most are of a line or two: `fill` would take longer to call.
  for (let i = aStart; i < aEnd; i++) changedA[i] = 1;
  for (let j = bStart; j < bEnd; j++) changedB[j] = 1;
}
