/** Ignoring as git does, and what is folded; the pattern matcher is held against git itself. */

import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { selectionOf } from "../daemon/watch/filter.ts";
import { openIgnore } from "../daemon/watch/ignore.ts";
import { priorityOf } from "../daemon/watch/priority.ts";
import { unproven } from "../daemon/watch/unproven.ts";
import { faultIn, wildmatch } from "../daemon/watch/wildmatch.ts";
import type { FileChange } from "../protocol/methods/values.ts";
import { processorMs } from "./fixture/processor.ts";
import { makePlace, type Opened, type Place } from "./watch/fixture.ts";

let place: Place;
let opened: Opened;

beforeEach(() => {
  place = makePlace();
  place.git("init", "-q");
});

afterEach(async () => {
  await place.remove();
});

async function begin(): Promise<string> {
  opened = place.open();
  return opened.sync();
}

const paths = (changes: readonly FileChange[]): string[] => changes.map((change) => change.path).sort();

describe("folding", () => {
  test("an ignored directory's changes are one entry, and nothing below is told", async () => {
    place.write(".gitignore", "node_modules/\n*.log\n");
    place.write("node_modules/a/index.js");
    const clock = await begin();
    for (let n = 0; n < 5; n++) place.write(`node_modules/a/${n}.js`);
    place.write("node_modules/new.js");
    place.write("some.log");
    await opened.sync();
    const { changes } = await opened.all(clock);
    expect(changes.map(({ path: file, kind, priority }) => ({ path: file, kind, priority }))).toEqual(
      expect.arrayContaining([
        { path: "node_modules", kind: "modified", priority: "LOW" },
        { path: "some.log", kind: "created", priority: "LOW" },
      ]),
    );
    expect(changes).toHaveLength(2);
    expect(changes.find((change) => change.path === "node_modules")?.folded).toBeGreaterThan(0);
  });

  test("an ignored directory that is new with its files stands for at least one change", async () => {
    place.write(".gitignore", "node_modules/\n");
    const clock = await begin();
    place.write("node_modules/a/index.js");
    await opened.sync();
    const [change] = (await opened.all(clock)).changes;
    expect(change).toMatchObject({ path: "node_modules", folded: expect.any(Number) });
    expect(change?.folded).toBeGreaterThan(0);
    const listed = (await opened.all()).changes.find((one) => one.path === "node_modules");
    expect(listed?.folded).toBeGreaterThan(0);
  });

  test("a tracked file below an ignored directory is told as any other", async () => {
    place.write(".gitignore", "build\n");
    place.write("build/keep.txt", "old");
    place.git("add", "-f", "build/keep.txt", ".gitignore");
    const clock = await begin();
    place.write("build/keep.txt", "new");
    place.write("build/other.txt");
    await opened.sync();
    const { changes } = await opened.all(clock);
    expect(changes.find((change) => change.path === "build/keep.txt")).toMatchObject({
      kind: "modified",
      priority: "MED",
    });
    expect(paths(changes)).not.toContain("build/other.txt");
  });

  test("a file that is tracked later is told from then on", async () => {
    place.write(".gitignore", "build\n");
    place.write("build/late.txt");
    const clock = await begin();
    place.git("add", "-f", "build/late.txt");
    await opened.sync();
    expect(paths((await opened.all(clock)).changes)).toContain("build/late.txt");
  });

  test("a pending patch below an ignored directory makes its file HIGH", async () => {
    place.write(".gitignore", "build\n");
    place.write("build/out.js", "old");
    await begin();
    opened.watch.setHigh(["build/out.js"]);
    const clock = await opened.sync();
    place.write("build/out.js", "new");
    await opened.sync();
    const change = (await opened.all(clock)).changes.find((one) => one.path === "build/out.js");
    expect(change).toMatchObject({ priority: "HIGH" });
  });

  test("an include that names an ignored directory lists what is below, for that client alone", async () => {
    place.write(".gitignore", "node_modules\n");
    place.write("node_modules/a/index.js");
    place.write("node_modules/b/index.js");
    place.write("src.js");
    await begin();
    expect(paths((await opened.all(undefined, ["node_modules/a/**"])).changes)).toEqual([
      "node_modules/a/index.js",
    ]);
    expect(paths((await opened.all(undefined, ["**/*.js"])).changes)).toEqual(["src.js"]);
    const clock = await opened.sync();
    place.write("node_modules/a/new/x.js");
    await opened.sync();
    expect(paths((await opened.all(clock, ["node_modules/a"])).changes)).toEqual(["node_modules/a/new/x.js"]);
    expect(paths((await opened.all(clock)).changes).filter((file) => file !== "node_modules")).toEqual([]);
  });

  test("a removed ignored directory is gone", async () => {
    place.write(".gitignore", "out\n");
    place.write("out/a");
    const clock = await begin();
    rmSync(path.join(place.root, "out"), { recursive: true });
    await opened.sync();
    expect((await opened.all(clock)).changes).toMatchObject([
      { path: "out", kind: "deleted", priority: "LOW" },
    ]);
  });
});

