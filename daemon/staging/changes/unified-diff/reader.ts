/**
 * A diff's text as lines to read one after the other: where the reading is, and what kind of line stands there.
 * Lines are latin1 strings when they are looked at as headers, so that no byte of a name is lost.
 */
import type { Lines } from "../../diff/lines.ts";
import { isBlank } from "../hunks/hunk.ts";
import { endOfBody, spanOf } from "../hunks/text.ts";

export interface Reader {
  readonly text: Lines;
  /** The next line, 0-based. */
  at: number;
}

/** Bytes of a line that are looked at as a header: two names of 4 KiB, quoted, and a time. */
const MAX_HEADER_BYTES = 64 * 1024;

/** Line `n` without its end; "" behind the last one. */
export function lineAt({ text }: Reader, n: number): string {
  if (n >= text.count) return "";
  const span = spanOf(text, n);
  return text.bytes.toString("latin1", span.from, Math.min(endOfBody(span), span.from + MAX_HEADER_BYTES));
}

export function startsWith({ text }: Reader, n: number, prefix: string): boolean {
  if (n >= text.count) return false;
  const from = text.starts[n] as number;
  // Most lines are told by their first byte.
  if (text.bytes[from] !== prefix.charCodeAt(0)) return false;
  return text.bytes.toString("latin1", from, from + prefix.length) === prefix;
}

export function isEnd({ text }: Reader, n: number): boolean {
  return n >= text.count;
}

/** The first line from `n` on that is not blank; the number of lines where there is none. */
export function skipBlank({ text }: Reader, n: number): number {
  let at = n;
  while (at < text.count && isBlank(text, at)) at++;
  return at;
}

/** `--- old` and `+++ new`, one below the other: as a deletion and an addition they would be of `-- old` and `++ new`. */
export function isNamePair(reader: Reader, n: number): boolean {
  return startsWith(reader, n, "--- ") && startsWith(reader, n + 1, "+++ ");
}

/** The line before a mail's signature, which git format-patch writes below a diff. */
export function isSignature(reader: Reader, n: number): boolean {
  if (!startsWith(reader, n, "--") || !/^-- ?$/.test(lineAt(reader, n))) return false;
  const next = lineAt(reader, n + 1);
  return isEnd(reader, n + 1) || /^\d+\./.test(next);
}
