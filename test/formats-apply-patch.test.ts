/** applyPatch: the `*** Begin Patch` form is taken where the file proves each place, and refused elsewhere. */
import { symlinkSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { Change, ChangeOf } from "../protocol/methods/index.ts";
import { stagedTree } from "./formats/staged-tree.ts";
import { makeScene } from "./staging-scene.ts";

const patch = (...lines: string[]): ChangeOf<"applyPatch"> => ({
  kind: "applyPatch",
  text: ["*** Begin Patch", ...lines, "*** End Patch", ""].join("\n"),
});

const PYTHON = `class A:
    def run(self):
        start()
        work()
        return 1

    def stop(self):
        return 1


class B:
    def run(self):
        start()
        work()
        return 1
`;
const JS = "function one() {\n  return 1;\n}\n\nfunction two() {\n  return 1;\n}\n";
const FILES = {
  "a.py": PYTHON,
  "a.js": JS,
  text: "one\ntwo\nthree\n",
  crlf: "one\r\ntwo\r\nthree\r\n",
  bare: "one\ntwo",
  "bare crlf": "one\r\ntwo",
  blanks: "one  \n\t\ntwo\nthree\n",
  empty: "",
  other: "x\n",
};

interface Taken {
  readonly name: string;
  readonly lines: readonly string[];
  /** What is then at paths; undefined where nothing is. */
  readonly gives: Readonly<Record<string, string | undefined>>;
  readonly match?: readonly [line: number, exactness: string][];
}

const taken: readonly Taken[] = [
  {
    name: "a file added, one deleted, one moved",
    lines: [
      "*** Add File: n/deep",
      "+1",
      "+",
      "+3",
      "*** Delete File: other",
      "*** Update File: text",
      "*** Move to: t2",
    ],
    gives: { "n/deep": "1\n\n3\n", other: undefined, text: undefined, t2: "one\ntwo\nthree\n" },
  },
  {
    name: "lines added at the end of a file, ended as its own are",
    lines: ["*** Update File: crlf", "+four", "+five", "*** End of File"],
    gives: { crlf: "one\r\ntwo\r\nthree\r\nfour\r\nfive\r\n" },
    match: [[4, "eol"]],
  },
  { name: "an empty file added", lines: ["*** Add File: n"], gives: { n: "" } },
  {
    name: "an update with context",
    lines: ["*** Update File: text", "@@", " one", "-two", "+2", " three"],
    gives: { text: "one\n2\nthree\n" },
    match: [[1, "exact"]],
  },
  {
    name: "an update without @@",
    lines: ["*** Update File: text", "-two", "+2"],
    gives: { text: "one\n2\nthree\n" },
    match: [[2, "exact"]],
  },
  {
    name: "a move with an update",
    lines: ["*** Update File: text", "*** Move to: d/t", "@@", "-two", "+2"],
    gives: { text: undefined, "d/t": "one\n2\nthree\n" },
    match: [[2, "exact"]],
  },
  {
    name: "several chunks",
    lines: ["*** Update File: text", "@@", "-one", "+1", "@@", "-three", "+3"],
    gives: { text: "1\ntwo\n3\n" },
    match: [
      [1, "exact"],
      [3, "exact"],
    ],
  },
  {
    name: "an anchor: what is indented below it counts",
    lines: ["*** Update File: a.js", "@@ function two() {", "-  return 1;", "+  return 2;"],
    gives: { "a.js": JS.replace(/1;\n}\n$/, "2;\n}\n") },
    match: [[6, "exact"]],
  },
  {
    name: "the first of two like it, by its anchor",
    lines: ["*** Update File: a.js", "@@ function one() {", "-  return 1;", "+  return 2;"],
    gives: { "a.js": JS.replace("1", "2") },
    match: [[2, "exact"]],
  },
  {
    name: "anchors in anchors, without their indentation",
    lines: [
      "*** Update File: a.py",
      "@@ class B:",
      "@@ def run(self):",
      "-        work()",
      "+        play()",
    ],
    gives: { "a.py": PYTHON.replace(/work\(\)(?=\n {8}return 1\n$)/, "play()") },
    match: [[14, "exact"]],
  },
  {
    name: "one anchor of two chunks",
    lines: [
      "*** Update File: a.py",
      "@@ class A:",
      "-        start()",
      "+        begin()",
      "@@ class A:",
      "-        work()",
      "+        play()",
    ],
    gives: { "a.py": PYTHON.replace("start()\n        work()", "begin()\n        play()") },
  },
  {
    name: "an anchor that is the chunk's first line too",
    lines: [
      "*** Update File: a.js",
      "@@ function two() {",
      " function two() {",
      "-  return 1;",
      "+  return 2;",
      " }",
    ],
    gives: { "a.js": JS.replace(/1;\n}\n$/, "2;\n}\n") },
  },
  {
    name: "an anchor that opens no block",
    lines: ["*** Update File: text", "@@ one", "-three", "+3"],
    gives: { text: "one\ntwo\n3\n" },
  },
  {
    name: "the end of the file",
    lines: ["*** Update File: text", "@@", " three", "+four", "*** End of File"],
    gives: { text: "one\ntwo\nthree\nfour\n" },
  },
  {
    name: "lines alone at the end of the file",
    lines: ["*** Update File: text", "@@", "+four", "*** End of File"],
    gives: { text: "one\ntwo\nthree\nfour\n" },
  },
  {
    name: "lines alone for an empty file",
    lines: ["*** Update File: empty", "+one"],
    gives: { empty: "one\n" },
  },
  {
    name: "CRLF, which the form cannot say, is kept",
    lines: ["*** Update File: crlf", " one", "-two", "+2", "+2b", " three"],
    gives: { crlf: "one\r\n2\r\n2b\r\nthree\r\n" },
    match: [[1, "eol"]],
  },
  {
    name: "a missing final newline is kept, at a changed line",
    lines: ["*** Update File: bare", " one", "-two", "+2"],
    gives: { bare: "one\n2" },
    match: [[1, "exact"]],
  },
  {
    name: "a missing final newline is kept, behind a line that comes",
    lines: ["*** Update File: bare crlf", " two", "+three"],
    gives: { "bare crlf": "one\r\ntwo\r\nthree" },
    match: [[2, "eol"]],
  },
  {
    name: "blanks at the ends of lines may be missing, and stay",
    lines: ["*** Update File: blanks", " one", "", "-two", "+2"],
    gives: { blanks: "one  \n\t\n2\nthree\n" },
    match: [[1, "trailingSpace"]],
  },
  {
    name: "blank lines between the files",
    lines: ["", "*** Update File: text", "-two", "+2", "", "*** Delete File: other", ""],
    gives: { text: "one\n2\nthree\n", other: undefined },
  },
  {
    name: "one file twice, the second on the first",
    lines: ["*** Update File: text", "-two", "+2", "*** Update File: text", "-2", "+zwei"],
    gives: { text: "one\nzwei\nthree\n" },
  },
];