describe("rules", () => {
  test("a change of an ignore file takes effect at once", async () => {
    place.write("src/a.ts");
    place.write("gen/b.ts");
    const clock = await begin();
    place.write(".gitignore", "gen\n");
    const ignored = await opened.sync();
    place.write("gen/c.ts");
    await opened.sync();
    expect(paths((await opened.all(clock)).changes)).toEqual([".gitignore", "gen"]);
    unlinkSync(path.join(place.root, ".gitignore"));
    await opened.sync();
    expect(paths((await opened.all(ignored)).changes).filter((file) => file.includes("/"))).toEqual([
      "gen/b.ts",
      "gen/c.ts",
    ]);
  });

  test("info/exclude counts, and its changes too", async () => {
    place.write("secret/a");
    await begin();
    const exclude = path.join(place.root, ".git/info/exclude");
    mkdirSync(path.dirname(exclude), { recursive: true });
    writeFileSync(exclude, "secret\n");
    const clock = await opened.sync();
    place.write("secret/b");
    await opened.sync();
    expect(paths((await opened.all(clock)).changes)).toEqual(["secret"]);
  });

  test("a root within a repository is ruled by the files above it", async () => {
    place.write(".gitignore", "/sub/out\n*.tmp\n");
    for (const file of ["sub/out/a", "sub/x.tmp", "sub/kept"]) place.write(file);
    const ignore = openIgnore(path.join(place.root, "sub"));
    await ignore.refresh();
    expect(ignore.foldOf("out/a", false)).toBe("out");
    expect(ignore.matches("x.tmp", false)).toBe(true);
    expect(ignore.matches("kept", false)).toBe(false);
  });

  test("outside a repository nothing is ignored", async () => {
    rmSync(path.join(place.root, ".git"), { recursive: true });
    place.write(".gitignore", "*\n");
    place.write("node_modules/a");
    await begin();
    expect(paths((await opened.all()).changes)).toEqual([".gitignore", "node_modules/a"]);
  });

  test("a repository that is made later counts from then on", async () => {
    rmSync(path.join(place.root, ".git"), { recursive: true });
    place.write(".gitignore", "out\n");
    place.write("out/a");
    const clock = await begin();
    place.git("init", "-q");
    await opened.sync();
    expect(paths((await opened.all(clock)).changes)).toContain("out");
  });

  test("every pattern decides as git does", async () => {
    const rules = {
      ".gitignore": [
        "# comment",
        "",
        "*.log",
        "!keep.log",
        "/top",
        "deep/er",
        "dir/",
        "a/**/z",
        "**/any/where",
        "trail\\ ",
        "spaces   ",
        "[ab]c?",
        "[!x-z]eta",
        "\\!bang",
        "\\#hash",
        "foo*bar",
        "x/**",
        "/only/*.c",
        "**/*.o",
        "[[:digit:]]n",
        "nope/*",
        "!nope/yes",
        "le?f",
        "*~",
        "\\*lit",
        "wei[r-]d",
        "[]]b",
      ],
      "sub/.gitignore": ["!x.log", "inner", "/anchored", "own/deep", "*.o", "!back.o"],
      "sub/deeper/.gitignore": ["*", "!*.md", "!.gitignore"],
    };
    const files = [
      "a.log",
      "keep.log",
      "sub/x.log",
      "sub/y.log",
      "top",
      "sub/top",
      "deep/er",
      "sub/deep/er",
      "dir/x",
      "q/dir/y",
      "dirx",
      "a/z",
      "a/b/z",
      "a/b/c/z",
      "q/a/z",
      "any/where",
      "p/any/where",
      "trail ",
      "trail",
      "spaces",
      "acd",
      "bcx",
      "ccx",
      "beta",
      "zeta",
      "!bang",
      "#hash",
      "foobar",
      "fooXbar",
      "foo/bar",
      "x/y",
      "x/y/z",
      "sub/x/y",
      "only/a.c",
      "only/d/a.c",
      "m.o",
      "d/m.o",
      "sub/back.o",
      "sub/other.o",
      "7n",
      "nn",
      "nope/no",
      "nope/yes",
      "leaf",
      "le/f",
      "t~",
      "*lit",
      "wlit",
      "weird",
      "wei-d",
      "weisd",
      "]b",
      "sub/inner",
      "sub/inner2",
      "sub/q/inner/z",
      "sub/anchored",
      "sub/q/anchored",
      "sub/own/deep",
      "sub/q/own/deep",
      "sub/deeper/f.txt",
      "sub/deeper/f.md",
      "sub/deeper/d/f.md",
      "sub/deeper/.gitignore",
    ];
    for (const [file, lines] of Object.entries(rules)) place.write(file, `${lines.join("\n")}\n`);
    for (const file of files) if (!file.endsWith(".gitignore") && !isBlocked(file, files)) place.write(file);
    const ignore = openIgnore(place.root);
    await ignore.refresh();
    for (const directory of ["", "sub", "sub/deeper"]) await ignore.load(directory, [".gitignore"]);
    const ours = files.filter(
      (file) => ignore.foldOf(file, false) !== undefined || ignore.matches(file, false),
    );
    expect(ours).toEqual(checkIgnore(place.root, files));
  });

  test("globs select as git's :(glob) does", () => {
    const globs = [
      "*",
      "*.ts",
      "**/*.ts",
      "src",
      "src/",
      "src/*",
      "src/**",
      "s*",
      "**",
      "**/b/**",
      "a/**/c.ts",
      "src/[ab].ts",
      "\\*",
    ];
    const files = [
      "a.ts",
      "src/a.ts",
      "src/b/c.ts",
      "src/b.ts",
      "a/c.ts",
      "a/b/c.ts",
      "a/b/d/c.ts",
      "*",
      "srcs/x",
      "b/y",
    ];
    for (const file of files) place.write(file);
    place.git("add", "-A");
    for (const glob of globs) {
      const theirs = execFileSync("git", ["ls-files", `:(glob)${glob}`], {
        cwd: place.root,
        encoding: "utf8",
      });
      const ours = files.filter((file) => selectionOf({ include: [glob] }).takes(file)).sort();
      expect({ glob, files: ours }).toEqual({ glob, files: theirs.split("\n").filter(Boolean).sort() });
    }
  });

  test.each(["[", "src/[ab", "[!]", "[]", "a[[:digit:]", "[[:nope:]]", "a\\", "[a\\]", "\\\\[", "**/[a-"])(
    "a glob that is at fault is one that matches nothing for git either: %s",
    (glob) => {
      for (const file of ["a", "src/a", "src/b", "a1", "]", "\\x"]) place.write(file);
      place.git("add", "-A");
      const theirs = execFileSync("git", ["ls-files", `:(glob)${glob}`], {
        cwd: place.root,
        encoding: "utf8",
      });
      expect({ theirs, fault: faultIn(glob) }).toEqual({ theirs: "", fault: expect.any(String) });
    },
  );

  test("of all short patterns, those at fault are the ones that match no text at all", () => {
    const signs = ["a", "[", "]", "\\", "!", "-"];
    const texts = [..."a[]\\!-bc"].flatMap((one) => ["", ..."a[]\\!-b"].map((two) => one + two));
    const words = (length: number): string[] =>
      length === 0 ? [""] : words(length - 1).flatMap((word) => signs.map((sign) => word + sign));
    for (const glob of [2, 3, 4].flatMap(words)) {
      const matched = [...texts, glob.replaceAll("\\", "")].some((text) => wildmatch(glob, text));
      if (faultIn(glob) !== undefined) expect({ glob, matched }).toEqual({ glob, matched: false });
    }
    for (const glob of [
      "[]]",
      "[!]]",
      "[^a]",
      "[]a]",
      "[a-]",
      "\\[",
      "a\\\\",
      "[\\]]",
      "[[]",
      "[[:alpha:]-]",
      "x]",
    ])
      expect({ glob, fault: faultIn(glob) }).toEqual({ glob, fault: undefined });
  });

  test("a pattern of many sets and classes is looked at in no more time than it is long", () => {
    const globs = [`[${"[:".repeat(200_000)}]`, "[".repeat(400_000), "[a]".repeat(200_000)];
    expect(processorMs(() => globs.forEach(faultIn))).toBeLessThan(1000);
  });

  test("a pattern of many stars is given up in time", () => {
    const glob = `${"*a".repeat(30)}b`;
    const look = () => {
      expect(selectionOf({ include: [glob] }).takes("a".repeat(60))).toBe(false);
      expect(selectionOf({ include: [`${"**/a*".repeat(12)}b`] }).takes("a/".repeat(60))).toBe(false);
    };
    expect(processorMs(look)).toBeLessThan(1000);
  });
});

