/**
 * How alike a line of a patch and a line of a file are: a table from the strictest to the mildest.
 * Nothing milder than this is ever taken for the same line; indentation and words always count.
 */
import { endOfBody, endOfInk, isTerminated, type Span, sameBytes } from "./text.ts";

type Test = (a: Span, b: Span) => boolean;

const TESTS = {
  /** Byte for byte. */
  exact: (a, b) => sameBytes(a, b),
  /** But for LF or CRLF; a missing newline is a difference. */
  eol: (a, b) => isTerminated(a) === isTerminated(b) && sameBytes(a, b, endOfBody(a), endOfBody(b)),
  /** But for blanks at its end, too. */
  trailingSpace: (a, b) => isTerminated(a) === isTerminated(b) && sameBytes(a, b, endOfInk(a), endOfInk(b)),
} satisfies Record<string, Test>;

export type Likeness = keyof typeof TESTS;

export function isAlike(a: Span, b: Span, likeness: Likeness): boolean {
  return TESTS[likeness](a, b);
}