test.each(taken.map((each) => [each.name, each] as const))("%s", async (_, { lines, gives, match }) => {
  const scene = makeScene(FILES);
  const patches = await scene.stage(patch(...lines));
  const tree = await stagedTree(scene);
  for (const [name, content] of Object.entries(gives))
    expect(tree[name], name).toBe(content === undefined ? undefined : `false ${content}`);
  if (match)
    expect(patches.flatMap(({ findings }) => findings.match ?? [])).toEqual(
      match.map(([line, exactness]) => ({ line, exactness })),
    );
});

test("what stands around it is passed over: a here-document, prose, CRLF of its own", async () => {
  const scene = makeScene(FILES);
  const text = "apply_patch <<'EOF'\n*** Begin Patch\n*** Update File: text\n-two\n+2\n*** End Patch\nEOF\n";
  await scene.stage({ kind: "applyPatch", text });
  expect(await scene.read("text")).toBe("one\n2\nthree\n");
  const windows = "*** Begin Patch\n*** Update File: crlf\n-two\n+2\n*** End Patch".replaceAll("\n", "\r\n");
  await scene.stage({ kind: "applyPatch", text: windows });
  expect(await scene.read("crlf")).toBe("one\r\n2\r\nthree\r\n");
});

test("several patches in one text are one after the other", async () => {
  const scene = makeScene(FILES);
  const [first, second] = [
    patch("*** Update File: text", "-two", "+2"),
    patch("*** Update File: text", "-2", "+II"),
  ];
  await scene.stage({ kind: "applyPatch", text: `${first.text}\nand\n${second.text}` });
  expect(await scene.read("text")).toBe("one\nII\nthree\n");
});

