/** The text checks, and the rule that two reports come to: tables, no parser. */
import { describe, expect, test } from "vitest";
import { CLEAN, type Report } from "../daemon/staging/syntax/report.ts";
import { judge } from "../daemon/staging/syntax/rule.ts";
import { checkText, readText } from "../daemon/staging/syntax/text-checks.ts";
import { processorMs } from "./fixture/processor.ts";

const numbered = (lines: string[], sign: string) =>
  lines.map((line, n) => `${n + 7}${sign}${line}\n`).join("");
const code = ["def f():", "    return 1", "", "print(f())"];

/** What is found, as check names; each with its line. */
const found = (text: string, language = "python"): string[] => {
  const { errors, warnings } = checkText(text, language);
  return [...errors, ...warnings].map(({ check, line }) => `${check} ${line}`);
};

test.each<[what: string, text: string, expected: string[], language?: string]>([
  ["a conflict", "a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> d\n", ["conflict-markers 2"]],
  ["a conflict with CRLF", "<<<<<<< HEAD\r\nb\r\n=======\r\nc\r\n>>>>>>> d\r\n", ["conflict-markers 1"]],
  ["a conflict without its middle", "<<<<<<< HEAD\nb\n>>>>>>> d\n", ["conflict-markers 1"]],
  ["a conflict's end", "b\n=======\nc\n>>>>>>> d\n", ["conflict-markers 2"]],
  ["a conflict in a text", "<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> d\n", ["conflict-markers 1"], "text"],
  ["a heading's underline", "Heading\n=======\ntext\n", []],
  ["markers in the wrong order", ">>>>>>> a\n=======\n<<<<<<< b\n", []],
  ["indented markers", " <<<<<<< a\n =======\n >>>>>>> b\n", []],
  ["a fence around it", "```python\nx = 1\n```\n", ["fence 1"]],
  ["a fence at its end", "\nx = 1\n```\n\n", ["fence 3"]],
  ["a fence in a text", "```\nx = 1\n```\n", [], "text"],
  ["a fence within", 'x = """\n```\na\n```\n"""\n', []],
  ["a template that begins like one", "```js a```\nb\n", [], "javascript"],
  ["line numbers with a tab", numbered(code, "\t"), ["line-numbers 1"]],
  ["line numbers with an arrow", numbered(code, "→"), ["line-numbers 1"]],
  ["line numbers with a bar", numbered(code, " | "), ["line-numbers 1"]],
  ["line numbers with a colon", numbered(code, ": "), ["line-numbers 1"]],
  ["numbers that do not count up", "1: a\n1: b\n1: c\n7: d\n", [], "yaml"],
  ["line numbers in a text", numbered(code, "\t"), [], "text"],
  ["a diff's additions", code.map((line) => `+${line}\n`).join(""), ["diff-prefixes 1"]],
  ["sums", "a = (1\n+ 2\n+ 3)\n", []],
  ["written-out line ends", code.join("\\n").repeat(3), ["escaped-newlines 1"]],
  ["written-out line ends in JSON", `"${code.join("\\n").repeat(3)}"\n`, [], "json"],
  ["one long line with a few", `x = "${"a".repeat(1000)}${"\\n".repeat(6)}"\n`, []],
  ["an elision", "a = 1\n# ... existing code ...\n", ["elision 2"]],
  ["an elision of the rest", "  // … rest of the file unchanged\n", ["elision 1"], "javascript"],
  ["an elision in brackets", "/* (remaining methods ...) */\n", ["elision 1"], "java"],
  ["an elision in HTML", "<!-- ... other items ... -->\n", ["elision 1"], "html"],
  ["a comment with dots", "// wait for it...\n// ... and then some\n", [], "javascript"],
  ["a spread", "f(...rest)\n", [], "javascript"],
  ["nothing", "", []],
])("%s", (_, text, expected, language) => {
  expect(found(text, language)).toEqual(expected);
});

