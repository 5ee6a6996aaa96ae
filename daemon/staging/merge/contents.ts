/**
 * Merging contents: what two sides made of one base, line by line, in one result, or the regions where they collide.
 * Pure; runs in the worker. Bytes are never decoded: CRLF, BOM and a missing final newline come through.
 * Invariants: changes that overlap or touch collide, unless both sides made the same of them. Nothing is merged in what
 * is binary, on the strength of a coarse diff, or where another diff, as short, would merge to something else.
 * Source: diff3 (Khanna, Kunal, Pierce, "A Formal Investigation of Diff3", 2007); what collides is as in `git merge-file`.
 */
import { diffLines } from "../diff/changes.ts";
import { type Lines, splitLines } from "../diff/lines.ts";
import { type Range, type Region, regionsOf } from "./regions.ts";

/** As git looks for a NUL: in so many first bytes (git's buffer_is_binary). */
const SNIFFED_BYTES = 8000;

export interface MergeJob<Bytes = Buffer> {
  readonly base: Bytes;
  readonly ours: Bytes;
  readonly theirs: Bytes;
  /** Gives up at once: everything collides. */
  readonly coarse?: boolean;
}

/** Why there is no telling where two sides collide: the contents do as wholes. */
type WholeReason = "binary" | "coarse" | "ambiguous";

export type Merged<Bytes = Buffer> =
  | { readonly clean: true; readonly bytes: Bytes }
  /** Regions are in order, and those of both sides only. */
  | { readonly clean: false; readonly reason: "overlap"; readonly regions: readonly Region[] }
  | { readonly clean: false; readonly reason: WholeReason };

interface Sides {
  readonly base: Lines;
  readonly ours: Lines;
  readonly theirs: Lines;
}

export function mergeContents({ base, ours, theirs, coarse = false }: MergeJob): Merged {
  if ([base, ours, theirs].some(isBinary)) return { clean: false, reason: "binary" };
  const sides = { base: splitLines(base), ours: splitLines(ours), theirs: splitLines(theirs) };
  const merged = mergeLines(sides, { coarse, fromEnd: false });
  if (!merged.clean) return merged;
  const again = mergeLines(sides, { coarse, fromEnd: true });
  if (again.clean && !again.bytes.equals(merged.bytes)) return { clean: false, reason: "ambiguous" };
  return again;
}

function isBinary(bytes: Buffer): boolean {
  return bytes.subarray(0, SNIFFED_BYTES).includes(0);
}

function mergeLines(sides: Sides, options: { coarse: boolean; fromEnd: boolean }): Merged {
  const byUs = diffLines(sides.base, sides.ours, { ...options, whole: true });
  const byThem = diffLines(sides.base, sides.theirs, { ...options, whole: true });
  if (byUs.coarse || byThem.coarse) return { clean: false, reason: "coarse" };
  const regions = regionsOf(byUs.changes, byThem.changes);
  const colliding = regions.filter((region) => collides(sides, region));
  if (colliding.length > 0) return { clean: false, reason: "overlap", regions: colliding };
  return { clean: true, bytes: join(sides, regions) };
}

function collides(sides: Sides, { by, ours, theirs }: Region): boolean {
  return by === "both" && !linesOf(sides.ours, ours).equals(linesOf(sides.theirs, theirs));
}

function linesOf({ bytes, starts }: Lines, { start, end }: Range): Buffer {
  return bytes.subarray(starts[start], starts[end]);
}

/** The base, with each region as whoever changed it left it. */
function join({ base, ours, theirs }: Sides, regions: readonly Region[]): Buffer {
  const parts: Buffer[] = [];
  let end = 0;
  for (const region of regions) {
    parts.push(linesOf(base, { start: end, end: region.base.start }));
    parts.push(region.by === "theirs" ? linesOf(theirs, region.theirs) : linesOf(ours, region.ours));
    end = region.base.end;
  }
  return Buffer.concat([...parts, linesOf(base, { start: end, end: base.count })]);
}
