/**
 * Looking for a hunk's place in a file: where its old lines are, all of them, one after the other.
 * Owns how alike they have to be and the bound of the work; which place counts is the format's to say.
 * INVARIANT: the strictest likeness that fits anywhere decides; a milder one never competes with it.
 */
import { IopipeError } from "../../../../protocol/wire/errors.ts";
import type { Lines } from "../../diff/lines.ts";
import { PACE_LINES, type Pace } from "../../pace.ts";
import { contentOf, type Hunk } from "./hunk.ts";
import { isAlike, type Likeness } from "./likeness.ts";
import { indexLines, type LineIndex } from "./line-index.ts";
import { endOfInk, type Span, spanOf, startOfInk } from "./text.ts";

/** Where a hunk may begin: lines of the file from the first, before `to`. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

interface Found {
  /** 0-based lines, ascending; at most MAX_PLACES. */
  readonly places: readonly number[];
  readonly likeness: Likeness;
}

/** Throws TooLarge when it takes too much work. */
export interface Search {
  /** How alike the old lines are to those at `at`, if they are. */
  fitAt(hunk: Hunk, at: number): Promise<Likeness | undefined>;
  /** Where they are, beginning in one of `ranges`. */
  find(hunk: Hunk, ranges: readonly Range[]): Promise<Found | undefined>;
  /** The lines that are `line` but for white space around them, ascending; one more than `most` at most. */
  linesLike(line: Span, most: number): Promise<number[]>;
  /** The line behind the block that line `at` opens: all that is indented deeper; undefined where nothing is. */
  blockEnd(at: number): Promise<number | undefined>;
}

/** Places that an error names at most. */
const MAX_PLACES = 100;

/** Lines compared in one file, in all: about two seconds of work. Real diffs stay below a thousandth of it. */
const MAX_COMPARED = 10_000_000;

/** Of a hunk's lines, those whose rarest is looked up. */
const MAX_LOOKED_UP = 1000;

/** `likenesses`: what counts as the same line, the strictest first. */
export function openSearch(
  file: Lines,
  { path, likenesses, pace }: { path: string; likenesses: readonly Likeness[]; pace: Pace },
): Search {
  let index: Promise<LineIndex> | undefined;
  let compared = 0;

  /** Counts a line that is compared; whether the others are to have their turn. */
  const counted = (): boolean => {
    if (++compared > MAX_COMPARED) throw tooMuch(path);
    return compared % PACE_LINES === 0;
  };
  const fits = async (hunk: Hunk, at: number, likeness: Likeness): Promise<boolean> => {
    const { old } = hunk;
    const end = at + old.length;
    if (at < 0 || end > file.count) return false;
    if ((hunk.atStart && at > 0) || (hunk.atEnd && end < file.count)) return false;
    for (const [k, n] of old.entries()) {
      if (counted()) await pace();
      if (!isAlike(contentOf(hunk, n), spanOf(file, at + k), likeness)) return false;
    }
    return true;
  };
  const indexed = (): Promise<LineIndex> => {
    index ??= indexLines(file, pace);
    return index;
  };
  const scan = async (hunk: Hunk, ranges: readonly Range[], likeness: Likeness): Promise<number[]> => {
    const lines = await indexed();
    const [k, rarest] = rarestOf(hunk, lines);
    const places: number[] = [];
    for (const n of lines.linesLike(rarest)) {
      if (counted()) await pace();
      const at = n - k;
      const isInside = ranges.some(({ from, to }) => at >= from && at < to);
      if (isInside && (await fits(hunk, at, likeness))) places.push(at);
      if (places.length === MAX_PLACES) break;
    }
    return places;
  };
  return {
    fitAt: async (hunk, at) => {
      for (const likeness of likenesses) if (await fits(hunk, at, likeness)) return likeness;
      return undefined;
    },
    find: async (hunk, ranges) => {
      for (const likeness of hunk.old.length === 0 ? [] : likenesses) {
        const places = await scan(hunk, ranges, likeness);
        if (places.length > 0) return { places, likeness };
      }
      return undefined;
    },
    linesLike: async (line, most) => {
      const found: number[] = [];
      for (const n of (await indexed()).linesLike(line)) {
        if (counted()) await pace();
        if (isAlike(line, spanOf(file, n), "trimmed")) found.push(n);
        if (found.length > most) break;
      }
      return found;
    },
    blockEnd: async (at) => {
      const depth = indentationOf(spanOf(file, at));
      let end: number | undefined;
      for (let n = at + 1; n < file.count; n++) {
        if (counted()) await pace();
        const span = spanOf(file, n);
        if (startOfInk(span) >= endOfInk(span)) continue;
        if (indentationOf(span) <= depth) break;
        end = n + 1;
      }
      return end;
    },
  };
}

function indentationOf(span: Span): number {
  return startOfInk(span) - span.from;
}

/** The old line that the fewest lines of the file can be, and which of them it is. */
function rarestOf(hunk: Hunk, lines: LineIndex): [number, Span] {
  let rarest: [number, Span] = [0, contentOf(hunk, hunk.old[0] as number)];
  let fewest = Number.POSITIVE_INFINITY;
  for (const [k, n] of hunk.old.subarray(0, MAX_LOOKED_UP).entries()) {
    const span = contentOf(hunk, n);
    const count = lines.countOf(span);
    if (count < fewest) [fewest, rarest] = [count, [k, span]];
    if (fewest <= 1) break;
  }
  return rarest;
}

function tooMuch(path: string): IopipeError {
  return new IopipeError("TooLarge", `Finding the places of this patch in ${path} takes too long.`, {
    path,
    limit: MAX_COMPARED,
    hint: "Make the diff again from the content that file/read gives, or stage the whole file with write.",
  });
}