test("what is not text is not read: NUL, and what is not UTF-8; a BOM is left out", () => {
  expect(readText(Buffer.from("a\0b"))).toBeUndefined();
  expect(readText(Buffer.from("caf\xe9", "latin1"))).toBeUndefined();
  expect(readText(Buffer.from("\ufeffa"))).toBe("a");
});

test("a mebibyte of anything is checked in a moment", () => {
  for (const piece of ["<<<<<<< a\n", "/* ", "\\n", "# ...", "1\t\n", "+", " ", "```", "…"]) {
    const text = piece.repeat(2 ** 20 / piece.length);
    expect(
      processorMs(() => checkText(text, "python")),
      piece,
    ).toBeLessThan(2000);
  }
});

const finding = { line: 2, column: 3, message: "Wrong.", check: "syntax" };
const clean: Report = { ...CLEAN, warnings: [] };
const broken: Report = { parsed: "broken", errors: [finding], warnings: [] };
const dialect: Report = { ...broken, dialect: true };
const unknown: Report = { parsed: "unknown", why: "Nobody looked.", errors: [], warnings: [] };
const fenced: Report = { ...clean, errors: [{ ...finding, check: "fence" }] };
const conflict: Report = { ...unknown, errors: [{ ...finding, check: "conflict-markers" }] };

test.each<[before: Report | undefined, after: Report, sure: boolean, status: string, refused: boolean]>([
  [clean, clean, true, "ok", false],
  [broken, clean, false, "ok", false],
  [undefined, clean, false, "ok", false],
  [clean, broken, true, "invalid", true],
  [clean, broken, false, "invalid", true],
  [clean, dialect, true, "invalid", true],
  [clean, fenced, false, "invalid", true],
  [clean, conflict, false, "invalid", true],
  [broken, broken, true, "invalid", false],
  [broken, broken, false, "unknown", false],
  [unknown, broken, true, "invalid", false],
  [unknown, conflict, false, "unknown", false],
  [fenced, fenced, true, "invalid", false],
  [undefined, broken, true, "invalid", true],
  [undefined, broken, false, "unknown", false],
  [undefined, dialect, true, "unknown", false],
  [undefined, conflict, false, "unknown", false],
  [clean, unknown, true, "unknown", false],
  [undefined, unknown, true, "unknown", false],
])("%j, then %j (sure: %j) is %s, refused: %j", (before, after, sure, status, refused) => {
  const verdict = judge({ sure }, before, after);
  expect(verdict).toMatchObject({ status, refused });
  for (const { severity } of verdict.diagnostics) expect(severity).toBe(refused ? "error" : "warning");
});

describe("what a file lost", () => {
  const lines = Array.from({ length: 40 }, (_, n) => `line ${n}\n`);
  const report = (text: string): Report => ({ ...clean, ...checkText(text, "python") });
  const told = (before: string, after: string): string[] =>
    judge({ sure: true }, report(before), report(after)).diagnostics.map(({ check }) => check);
  const whole = lines.join("");

  test.each([
    ["its end, in the middle of a line", whole.slice(0, 100), ["cut-off"]],
    ["the end of its last line", whole.slice(0, -3), ["cut-off"]],
    ["its second half", lines.slice(0, 20).join(""), ["shrinking"]],
    ["its middle", [...lines.slice(0, 5), ...lines.slice(35)].join(""), []],
    ["its last lines", lines.slice(0, 30).join(""), []],
    ["its final newline", whole.slice(0, -1), []],
    ["nothing", `${whole}more\n`, []],
    ["everything", "", ["shrinking"]],
  ])("%s", (_, after, expected) => {
    expect(told(whole, after)).toEqual(expected);
  });

  test("a short file is rewritten without a word, and an elision that was there before is not told again", () => {
    expect(told("a\nb\nc\n", "d\n")).toEqual([]);
    expect(told("# ... existing code ...\n", "# ... existing code ...\nb\n")).toEqual([]);
  });
});
