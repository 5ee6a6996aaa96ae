/** Replaying a history: one with every kind of change goes there and back, and what is not as it should be is found. */
import { execFile } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { compare } from "../scripts/replay/replay.ts";
import { cloneOf, historyOf } from "../scripts/replay/repository.ts";
import { makeTally } from "../scripts/replay/tally.ts";
import { treesOf } from "../scripts/replay/trees.ts";
import { snapshot } from "./acceptance/repository.ts";
import { COMMIT_COUNT, makeHistory } from "./replay/history.ts";

const SCRIPT = path.resolve(import.meta.dirname, "../scripts/replay-history.ts");

let directory: string;
let repository: string;

beforeAll(() => {
  directory = realpathSync(mkdtempSync(path.join(os.tmpdir(), "iop-")));
  repository = makeHistory(directory);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Run {
  readonly status: unknown;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the script, which has a temporary directory of its own; it must be empty afterwards. */
async function replay(...args: string[]): Promise<Run> {
  const temporary = path.join(directory, "t");
  mkdirSync(temporary);
  const env = { ...process.env, TMPDIR: temporary };
  const run = await new Promise<Run>((resolve) => {
    execFile(process.execPath, [SCRIPT, ...args], { env }, (error, stdout, stderr) =>
      resolve({ status: error ? error.code : 0, stdout, stderr }),
    );
  });
  expect(readdirSync(temporary)).toEqual([]);
  rmSync(temporary, { recursive: true });
  return run;
}

test("every kind of change goes there and back, and the repository is only read", async () => {
  const before = snapshot(repository, { times: true });
  const { status, stdout, stderr } = await replay(repository, "--commits", "500", "--verify-each");
  expect({ status, stderr }, stdout).toEqual({ status: 0, stderr: "" });
  for (const line of [
    new RegExp(`^${COMMIT_COUNT} commits from [0-9a-f]{12} to [0-9a-f]{12}, \\d+ files changed:$`, "m"),
    ...[
      "create",
      "update",
      "delete",
      "rename",
      "chmod",
      "symlink",
      "of binaries",
      "between file and symlink",
    ].map((kind) => new RegExp(`^ +[1-9]\\d* ${kind}$`, "m")),
    /^2 submodules left out$/m,
    /^1 path refused as not UTF-8: latin1-\ufffd$/m,
    /^2 paths refused as PathProtected: \.iopipe-mine, \.iopipe-yours$/m,
    new RegExp(`^${3 * COMMIT_COUNT} comparisons, 0 mismatches$`, "m"),
  ])
    expect(stdout).toMatch(line);
  expect(snapshot(repository, { times: true })).toEqual(before);
}, 120_000);

test("every kind of change goes there and back as git's own diff", async () => {
  const { status, stdout, stderr } = await replay(repository, "--commits", "500", "--as", "unified-diff");
  expect({ status, stderr }, stdout).toEqual({ status: 0, stderr: "" });
  for (const line of [
    ...["create", "update", "delete", "rename", "chmod", "symlink", "of binaries"].map(
      (kind) => new RegExp(`^ +[1-9]\\d* ${kind}$`, "m"),
    ),
    /^1 path refused as not UTF-8: latin1-\ufffd$/m,
    /^2 paths refused as PathProtected: \.iopipe-mine, \.iopipe-yours$/m,
    /^\d+ comparisons, 0 mismatches$/m,
  ])
    expect(stdout).toMatch(line);
}, 120_000);

test("the last commits alone begin at the tree of the one before them", async () => {
  const { status, stdout } = await replay(repository, "--commits", "3");
  expect(status, stdout).toBe(0);
  expect(stdout).toMatch(/^3 commits from /);
  expect(stdout).toMatch(/^6 comparisons, 0 mismatches$/m);
});

test.each(["", "one two", "one --commits 0", "one --commits many", "one --as prose", "one --unknown"])(
  "'%s' is no way to call it",
  async (line) => {
    const { status, stdout, stderr } = await replay(...line.split(" ").filter(Boolean));
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toContain("usage: ");
  },
);

const WRONG: Readonly<Record<string, (root: string) => void>> = {
  "a changed file": (root) => writeFileSync(path.join(root, "b.txt"), "other\n"),
  "a lost file": (root) => rmSync(path.join(root, "b.txt")),
  "another mode": (root) => chmodSync(path.join(root, "b.txt"), 0o755),
  "a temporary file left behind": (root) => writeFileSync(path.join(root, ".iopipe-1.tmp"), ""),
  "an empty directory left behind": (root) => mkdirSync(path.join(root, "x/y/left"), { recursive: true }),
};

test.each(Object.keys(WRONG))("%s is a mismatch", async (name) => {
  const scratch = mkdtempSync(path.join(directory, "wrong-"));
  const clone = await cloneOf(repository, path.join(scratch, "tree"), COMMIT_COUNT);
  const trees = treesOf(clone, scratch);
  const { commits } = await historyOf(clone, COMMIT_COUNT);
  const commit = commits[1] as (typeof commits)[number];
  const expected = await trees.checkOut(commit.id);
  const tally = makeTally();
  const said = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  try {
    const look = { trees, tally, verifyEach: false };
    expect(await compare(look, commit, "now", expected)).toBe(expected);
    expect(tally.mismatches).toBe(0);
    WRONG[name]?.(clone.root);
    await compare(look, commit, "now", expected);
  } finally {
    said.mockRestore();
  }
  expect(tally).toMatchObject({ comparisons: 2, mismatches: 1 });
});
