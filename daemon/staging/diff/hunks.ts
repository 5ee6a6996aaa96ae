/**
 * Hunks: changes with the context around them, as ranges of lines, counted as git does. Their text is hunk-text.ts', and
 * is made only where somebody asked for it.
 */
import type { Change } from "./changes.ts";

/** Lines [oldStart, oldEnd) and [newStart, newEnd), 0-based, with the changes among them. */
export interface HunkRange extends Change {
  readonly changes: readonly Change[];
}

/** Groups `changes` with `context` lines around; changes whose contexts touch share a hunk. */
export function groupHunks(changes: readonly Change[], context: number, oldCount: number): HunkRange[] {
  const groups: [Change, ...Change[]][] = [];
  for (const change of changes) {
    const last = groups.at(-1);
    const end = last?.at(-1)?.oldEnd;
    if (last && end !== undefined && change.oldStart - end <= 2 * context) last.push(change);
    else groups.push([change]);
  }
  return groups.map((members) => rangeOf(members, context, oldCount));
}

function rangeOf(changes: readonly [Change, ...Change[]], context: number, oldCount: number): HunkRange {
  const [first] = changes;
  const last = changes.at(-1) ?? first;
  const before = Math.min(context, first.oldStart);
  const after = Math.min(context, oldCount - last.oldEnd);
  return {
    oldStart: first.oldStart - before,
    oldEnd: last.oldEnd + after,
    newStart: first.newStart - before,
    newEnd: last.newEnd + after,
    changes,
  };
}

/** The four numbers of a hunk's head: git counts lines from 1, and names the line before where a side is empty. */
export function numbersOf({ oldStart, oldEnd, newStart, newEnd }: HunkRange) {
  const [oldLines, newLines] = [oldEnd - oldStart, newEnd - newStart];
  return {
    oldStart: oldLines === 0 ? oldStart : oldStart + 1,
    oldLines,
    newStart: newLines === 0 ? newStart : newStart + 1,
    newLines,
  };
}
