/**
 * Hunks: changes with their context, counted and written as git does (git's xdiff/xemit.c).
 * Text only: both files are valid UTF-8, so that every line is a string.
 */
import { createHash } from "node:crypto";
import type { Hunk } from "../../../protocol/methods/index.ts";
import type { Change } from "./changes.ts";
import { type Lines, lacksNewline, line } from "./lines.ts";

const NO_NEWLINE = "\\ No newline at end of file";

/** A hunk before it has a name. */
type Unnamed = Omit<Hunk, "id">;

/** Groups `changes` into hunks with `context` lines around; changes whose contexts touch share one. */
export function makeHunks(old: Lines, now: Lines, changes: readonly Change[], context: number): Unnamed[] {
  return group(changes, context).map((members) => makeHunk(old, now, members, context));
}

function group(changes: readonly Change[], context: number): Change[][] {
  const groups: Change[][] = [];
  for (const change of changes) {
    const last = groups.at(-1);
    const end = last?.at(-1)?.oldEnd;
    if (last && end !== undefined && change.oldStart - end <= 2 * context) last.push(change);
    else groups.push([change]);
  }
  return groups;
}

function makeHunk(old: Lines, now: Lines, changes: readonly Change[], context: number): Unnamed {
  const [first, last] = [changes[0] as Change, changes.at(-1) as Change];
  const before = Math.min(context, first.oldStart);
  const after = Math.min(context, old.count - last.oldEnd);
  const [oldStart, newStart] = [first.oldStart - before, first.newStart - before];
  const [oldLines, newLines] = [last.oldEnd + after - oldStart, last.newEnd + after - newStart];
  const lines: string[] = [];
  let shown = oldStart;
  for (const change of changes) {
    append(lines, " ", old, shown, change.oldStart);
    append(lines, "-", old, change.oldStart, change.oldEnd);
    append(lines, "+", now, change.newStart, change.newEnd);
    shown = change.oldEnd;
  }
  append(lines, " ", old, shown, last.oldEnd + after);
  const place = {
    oldStart: oneBased(oldStart, oldLines),
    oldLines,
    newStart: oneBased(newStart, newLines),
    newLines,
  };
  return { ...place, lines };
}

/** git counts lines from 1, and names the line before where a side is empty. */
function oneBased(start: number, count: number): number {
  return count === 0 ? start : start + 1;
}

function append(lines: string[], prefix: string, from: Lines, start: number, end: number): void {
  for (let n = start; n < end; n++) {
    const bytes = line(from, n);
    const lacks = lacksNewline(from, n);
    lines.push(prefix + bytes.toString("utf8", 0, bytes.length - (lacks ? 0 : 1)));
    if (lacks) lines.push(NO_NEWLINE);
  }
}

/** Names a hunk by its content and place, so that a decision about it cannot hit another. */
export function nameHunk(hunk: Unnamed): Hunk {
  const hash = createHash("sha256").update(JSON.stringify(hunk));
  return { id: `h${hash.digest("hex").slice(0, 16)}`, ...hunk };
}

/** Hunks as the body of a unified diff; every line ends with a newline. */
export function formatHunks(hunks: readonly Unnamed[]): string {
  const text = hunks.map(({ oldStart, oldLines, newStart, newLines, lines }) =>
    [`@@ -${range(oldStart, oldLines)} +${range(newStart, newLines)} @@`, ...lines, ""].join("\n"),
  );
  return text.join("");
}

function range(start: number, count: number): string {
  return count === 1 ? `${start}` : `${start},${count}`;
}
