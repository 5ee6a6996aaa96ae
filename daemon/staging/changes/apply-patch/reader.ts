/**
 * A patch's text as lines to read one after the other: where the reading is, which lines are markers, and how a line is
 * refused that has no place where it stands.
 */
import { IopipeError } from "../../../../protocol/wire/errors.ts";
import type { Lines } from "../../diff/lines.ts";
import type { Pace } from "../../pace.ts";
import { isBlank } from "../hunks/hunk.ts";
import { bytesOf, endOfBody, spanOf } from "../hunks/text.ts";

export interface Reader {
  readonly text: Lines;
  readonly pace: Pace;
  /** The next line, 0-based. */
  at: number;
}

export const END = "*** End Patch";

export function skipBlank(reader: Reader): void {
  while (reader.at < reader.text.count && isBlank(reader.text, reader.at)) reader.at++;
}

/** Longest marker that is read, in bytes: a path of PATH_MAX and what is before it. */
const MAX_MARKER_BYTES = 8192;

/** A line that begins with `***`, without its end; undefined for any other. */
export function markerAt({ text }: Reader, n: number): string | undefined {
  if (n >= text.count) return undefined;
  const span = spanOf(text, n);
  if (text.bytes.toString("latin1", span.from, span.from + 4) !== "*** ") return undefined;
  return text.bytes
    .toString("utf8", span.from, Math.min(endOfBody(span), span.from + MAX_MARKER_BYTES))
    .trimEnd();
}

/** Of a line that is quoted in a message, in bytes. */
const MAX_QUOTED_BYTES = 80;

export function unexpected({ text }: Reader, line: number): IopipeError {
  if (line >= text.count)
    return malformed(
      `It ends without \`${END}\``,
      undefined,
      "Send the whole patch; it may have been cut off.",
    );
  const span = spanOf(text, line);
  const shown = bytesOf({ ...span, to: Math.min(endOfBody(span), span.from + MAX_QUOTED_BYTES) });
  return malformed(`This line has no place here: ${JSON.stringify(shown.toString())}`, line, LINES_HINT);
}

const LINES_HINT =
  "Lines of a file begin with a space, `-` or `+`; between files stand `*** Add File: `, `*** Delete File: ` or `*** Update File: ` with a path.";

/** `line`: 0-based; told 1-based, as `patchLine`. */
export function malformed(fact: string, line?: number, hint?: string): IopipeError {
  const where = line === undefined ? "" : ` (line ${line + 1} of the patch)`;
  return new IopipeError("PatchMalformed", `The patch cannot be used: ${fact}${where}.`, {
    ...(line !== undefined && { patchLine: line + 1 }),
    ...(hint !== undefined && { hint }),
  });
}
