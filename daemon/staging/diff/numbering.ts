/**
 * Numbering: equal lines get equal numbers, over both files, so that they are compared as numbers from then on.
 * An open-addressed table of hashes, without making strings: several times faster than a Map of them. Exact: lines with
 * equal hashes are compared byte for byte. Bounded, too, where somebody made all of them equal.
 */
import { type Lines, lengthOf, sameLine, wordAt, wordsOf } from "./lines.ts";

/** A table of lines. Plain functions work on it, not closures: those are compiled anew for each diff. */
export interface Numbering {
  /** How many different lines there are so far. */
  count: number;
  /** Bytes and slots that may still be looked at for lines that turn out to be others. */
  effort: number;
  /** The numbers, by hash; -1 where there is none. Its size is a power of two. */
  readonly slots: Int32Array;
  /** Of each number: its line's hash, and where it was first met. */
  readonly hashes: Int32Array;
  readonly places: Int32Array;
  readonly files: Lines[];
}

/** Usual files take one or two; contrived ones, where all lines have the same hash, any number. */
const EFFORT_PER_LINE = 64;

/** Room for `capacity` lines in all. */
export function makeNumbering(capacity: number): Numbering {
  const size = 2 ** Math.ceil(Math.log2(capacity * 2 + 2));
  return {
    count: 0,
    effort: capacity * EFFORT_PER_LINE,
    slots: new Int32Array(size).fill(-1),
    hashes: new Int32Array(capacity),
    places: new Int32Array(capacity),
    files: [],
  };
}

/** One number for each line of [start, end); undefined, and no more use for `numbering`, where that takes too long. */
export function numberLines(
  numbering: Numbering,
  lines: Lines,
  start: number,
  end: number,
): Int32Array | undefined {
  const words = wordsOf(lines.bytes);
  const ids = new Int32Array(end - start);
  for (let n = start; n < end; n++) {
    ids[n - start] = numberOf(numbering, lines, n, hashOf(lines, n, words));
    if (numbering.effort < 0) return undefined;
  }
  return ids;
}

function numberOf(numbering: Numbering, lines: Lines, n: number, hash: number): number {
  const { slots, hashes, places, files } = numbering;
  const last = slots.length - 1;
  for (let slot = hash & last; ; slot = (slot + 1) & last) {
    const id = slots[slot] as number;
    if (id === -1) {
      slots[slot] = numbering.count;
      hashes[numbering.count] = hash;
      places[numbering.count] = n;
      files.push(lines);
      return numbering.count++;
    }
    if (hashes[id] === hash) {
      if (sameLine(files[id] as Lines, places[id] as number, lines, n)) return id;
      numbering.effort -= lengthOf(lines, n);
    }
    numbering.effort--;
  }
}

/** FxHash over the line's words (the Rust compiler's, for 32 bits). */
function hashOf({ starts }: Lines, n: number, words: DataView): number {
  let hash = 0;
  const end = starts[n + 1] as number;
  for (let at = starts[n] as number; at < end; at += 4)
    hash = Math.imul(((hash << 5) | (hash >>> 27)) ^ wordAt(words, at, end), 0x27220a95);
  // The low bits choose the slot; multiplying mixes them least.
  return hash ^ (hash >>> 15);
}
