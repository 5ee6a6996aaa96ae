/**
 * The nearest line: where in a file a text that does not match was probably meant, for the message only.
 * Time: bounded by MAX_BYTES of the file and one line of the text.
 */

const NEWLINE = 0x0a;

/** Searched at most; what lies behind is not suggested. */
const MAX_BYTES = 128 * 1024;

/** Shown of a line. */
const MAX_SHOWN = 200;

export interface Nearest {
  /** 1-based. */
  readonly line: number;
  readonly text: string;
}

/** The 1-based lines of the bytes at `offsets`, which ascend. */
export function linesOf(bytes: Buffer, offsets: readonly number[]): number[] {
  let line = 1;
  let at = bytes.indexOf(NEWLINE);
  return offsets.map((offset) => {
    for (; at !== -1 && at < offset; at = bytes.indexOf(NEWLINE, at + 1)) line++;
    return line;
  });
}

/** The line that shares the most words with the longest line of `text`; undefined where none shares any. */
export function nearestLine(bytes: Buffer, text: string): Nearest | undefined {
  const wanted = longest(text.split("\n").map((line) => line.trim()));
  const words = new Set(wordsOf(wanted));
  let best: Nearest | undefined;
  let bestScore = 0;
  const lines = bytes.subarray(0, MAX_BYTES).toString("utf8").split("\n");
  for (const [n, line] of lines.entries()) {
    const score = line.trim() === wanted ? Number.POSITIVE_INFINITY : similarity(words, line);
    if (score <= bestScore) continue;
    bestScore = score;
    best = { line: n + 1, text: line.slice(0, MAX_SHOWN) };
  }
  return best;
}

function longest(lines: readonly string[]): string {
  return lines.reduce((longest, line) => (line.length > longest.length ? line : longest), "");
}

/** Share of words that both have: 0 to 1. */
function similarity(words: ReadonlySet<string>, line: string): number {
  const own = new Set(wordsOf(line));
  const shared = own.intersection(words).size;
  return shared === 0 ? 0 : shared / (own.size + words.size - shared);
}

function wordsOf(text: string): string[] {
  return text.match(/[\p{L}\p{N}_]+/gu) ?? [];
}
