/**
 * Conflicts between sessions: pending patches of different sessions that could not both be applied and merged.
 * Derived from what is pending whenever it is asked for, never stored; both sides are told by announce-staged.ts.
 * As in git, changes of one base collide where their lines overlap or touch; what is not a change of lines collides as a
 * whole, and so does a file with what is to be below it: then no ranges are named.
 */
import type { Patch } from "../../protocol/methods/index.ts";
import type { PatchRow, Store } from "../store/index.ts";
import { findRivals, type Rivals } from "./rivals.ts";

export type Conflict = Patch["conflicts"][number];
type Ranges = Conflict["ranges"];

/** More would tell nobody more. */
const MAX_CONFLICTS = 50;
/** With more places than these in one file, the first to the last is told as one. */
const MAX_RANGES = 100;

/** The conflicts of those patches that are pending, by id; all are of one workspace. */
export function conflictsOf(store: Store, patches: readonly PatchRow[]): Map<string, Conflict[]> {
  return new Map([...rivalsOf(store, patches)].map(([{ id }, rivals]) => [id, rivals.map(conflictWith)]));
}

/** Of a rival, what the other side is told. */
export function conflictWith({ patch, ranges }: Rival): Conflict {
  return { session: patch.session, path: patch.path, ranges };
}

interface Rival {
  readonly patch: PatchRow;
  readonly ranges: Ranges;
}

/** What each of those that are pending collides with; all are of one workspace. */
export function rivalsOf(store: Store, patches: readonly PatchRow[]): Map<PatchRow, Rival[]> {
  const found = new Map<PatchRow, Rival[]>();
  const pending = patches.filter(({ state }) => state === "Pending");
  for (const own of Map.groupBy(pending, ({ session }) => session).values()) {
    const rivalsTo = findRivals(store, own);
    for (const patch of own) {
      const colliding = collidingWith(patch, rivalsTo(patch));
      if (colliding.length > 0) found.set(patch, colliding);
    }
  }
  return found;
}

function collidingWith(patch: PatchRow, { sharing, blocking }: Rivals): Rival[] {
  const found: Rival[] = [];
  for (const other of sharing) {
    const ranges = found.length < MAX_CONFLICTS ? collision(patch, other) : undefined;
    if (ranges) found.push({ patch: other, ranges });
  }
  const places = blocking.slice(0, MAX_CONFLICTS - found.length);
  return [...found, ...places.map((other) => ({ patch: other, ranges: [] }))];
}

/** Where they collide, in lines of their base; none named: as a whole; undefined: they do not. */
function collision(a: PatchRow, b: PatchRow): Ranges | undefined {
  if (isSame(a, b) || isModeBesideLines(a, b) || isModeBesideLines(b, a)) return undefined;
  const [ours, theirs] = [linesOf(a), linesOf(b)];
  if (!ours || !theirs || a.base.hash !== b.base.hash) return [];
  const ranges = common(ours, theirs);
  const [first, last] = [ranges[0], ranges.at(-1)];
  if (!first || !last) return undefined;
  return ranges.length > MAX_RANGES ? [{ start: first.start, end: last.end }] : ranges;
}

/** Nothing is to be merged where both want the same. */
function isSame(a: PatchRow, b: PatchRow): boolean {
  const wanted = ({ path, from, after }: PatchRow) =>
    JSON.stringify([path, from, after.type, after.hash, after.target, after.mode]);
  return wanted(a) === wanted(b);
}

/** Neither changes what the other does: both can be applied, one after the other. */
function isModeBesideLines(a: PatchRow, b: PatchRow): boolean {
  return a.kind === "chmod" && linesOf(b) !== undefined;
}

/** The lines that a patch changes where it changes nothing else. */
function linesOf({
  kind,
  base,
  after,
  findings: { touched },
}: PatchRow): NonNullable<typeof touched> | undefined {
  return kind === "update" && base.type === after.type && base.mode === after.mode ? touched : undefined;
}

type Line = readonly [start: number, end: number];

/** Where lines overlap or touch; both lists ascend. */
function common(ours: readonly Line[], theirs: readonly Line[]): Ranges {
  const ranges: Ranges = [];
  let first = 0;
  for (const one of ours) {
    while ((theirs[first]?.[1] ?? one[0]) < one[0]) first++;
    for (let at = first; (theirs[at]?.[0] ?? Number.POSITIVE_INFINITY) <= one[1]; at++)
      ranges.push(covering(one, theirs[at] as Line));
  }
  return ranges;
}

/** Both, as the wire counts: from 1, ends included; around an insertion, the lines beside it. */
function covering(a: Line, b: Line): Ranges[number] {
  const [start, end] = [Math.min(a[0], b[0]), Math.max(a[1], b[1])];
  return start === end ? { start: Math.max(1, start), end: start + 1 } : { start: start + 1, end };
}
