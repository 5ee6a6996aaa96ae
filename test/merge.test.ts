/** Merging contents: beside `git merge-file`, byte for byte; what collides, and what is never guessed. */
import { execFileSync } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { startDiffer } from "../daemon/staging/differ.ts";
import { mergeContents } from "../daemon/staging/merge/contents.ts";
import { editText } from "../scripts/bench/diff/edits.ts";
import { type Random, seeded } from "../scripts/bench/diff/random.ts";
import { contents } from "./differ/contents.ts";

type Triple = readonly [base: string, ours: string, theirs: string];

const SIDES = ["base", "ours", "theirs"] as const;

/** What `git merge-file` says of each: the result, or undefined for a conflict. */
function gitMerges(triples: readonly Triple[]): (Buffer | undefined)[] {
  const directory = mkdtempSync(path.join(os.tmpdir(), "iopipe-merge-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  for (const name of [...SIDES, "result"]) mkdirSync(path.join(directory, name));
  for (const [n, triple] of triples.entries())
    for (const [side, text] of triple.entries())
      writeFileSync(path.join(directory, SIDES[side] ?? "", `${n}`), text);
  const script =
    'cd base; for n in *; do git merge-file -p "../ours/$n" "$n" "../theirs/$n" >"../result/$n"; echo "$n $?"; done';
  const said = execFileSync("sh", ["-c", script], {
    cwd: directory,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const status = new Map(
    said
      .trim()
      .split("\n")
      .map((line) => line.split(" ") as [string, string]),
  );
  return triples.map((_, n) =>
    status.get(`${n}`) === "0" ? readFileSync(path.join(directory, "result", `${n}`)) : undefined,
  );
}

function merge([base, ours, theirs]: Triple) {
  return mergeContents({ base: Buffer.from(base), ours: Buffer.from(ours), theirs: Buffer.from(theirs) });
}

/** Where only one of the two merged, and where both did, to different results. */
function compare(triples: readonly Triple[]) {
  const git = gitMerges(triples);
  const seen = { clean: 0, onlyGit: 0, onlyOurs: 0, different: 0 };
  for (const [n, triple] of triples.entries()) {
    const [merged, expected] = [merge(triple), git[n]];
    if (expected) seen.clean++;
    if (expected && !merged.clean) seen.onlyGit++;
    if (!expected && merged.clean) seen.onlyOurs++;
    if (expected && merged.clean && !expected.equals(merged.bytes)) seen.different++;
  }
  return seen;
}

const edited = (base: string, random: Random): Triple => [
  base,
  editText(base, 1 + random(3), random),
  editText(base, 1 + random(3), random),
];

describe("beside git merge-file", () => {
  test("1,000 edits of real files from two sides: the same result, or a conflict", () => {
    const random = seeded(12);
    const files = globSync("{daemon,client,protocol}/**/*.ts").sort();
    const texts = files.map((file) => readFileSync(file, "utf8"));
    const triples = Array.from({ length: 1000 }, () => edited(texts[random(texts.length)] ?? "", random));
    const { clean, onlyGit, onlyOurs, different } = compare(triples);
    expect(clean).toBeGreaterThan(500);
    expect({ onlyOurs, different }).toEqual({ onlyOurs: 0, different: 0 });
    expect(onlyGit).toBeLessThanOrEqual(0.01 * clean);
  }, 120_000);

  test("small files of few different lines, with and without a final newline: never merged where git would not", () => {
    const random = seeded(5);
    const lines = ["a", "b", "c", "", "{", "}", "x1\r", "x2", "x3"];
    const small = () =>
      Array.from({ length: random(25) }, () => lines[random(9)]).join("\n") + (random(3) ? "\n" : "");
    const { clean, onlyGit, onlyOurs, different } = compare(
      Array.from({ length: 2000 }, () => edited(small(), random)),
    );
    expect({ onlyOurs, different }).toEqual({ onlyOurs: 0, different: 0 });
    expect(onlyGit).toBeLessThanOrEqual(0.02 * clean);
  }, 120_000);
});

/** Pairs of which git's diff is another one of those that are as short, if lines are looked for in what differs alone. */
const LINES_ELSEWHERE: readonly Triple[] = [
  [
    "\n{\nc\nx2\nb\n}\nc\na\n}\n",
    "\nx2\nb\n}\nc\na\n}\n{\nc\n",
    "\n{\nc\nx2\n\n{\nc\nx2\nb\n}\nc\nx2\nb\n}\nc\na\n}\n\nc\na\n}\n",
  ],
  [
    "b\n{\nx1\nx2\nb\na\nc\nc\nc\na\nx1\n{",
    "b\n{\nx1\nx2\nb\n{\nx1\nx2\nb\na\nc\na\nc\nc\nc\na\nx1\nx2\nb\nc\nc\na\nx1\n{",
    "b\n{\nx1\nx2\nb\na\nc\nc\nrewritten\n{",
  ],
];

test("what git finds to collide by a line that stands elsewhere collides here too", () => {
  expect(compare(LINES_ELSEWHERE)).toEqual({ clean: 0, onlyGit: 0, onlyOurs: 0, different: 0 });
});

describe("whatever the bytes", () => {
  const equalOrBinary = (a: Buffer, merged: ReturnType<typeof mergeContents>) =>
    merged.clean ? merged.bytes.equals(a) : merged.reason === "binary";

  test("one side's change is the result; the same change on both is made once; sides can be exchanged", () => {
    fc.assert(
      fc.property(contents, contents, ([base, ours], [, theirs]) => {
        expect(equalOrBinary(ours, mergeContents({ base, ours, theirs: base }))).toBe(true);
        expect(equalOrBinary(ours, mergeContents({ base, ours: base, theirs: ours }))).toBe(true);
        expect(equalOrBinary(ours, mergeContents({ base, ours, theirs: ours }))).toBe(true);
        const [merged, exchanged] = [
          mergeContents({ base, ours, theirs }),
          mergeContents({ base, ours: theirs, theirs: ours }),
        ];
        expect(exchanged.clean).toBe(merged.clean);
        if (merged.clean && exchanged.clean) expect(exchanged.bytes.equals(merged.bytes)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });
});

describe("what collides", () => {
  const base = "1\n2\n3\n4\n5\n6\n";
  test.each<[string, string, string, string]>([
    ["far apart", base.replace("1", "one"), base.replace("6", "six"), "one\n2\n3\n4\n5\nsix\n"],
    ["one line between", base.replace("2", "two"), base.replace("4", "four"), "1\ntwo\n3\nfour\n5\n6\n"],
    ["CRLF", "1\r\n2\n3\n4\n5\n6\n", "1\n2\n3\n4\n5\n6\r\n", "1\r\n2\n3\n4\n5\n6\r\n"],
    ["the final newline away", base.replace("1", "one"), base.slice(0, -1), "one\n2\n3\n4\n5\n6"],
    ["deleted and changed elsewhere", "3\n4\n5\n6\n", base.replace("6", "six"), "3\n4\n5\nsix\n"],
  ])("not: %s", (_, ours, theirs, result) => {
    const merged = merge([base, ours, theirs]);
    expect(merged.clean && merged.bytes.toString()).toBe(result);
  });

  test.each<[string, string, string, object]>([
    [
      "the same line",
      base.replace("3", "x"),
      base.replace("3", "y"),
      { base: { start: 2, end: 3 }, ours: { start: 2, end: 3 } },
    ],
    ["neighbours", base.replace("3", "x"), base.replace("4", "y"), { base: { start: 2, end: 4 } }],
    [
      "insertions in one place",
      base.replace("3", "3\nx"),
      base.replace("3", "3\ny\nz"),
      { base: { start: 3, end: 3 }, theirs: { start: 3, end: 5 } },
    ],
    ["changed and deleted", base.replace("3\n", ""), base.replace("3", "x"), { ours: { start: 2, end: 2 } }],
    [
      "line endings of the whole file and a line",
      base.replaceAll("\n", "\r\n"),
      base.replace("3", "x"),
      { base: { start: 0, end: 6 } },
    ],
    ["the last line's newline", base.slice(0, -1), `${base}7\n`, { base: { start: 5, end: 6 } }],
  ])("%s", (_, ours, theirs, region) => {
    expect(merge([base, ours, theirs])).toMatchObject({ clean: false, reason: "overlap", regions: [region] });
  });

  test("what is binary, or too large to be told apart, as a whole", () => {
    expect(merge(["a\0", "b\0", "a\0"])).toEqual({ clean: false, reason: "binary" });
    const large = "line\n".repeat(250_000);
    expect(merge([large, `x\n${large}y\n`, `${large}z\n`])).toEqual({ clean: false, reason: "coarse" });
    const [ours, theirs] = [base.replace("1", "one"), base.replace("6", "six")];
    expect(mergeContents({ ...sides(base, ours, theirs), coarse: true })).toEqual({
      clean: false,
      reason: "coarse",
    });
  });

  test("a merge that another diff, as short, would make otherwise", () => {
    const ambiguous: Triple = ["c\na\nc\n", "a\nc\nc\n", "c\na\nc\nc\n"];
    expect(merge(ambiguous)).toEqual({ clean: false, reason: "ambiguous" });
  });
});

const sides = (base: string, ours: string, theirs: string) => ({
  base: Buffer.from(base),
  ours: Buffer.from(ours),
  theirs: Buffer.from(theirs),
});

test("the worker merges too", async () => {
  const differ = startDiffer({ workers: 1 });
  onTestFinished(() => differ.close());
  const { base, ours, theirs } = sides("1\n2\n3\n", "one\n2\n3\n", "1\n2\nthree\n");
  const merged = await differ.merge({
    base: { bytes: base },
    ours: { bytes: ours },
    theirs: { bytes: theirs },
  });
  expect(merged.clean && Buffer.from(merged.bytes).toString()).toBe("one\n2\nthree\n");
});
