/**
 * Regions of a merge: the stretches of a base that one side changed, or both; with where they are on each side. Pure.
 */
import type { Conflicted } from "../../../protocol/methods/index.ts";
import type { Change } from "../diff/changes.ts";

/** Lines [start, end), 0-based. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

export interface Region {
  readonly by: "ours" | "theirs" | "both";
  readonly base: Range;
  readonly ours: Range;
  readonly theirs: Range;
}

/** Ascending, never touching each other: changes of the two sides that overlap or touch are one region. */
export function regionsOf(ours: readonly Change[], theirs: readonly Change[]): Region[] {
  const [mine, others] = [cursorOf(ours), cursorOf(theirs)];
  const regions: Region[] = [];
  for (;;) {
    const start = Math.min(mine.next(), others.next());
    if (start === Number.POSITIVE_INFINITY) return regions;
    const [before, beside] = [mine.shift(), others.shift()];
    let [end, byUs, byThem] = [start, false, false];
    for (let reached = -1; reached !== end; ) {
      reached = end;
      for (; mine.next() <= end; byUs = true) end = Math.max(end, mine.take());
      for (; others.next() <= end; byThem = true) end = Math.max(end, others.take());
    }
    regions.push({
      by: byUs && byThem ? "both" : byUs ? "ours" : "theirs",
      base: { start, end },
      ours: { start: start + before, end: end + mine.shift() },
      theirs: { start: start + beside, end: end + others.shift() },
    });
  }
}

interface Cursor {
  /** Where the next change begins in the base; Infinity after the last one. */
  next(): number;
  /** Goes past the next change; where it ends in the base. */
  take(): number;
  /** By how much lines after the changes taken are further down than in the base. */
  shift(): number;
}

function cursorOf(changes: readonly Change[]): Cursor {
  let at = 0;
  let shift = 0;
  return {
    next: () => changes[at]?.oldStart ?? Number.POSITIVE_INFINITY,
    take: () => {
      const { oldEnd, newEnd } = changes[at++] as Change;
      shift = newEnd - oldEnd;
      return oldEnd;
    },
    shift: () => shift,
  };
}

/** As the wire has it: lines from 1 on, both ends included. */
export function regionToWire({ base, ours, theirs }: Region): Conflicted["regions"][number] {
  const lines = ({ start, end }: Range) => ({ start: start + 1, end });
  return { base: lines(base), ours: lines(ours), theirs: lines(theirs) };
}
