/**
 * How alike a line of a patch and a line of a file are: a table from the strictest to the mildest.
 * Nothing milder than this is ever taken for the same line; indentation and words always count.
 */
import { endOfBody, endOfInk, isTerminated, type Span, sameBytes, startOfInk } from "./text.ts";

type Test = (a: Span, b: Span) => boolean;

const TESTS = {
  /** Byte for byte. */
  exact: (a, b) => sameBytes(a, b),
  /** But for LF or CRLF; a missing newline is a difference. */
  eol: (a, b) => isTerminated(a) === isTerminated(b) && sameBytes(a, b, endOfBody(a), endOfBody(b)),
  /** But for blanks at its end, too. */
  trailingSpace: (a, b) => isTerminated(a) === isTerminated(b) && sameBytes(a, b, endOfInk(a), endOfInk(b)),
  /** But for white space around it: enough for a line that only tells the way, and stays. */
  trimmed: (a, b) => sameBytes(inked(a), inked(b)),
} satisfies Record<string, Test>;

function inked(span: Span): Span {
  return { ...span, from: startOfInk(span), to: endOfInk(span) };
}

/** What a hunk's lines may be to those that they change. */
export type Likeness = Exclude<keyof typeof TESTS, "trimmed">;

export function isAlike(a: Span, b: Span, likeness: keyof typeof TESTS): boolean {
  return TESTS[likeness](a, b);
}