describe("refused", () => {
  test.each<[string, Change, string, object?]>([
    ["nothing", { kind: "applyPatch", text: "" }, "PatchMalformed"],
    ["no file", patch(), "PatchMalformed"],
    [
      "no end: it may have been cut off",
      { kind: "applyPatch", text: "*** Begin Patch\n*** Delete File: text\n" },
      "PatchMalformed",
    ],
    [
      "a file behind the end: it would be dropped",
      {
        kind: "applyPatch",
        text: `${patch("*** Delete File: text").text}*** Delete File: crlf\n*** End Patch\n`,
      },
      "PatchMalformed",
      { patchLine: 4 },
    ],
    ["an unknown section", patch("*** Rename File: text"), "PatchMalformed", { patchLine: 2 }],
    [
      "a line without a sign",
      patch("*** Update File: text", " one", "two"),
      "PatchMalformed",
      { patchLine: 4 },
    ],
    [
      "a line without a sign in an added file",
      patch("*** Add File: n", "+1", "2"),
      "PatchMalformed",
      { patchLine: 4 },
    ],
    ["an update that says nothing", patch("*** Update File: text"), "PatchMalformed"],
    ["a chunk that changes nothing", patch("*** Update File: text", " one", " two"), "PatchMalformed"],
    ["adding what is there", patch("*** Add File: text", "+x"), "FileExists", { path: "text" }],
    [
      "moving onto what is there",
      patch("*** Update File: text", "*** Move to: other"),
      "FileExists",
      { path: "other" },
    ],
    [
      "updating what is not there",
      patch("*** Update File: none", "-a", "+b"),
      "FileNotFound",
      { path: "none" },
    ],
    ["deleting what is not there", patch("*** Delete File: none"), "FileNotFound", { path: "none" }],
    [
      "moving a link with an update",
      patch("*** Update File: link", "*** Move to: l2", "-two", "+2"),
      "NotAFile",
    ],
    ["out of the root", patch("*** Add File: ../x", "+x"), "PathEscape"],
    ["an absolute path", patch("*** Add File: /etc/iopipe-x", "+x"), "PathEscape"],
    ["git's own", patch("*** Add File: .git/hooks/x", "+x"), "PathProtected"],
    [
      "two places",
      patch("*** Update File: a.js", "-  return 1;", "+  return 2;"),
      "MatchAmbiguous",
      { lines: [2, 6], chunk: 0, patchLine: 3 },
    ],
    [
      "two places below an anchor",
      patch("*** Update File: a.py", "@@ class A:", "-        return 1", "+        return 2"),
      "MatchAmbiguous",
      { lines: [5, 8] },
    ],
    [
      "two anchors",
      patch("*** Update File: a.py", "@@ def run(self):", "-        work()", "+        play()"),
      "MatchAmbiguous",
      { lines: [4, 14] },
    ],
    [
      "an anchor that is not there",
      patch("*** Update File: a.js", "@@ function three() {", "-  return 1;", "+  x"),
      "MatchNotFound",
    ],
    [
      "old lines that are not there",
      patch("*** Update File: text", "-zwei", "+2"),
      "MatchNotFound",
      { chunk: 0 },
    ],
    [
      "other indentation",
      patch("*** Update File: a.js", "@@ function two() {", "-    return 1;", "+  x"),
      "MatchNotFound",
    ],
    [
      "behind the chunk before",
      patch("*** Update File: text", "-three", "+3", "@@", "-one", "+1"),
      "MatchNotFound",
      { chunk: 1 },
    ],
    ["not at the end", patch("*** Update File: text", "-two", "+2", "*** End of File"), "MatchNotFound"],
    ["lines alone", patch("*** Update File: text", "@@ one", "+x"), "MatchAmbiguous"],
    ["other bytes than were read", { ...patch("*** Delete File: text"), baseHash: "0".repeat(64) }, "Stale"],
    [
      "a baseHash for several files",
      { ...patch("*** Delete File: text", "*** Delete File: other"), baseHash: "0".repeat(64) },
      "InvalidParams",
    ],
  ])("%s", async (_, change, kind, data = {}) => {
    const scene = makeScene(FILES);
    symlinkSync("text", path.join(scene.root, "link"));
    await expect(scene.stage(change)).rejects.toMatchObject({ kind, data: { index: 0, ...data } });
    expect(scene.pending()).toEqual([]);
  });

  test("an anchor that is everywhere", async () => {
    const scene = makeScene({ same: "x\n".repeat(1000) });
    await expect(scene.stage(patch("*** Update File: same", "@@ x", "-y", "+z"))).rejects.toMatchObject({
      kind: "MatchAmbiguous",
    });
  });
});
