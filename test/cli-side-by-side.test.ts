/** A diff in two columns: every row has the terminal's width, whatever the lines hold. */
import { expect, test } from "vitest";
import { rowsOf } from "../client/cli/side-by-side.ts";
import { widthOf } from "../client/cli/width.ts";
import type { Hunk } from "../protocol/methods/index.ts";

const fileWith = (...lines: string[]): Parameters<typeof rowsOf>[0] => {
  const hunk: Hunk = { id: "h", oldStart: 1, oldLines: 1, newStart: 1, newLines: 1, lines };
  return {
    ...{ path: "f", status: "update", added: 1, removed: 1 },
    ...{ binary: false, fullReplace: false, coarse: false, hunks: [hunk] },
  };
};

test.each([
  ["a", 1],
  ["漢字かなカナ한글", 16],
  ["e\u0301", 1],
  ["👩‍👩‍👧", 2],
  ["❤\ufe0f", 2],
  ["é…—", 3],
  ["\u200b", 0],
  ["ｆｕｌｌ", 8],
])("%j takes %i columns", (text, columns) => {
  expect(widthOf(text)).toBe(columns);
});

test.each([100, 101, 102, 133])("rows have one width on a terminal of %i columns", (columns) => {
  const long = [
    "x".repeat(200),
    "漢".repeat(80),
    "👩‍👩‍👧".repeat(60),
    `a${"漢".repeat(80)}`,
    "\t".repeat(60),
    "",
  ];
  const file = fileWith(...long.map((text) => `-${text}`), ...long.map((text) => `+${text}`), " \u001b[2J");
  const width = Math.floor((columns - 3) / 2);
  for (const row of rowsOf(file, columns)) {
    const { left = "", right = "" } = row ?? {};
    expect([widthOf(left), widthOf(right)]).toEqual([width, width]);
    expect(left.isWellFormed() && right.isWellFormed()).toBe(true);
  }
});
