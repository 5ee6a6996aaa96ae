/** What of a changed line a terminal emphasises. */
import { expect, test } from "vitest";
import { emphasise } from "../client/cli/emphasis.ts";

/** The lines with what is emphasised in brackets. */
function shown(...lines: string[]): string[] {
  const found = emphasise(lines);
  return lines.map((line, n) => {
    const { start, end } = found.get(n) ?? { start: 0, end: 0 };
    return start === end ? line : `${line.slice(0, start)}[${line.slice(start, end)}]${line.slice(end)}`;
  });
}

test.each([
  ["a word", ["-let a = one;", "+let a = two;"], ["-let a = [one];", "+let a = [two];"]],
  ["a word that came", ["-f(a)", "+f(a, b)"], ["-f(a)", "+f(a[, b])"]],
  [
    "a whole word, where a part changed",
    ["-counter = 1", "+counted = 1"],
    ["-[counter] = 1", "+[counted] = 1"],
  ],
  ["nothing, where all changed", ["-alpha", "+beta"], ["-alpha", "+beta"]],
  ["nothing, where one line became two", ["-a b", "+a c", "+a d"], ["-a b", "+a c", "+a d"]],
  [
    "line by line",
    [" x", "-a 1", "-b 1", "+a 2", "+b 2", " y"],
    [" x", "-a [1]", "-b [1]", "+a [2]", "+b [2]", " y"],
  ],
  [
    "no names",
    ["--- a/f 1", "+++ b/f 1", "@@ -1 +1 @@", "-a 1", "+a 2"],
    ["--- a/f 1", "+++ b/f 1", "@@ -1 +1 @@", "-a [1]", "+a [2]"],
  ],
  [
    "removed comments of SQL",
    ["@@ -1 +1 @@", "--- a 1", "+-- a 2"],
    ["@@ -1 +1 @@", "--- a [1]", "+-- a [2]"],
  ],
])("%s", (_, lines, expected) => {
  expect(shown(...lines)).toEqual(expected);
});

test("no line that is longer than anybody reads", () => {
  const long = "x ".repeat(600);
  expect(emphasise([`-${long}1`, `+${long}2`]).size).toBe(0);
});
