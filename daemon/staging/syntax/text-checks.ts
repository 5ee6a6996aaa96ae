/**
 * Checks of a text that need no parser: what agents and merges leave in files, in any language.
 * Owns the table. Pure functions over bytes; each check is linear in the text. A check's word is final ("error": the
 * file is not what was meant) or a hint ("warning"). Measured on valid and mutated files by scripts/mistakes.ts.
 */
import { type Finding, MAX_FINDINGS, type Report, type Shape } from "./report.ts";

interface TextCheck {
  readonly check: string;
  readonly severity: "error" | "warning";
  readonly message: string;
  /** Languages in which it may well be meant so. */
  readonly notIn?: readonly string[];
  /** The index of the line to point at; undefined where there is nothing to say. */
  find(lines: readonly string[]): number | undefined;
}

const CHECKS: readonly TextCheck[] = [
  {
    check: "conflict-markers",
    severity: "error",
    message: "A merge conflict is left in the file.",
    find: conflict,
  },
  {
    check: "fence",
    severity: "error",
    message: "A Markdown fence is left around the code.",
    notIn: ["text"],
    find: fence,
  },
  {
    check: "line-numbers",
    severity: "error",
    message: "The lines begin with their numbers, as a listing shows them.",
    notIn: ["text"],
    find: lineNumbers,
  },
  {
    check: "diff-prefixes",
    severity: "error",
    message: "The lines begin with a diff's plus signs.",
    notIn: ["text"],
    find: diffPrefixes,
  },
  {
    check: "escaped-newlines",
    severity: "error",
    message: "Line ends are written as a backslash and an n.",
    notIn: ["text", "json", "jsonc", "css", "html"],
    find: escapedNewlines,
  },
  {
    check: "elision",
    severity: "warning",
    message: "A comment stands for code that was left out.",
    notIn: ["text"],
    find: elision,
  },
];

/** What the text checks say of a text in `language`. */
export function checkText(text: string, language: string): Pick<Report, "errors" | "warnings" | "shape"> {
  const lines = linesOf(text);
  const found = CHECKS.flatMap(({ find, notIn, severity, check, message }) => {
    const index = notIn?.includes(language) ? undefined : find(lines);
    return index === undefined ? [] : { severity, finding: { line: index + 1, column: 1, check, message } };
  });
  const of = (wanted: TextCheck["severity"]): Finding[] =>
    found.flatMap(({ severity, finding }) => (severity === wanted ? finding : [])).slice(0, MAX_FINDINGS);
  return { errors: of("error"), warnings: of("warning"), shape: shapeOf(text, lines) };
}

/** Undefined for what is not text: a NUL near the beginning, or not UTF-8. A BOM is no part of the text. */
export function readText(bytes: Uint8Array): string | undefined {
  if (bytes.subarray(0, 8000).includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Whether a text may have what is looked for in files of any kind. */
export function hasConflict(bytes: Buffer): boolean {
  return bytes.includes("<<<<<<<") || bytes.includes(">>>>>>>");
}

function linesOf(text: string): string[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

/** A last line is told apart by so much of it. */
const SHAPE_CHARACTERS = 200;

function shapeOf(text: string, lines: readonly string[]): Shape {
  const lastLine = lines.findLast((line) => line.trim() !== "") ?? "";
  return {
    lines: lines.length,
    endsWithNewline: text.endsWith("\n"),
    lastLine: lastLine.trimEnd().slice(0, SHAPE_CHARACTERS),
  };
}

/** Two of a conflict's three markers in their order; one alone may be a heading's underline. */
function conflict(lines: readonly string[]): number | undefined {
  const begins = lines.findIndex((line) => /^<{7}( |\r?$)/.test(line));
  const parts = lines.findIndex((line, at) => at > begins && /^={7}\r?$/.test(line));
  const ends = lines.findIndex((line, at) => at > Math.max(begins, parts) && /^>{7}( |\r?$)/.test(line));
  const seen = [begins, parts, ends].filter((at) => at >= 0);
  return seen.length >= 2 && (begins >= 0 || ends >= 0) ? seen[0] : undefined;
}

const FENCE = /^(```|~~~)[\w+#.-]*\s*$/;

/** The file begins or ends with one, in the first column: none of the languages here has a use for that. */
function fence(lines: readonly string[]): number | undefined {
  const first = lines.findIndex((line) => line.trim() !== "");
  const last = lines.findLastIndex((line) => line.trim() !== "");
  return [first, last].find((at) => at >= 0 && FENCE.test(lines[at] as string));
}

/** So many lines make a pattern. */
const FEW_LINES = 3;
/** So much of a file follows it, where the file was copied from such a listing. */
const MOST = 0.8;

function lineNumbers(lines: readonly string[]): number | undefined {
  let expected: number | undefined;
  let hits = 0;
  let first: number | undefined;
  lines.forEach((line, at) => {
    const number = /^\s{0,8}(\d{1,6})(?:\t|→|: | ?\| ?|:$|$)/.exec(line)?.[1];
    if (number === undefined) return;
    if (expected === undefined || Number(number) === expected) hits += 1;
    expected = Number(number) + 1;
    first ??= at;
  });
  return hits >= FEW_LINES && hits >= MOST * lines.length ? first : undefined;
}

function diffPrefixes(lines: readonly string[]): number | undefined {
  const filled = lines.filter((line) => line.trim() !== "");
  const plus = filled.filter((line) => /^\+(?!\+\+ )/.test(line)).length;
  return plus >= FEW_LINES && plus >= MOST * filled.length ? 0 : undefined;
}

/** Written-out line ends in a file of a line or two: about every line of code has one, strings on one line have few. */
const ESCAPED_LINES = 2;
const ESCAPED_AT_LEAST = 5;
const ESCAPED_EVERY = 120;

function escapedNewlines(lines: readonly string[]): number | undefined {
  const filled = lines.filter((line) => line.trim() !== "");
  if (filled.length === 0 || filled.length > ESCAPED_LINES) return undefined;
  const text = filled.join("\n");
  const escaped = text.split("\\n").length - 1;
  return escaped > ESCAPED_AT_LEAST && escaped * ESCAPED_EVERY > text.length ? 0 : undefined;
}

const ELIDED =
  /^\s*(?:\/\/|#|--|;+|%|\/\*+|<!--|\{\/\*|\*|\(\*)\s*(?:(?:\.\.\.|…)\s*\(?(?:the )?(?:existing|rest|remaining|remainder|other|previous|same|unchanged|keep|omitted|more|all|your|code|implementation|imports|methods|functions|etc)\b|(?:\(?(?:the )?(?:existing|rest of|remaining|previous|other|unchanged|same as before|code omitted|implementation omitted)\b.*(?:\.\.\.|…)))/i;

function elision(lines: readonly string[]): number | undefined {
  const at = lines.findIndex((line) => (line.includes("...") || line.includes("…")) && ELIDED.test(line));
  return at < 0 ? undefined : at;
}
