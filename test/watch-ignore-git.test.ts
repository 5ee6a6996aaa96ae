/** Ignoring held against git itself: random rules in every place that git takes them from, and changes of those places. */

import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openIgnore } from "../daemon/watch/ignore.ts";
import { makePlace, type Opened, type Place } from "./watch/fixture.ts";

let place: Place;
const before = { HOME: process.env.HOME, XDG_CONFIG_HOME: process.env.XDG_CONFIG_HOME };

beforeEach(() => {
  place = makePlace();
  place.git("init", "-q");
  process.env.HOME = path.join(place.base, "home");
  process.env.XDG_CONFIG_HOME = path.join(place.base, "home/config");
  mkdirSync(path.join(process.env.XDG_CONFIG_HOME, "git"), { recursive: true });
});

afterEach(async () => {
  for (const [name, value] of Object.entries(before)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  await place.remove();
});

const usersIgnore = (): string => path.join(process.env.XDG_CONFIG_HOME ?? "", "git/ignore");
const gitFile = (name: string): string => path.join(place.root, ".git", name);

/** What git ignores of `files`, tracked or not. */
function ignoredByGit(files: readonly string[]): string[] {
  const answer = ((): string => {
    const options = { cwd: place.root, input: files.join("\0"), encoding: "utf8" as const };
    try {
      return execFileSync("git", ["check-ignore", "--no-index", "-z", "--stdin"], options);
    } catch (error) {
      return (error as { stdout: string }).stdout; // Exit 1: none.
    }
  })();
  const ignored = new Set(answer.split("\0"));
  return files.filter((file) => ignored.has(file));
}

async function ignoredByUs(files: readonly string[]): Promise<string[]> {
  const directories = new Set(files.flatMap((file) => above(file)));
  const ignore = openIgnore(place.root);
  await ignore.refresh();
  for (const directory of ["", ...directories])
    await ignore.load(directory, readdirSync(path.join(place.root, directory)));
  return files.filter((file) => {
    const isDirectory = directories.has(file);
    return ignore.foldOf(file, isDirectory) !== undefined || ignore.matches(file, isDirectory);
  });
}

function above(file: string): string[] {
  const names = file.split("/").slice(0, -1);
  return names.map((_, at) => names.slice(0, at + 1).join("/"));
}

const NAMES = [
  "a",
  "b",
  "ab",
  "a.b",
  "A",
  "foo",
  "foo.o",
  "x y",
  "#h",
  "!n",
  "a*b",
  "[z]",
  "tr ",
  ".dot",
  "é",
  "\\q",
];
const PIECES =
  "a|b|foo|.|*|**|***|?|[ab]|[!a]|[^b]|[a-c]|[b-a]|[]]|[|]|\\*|\\|é|[[:alpha:]]|[[:foo:]]|[a-|-|\\ |#|!";

const segment = fc.oneof(
  fc.constantFrom(...NAMES, "*", "**", ""),
  fc
    .array(fc.constantFrom(...PIECES.split("|")), { minLength: 1, maxLength: 3 })
    .map((some) => some.join("")),
);
const pattern = fc
  .record({
    sign: fc.constantFrom("", "", "", "!"),
    start: fc.constantFrom("", "", "/"),
    middle: fc.array(segment, { minLength: 1, maxLength: 3 }).map((segments) => segments.join("/")),
    end: fc.constantFrom("", "", "/", " ", "\\ ", "\r", "\t", " \\"),
  })
  .map(({ sign, start, middle, end }) => sign + start + middle + end);
const ruleFile = fc.array(pattern, { maxLength: 4 }).map((lines) => lines.join("\n"));

describe("every place for rules", () => {
  test("is read as git reads it, whatever is in it", async () => {
    const parents = ["", "a/", "foo/", "a/foo/", "é/[z]/", "a/b-c/"];
    const files = parents.flatMap((parent) => NAMES.map((name) => `${parent}${name}`));
    const leaves = files.filter((file) => !files.some((other) => other.startsWith(`${file}/`)));
    for (const file of leaves) place.write(file);
    const all = [...new Set([...leaves, ...leaves.flatMap(above)])];
    const places = [
      ...["", "a/", "a/foo/", "foo/"].map((parent) => path.join(place.root, parent, ".gitignore")),
      gitFile("info/exclude"),
      usersIgnore(),
    ];
    const rules = fc.tuple(...places.map(() => ruleFile));
    await fc.assert(
      fc.asyncProperty(rules, fc.boolean(), async (texts, anyCase) => {
        for (const [n, file] of places.entries()) writeFileSync(file, texts[n] ?? "");
        place.git("config", "core.ignoreCase", String(anyCase));
        expect(await ignoredByUs(all)).toEqual(ignoredByGit(all));
      }),
      { numRuns: 60 },
    );
  });

  test("but a link is not followed, and a user's file that is set to nothing is none", async () => {
    writeFileSync(path.join(place.base, "rules"), "*\n");
    symlinkSync(path.join(place.base, "rules"), path.join(place.root, ".gitignore"));
    writeFileSync(usersIgnore(), "b\n");
    for (const file of ["a", "b"]) place.write(file);
    const files = [".gitignore", "a", "b"];
    expect(await ignoredByUs(files)).toEqual(ignoredByGit(files));
    expect(await ignoredByUs(files)).toEqual(["b"]);
    place.git("config", "core.excludesFile", "");
    expect(await ignoredByUs(files)).toEqual(ignoredByGit(files));
    expect(await ignoredByUs(files)).toEqual([]);
  });
});

describe("a change of the rules takes effect at once", () => {
  let opened: Opened;

  /** Waits until what is listed is this, without a barrier that would look by itself. */
  async function expectListed(...paths: string[]): Promise<void> {
    const listed = async () => (await opened.all()).changes.map((one) => one.path).sort();
    await expect.poll(listed).toEqual(paths);
  }

  test("in the repository's own file, in the user's, and in the configuration", async () => {
    for (const file of ["a/1", "b/1", "c/1"]) place.write(file);
    mkdirSync(gitFile("info"), { recursive: true });
    opened = place.open();
    await opened.sync();
    await expectListed("a/1", "b/1", "c/1");
    writeFileSync(gitFile("info/exclude"), "a\n");
    await expectListed("a", "b/1", "c/1");
    writeFileSync(usersIgnore(), "b\n");
    await expectListed("a", "b", "c/1");
    writeFileSync(path.join(place.base, "others"), "c\n");
    place.git("config", "core.excludesFile", path.join(place.base, "others"));
    await expectListed("a", "b/1", "c");
    place.git("config", "--unset", "core.excludesFile");
    unlinkSync(gitFile("info/exclude"));
    await expectListed("a/1", "b", "c/1");
  });

  test("in a directory above the root, and one below that comes, is edited and goes", async () => {
    for (const file of ["sub/a/1", "sub/b/1", "sub/d/x/1", "sub/d/y/1"]) place.write(file);
    opened = place.open({ root: path.join(place.root, "sub") });
    await opened.sync();
    place.write(".gitignore", "/sub/a/\n");
    await expectListed("a", "b/1", "d/x/1", "d/y/1");
    place.write("sub/d/.gitignore", "x\n");
    await expectListed("a", "b/1", "d/.gitignore", "d/x", "d/y/1");
    place.write("sub/d/.gitignore", "y\n");
    await expectListed("a", "b/1", "d/.gitignore", "d/x/1", "d/y");
    unlinkSync(path.join(place.root, "sub/d/.gitignore"));
    rmSync(path.join(place.root, ".gitignore"));
    await expectListed("a/1", "b/1", "d/x/1", "d/y/1");
  });

  test("and by tracking: what is added by force is listed, what is taken out of the index folds", async () => {
    place.write(".gitignore", "out\n");
    for (const file of ["out/a", "out/b"]) place.write(file);
    opened = place.open();
    await opened.sync();
    await expectListed(".gitignore", "out");
    place.git("add", "-f", "out/a");
    await expectListed(".gitignore", "out", "out/a");
    place.git("rm", "-q", "--cached", "out/a");
    await expectListed(".gitignore", "out");
  });
});

test("a repository within the root is ruled by its own files alone, whether the root is one or not", async () => {
  for (const isRepository of [true, false]) {
    if (!isRepository) rmSync(gitFile(""), { recursive: true });
    place.write(".gitignore", "build\n");
    for (const file of ["build/1", "inner/build/1", "inner/dist/1"]) place.write(file);
    execFileSync("git", ["init", "-q", path.join(place.root, "inner")]);
    place.write("inner/.gitignore", "/dist/\n");
    const opened = place.open();
    await opened.sync();
    const listed = (await opened.all()).changes.map((one) => one.path).sort();
    const build = isRepository ? "build" : "build/1";
    expect(listed).toEqual([".gitignore", build, "inner/.gitignore", "inner/build/1", "inner/dist"]);
    await opened.close();
  }
});
