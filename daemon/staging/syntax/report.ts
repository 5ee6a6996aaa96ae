/**
 * What is known about one content in one language: the parser's word, the text checks' findings, and its shape.
 * Shapes only; text-checks.ts and the parsers make them, rule.ts judges a pair of them.
 * Units: lines and columns count from 1, columns in UTF-16 code units, as editors and LSP do.
 */

export interface Finding {
  readonly line: number;
  readonly column: number;
  readonly message: string;
  /** Which check says so: "syntax" is the parser, the others are text-checks.ts'. */
  readonly check: string;
}

/** What two contents are compared by, so that a cut or emptied file is noticed. */
export interface Shape {
  readonly lines: number;
  readonly endsWithNewline: boolean;
  /** The last line that is not blank, cut off at SHAPE_CHARACTERS. */
  readonly lastLine: string;
}

export interface Report {
  /** `unknown`: nobody looked, or nobody could; never as good as clean. */
  readonly parsed: "clean" | "broken" | "unknown";
  /** Why unknown. */
  readonly why?: string;
  /** The parser was not reached, or died of it; asked again, it may well answer. */
  readonly passing?: "unreached" | "died";
  /** The errors may be a dialect's (a template, JSON with comments), which a new file may well be in. */
  readonly dialect?: true;
  /** Sorted as found, at most MAX_FINDINGS. */
  readonly errors: readonly Finding[];
  readonly warnings: readonly Finding[];
  readonly shape?: Shape;
}

/** What a parser says. */
export type Parsed = Pick<Report, "parsed" | "errors"> &
  Partial<Pick<Report, "why" | "warnings" | "dialect">>;

/** More of one file than this helps nobody. */
export const MAX_FINDINGS = 10;

/** Contents above this are not looked at: what is larger is generated, bundled or data. */
export const MAX_CHECKED_BYTES = 1024 * 1024;

export function unknown(why: string, more: Partial<Report> = {}): Report {
  return { errors: [], warnings: [], ...more, parsed: "unknown", why };
}

export const NO_PARSER: Report = unknown("There is no parser for this kind of file.");

/** Line and column of an offset in UTF-16 code units. */
export function positionAt(text: string, offset: number): Pick<Finding, "line" | "column"> {
  let line = 1;
  let start = 0;
  for (let end = text.indexOf("\n"); end >= 0 && end < offset; end = text.indexOf("\n", start)) {
    line += 1;
    start = end + 1;
  }
  return { line, column: Math.max(0, Math.min(offset, text.length) - start) + 1 };
}

export const CLEAN: Parsed = { parsed: "clean", errors: [] };

/** `dialect`: see Report. */
export function broken(errors: readonly Finding[], dialect = false): Parsed {
  return { parsed: "broken", errors: errors.slice(0, MAX_FINDINGS), ...(dialect && { dialect }) };
}