test("priorities follow the table", () => {
  expect(priorityOf("src/a.ts", false)).toBe("MED");
  expect(priorityOf("a/package.json", false)).toBe("HIGH");
  expect(priorityOf("vendor/a.c", false)).toBe("LOW");
  expect(priorityOf("a.log", true)).toBe("LOW");
});

function isBlocked(file: string, files: readonly string[]): boolean {
  return files.some((other) => other.startsWith(`${file}/`));
}

/** What git ignores of `files`, tracked or not. */
function checkIgnore(root: string, files: readonly string[]): string[] {
  const answer = execFileSync("git", ["check-ignore", "--no-index", "-z", "--stdin"], {
    cwd: root,
    input: files.join("\0"),
    encoding: "utf8",
  });
  const ignored = new Set(answer.split("\0"));
  return files.filter((file) => ignored.has(file));
}

test("only what was not HIGH before is looked at when patches come and go", () => {
  const ignore = openIgnore(place.root);
  expect([...ignore.setHigh(["a", "b"])]).toEqual(["a", "b"]);
  expect([...ignore.setHigh(["b", "c"])]).toEqual(["c"]);
  expect([...ignore.setHigh([])]).toEqual([]);
  expect([...ignore.setHigh(["b"])]).toEqual(["b"]);
  expect([...ignore.setHigh(["b", "d"], ["b", "d", "e"])]).toEqual(["d"]);
  expect([...ignore.setHigh([], ["b", "e"])]).toEqual([]);
  expect([...ignore.high]).toEqual(["d"]);
});

test("a proof looks itself at what is listed one by one where no direct watch reaches, and at nothing else", () => {
  const kinds = new Map([
    ["src", "directory"],
    ["build", "folded"],
    ["cold", "directory"],
    ["link", "symlink"],
  ] as const);
  const table = { kind: (path: string) => kinds.get(path as "src") };
  const direct = { has: (path: string) => ["", "src"].includes(path) };
  const covered = ["a", "src/a", "src/not/yet/a", "not/yet/a"];
  const others = ["build/a", "build/not/yet/a", "cold/a", "link/a"];
  expect(unproven([...covered, ...others], table, direct)).toEqual(others);
});
