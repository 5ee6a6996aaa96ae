/**
 * A hunk: consecutive lines of a patch's text, each with a sign before it: space (is there and stays), `-` (is there
 * and goes), `+` (comes). Unified diffs and the `*** Begin Patch` form have it in common.
 * Kept as numbers of lines: a text of 16 MiB may have eight million, and an object for each would fill the memory.
 */
import type { Lines } from "../../diff/lines.ts";
import { CR, LF, type Span } from "./text.ts";

export interface Hunk {
  readonly text: Lines;
  /** Its first line in the text (0-based), and the one after its last. */
  readonly from: number;
  readonly to: number;
  /** The numbers of its old lines in the text: context, and what goes. */
  readonly old: Uint32Array;
  /** 0-based line of the file at which its old lines are said to be, where that is said. */
  readonly start?: number | undefined;
  /** Whether it can only be about the file's beginning, or its end. */
  readonly atStart?: boolean;
  readonly atEnd?: boolean;
}

export type Sign = " " | "-" | "+" | "\\" | "other";

const SIGNS: ReadonlyMap<number | undefined, Sign> = new Map([
  [0x20, " "],
  [0x2d, "-"],
  [0x2b, "+"],
  [0x5c, "\\"],
  [LF, " "],
]);

/** An empty line is an empty line of context, whose space an editor or a mail has stripped. */
export function isBlank({ bytes, starts }: Lines, n: number): boolean {
  const from = starts[n] as number;
  return bytes[from] === LF || (bytes[from] === CR && bytes[from + 1] === LF);
}

export function signOf(text: Lines, n: number): Sign {
  const first = text.bytes[text.starts[n] as number];
  if (first === CR && isBlank(text, n)) return " ";
  return SIGNS.get(first) ?? "other";
}

/** What line `n` says without its sign; without its newline too, where `\ No newline at end of file` follows. */
export function contentOf({ text, to }: Hunk, n: number): Span {
  const { bytes, starts } = text;
  const from = (starts[n] as number) + (isBlank(text, n) ? 0 : 1);
  const end = starts[n + 1] as number;
  const isCut = n + 1 < to && signOf(text, n + 1) === "\\" && bytes[end - 1] === LF;
  return { bytes, from, to: isCut ? end - 1 : end };
}

/** Collects the numbers of a hunk's old lines, of at most `most`. */
export function collectOld(most: number): { add(n: number): void; all(): Uint32Array } {
  let lines = new Uint32Array(Math.min(most, FIRST_LINES));
  let count = 0;
  return {
    add: (n) => {
      if (count === lines.length) {
        const larger = new Uint32Array(Math.min(most, count * 2));
        larger.set(lines);
        lines = larger;
      }
      lines[count++] = n;
    },
    all: () => lines.subarray(0, count),
  };
}

/** Room at first. */
const FIRST_LINES = 16;
