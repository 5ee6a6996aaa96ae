/** git as a process: what it is fed and told, and the ends that it comes to. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { fastImport, openTree, runGit } from "../daemon/disk/index.ts";
import { safetyCommit } from "../daemon/workspace/safety-commit.ts";
import { type House, openHouse } from "./promotion/house.ts";

let directory: string;
let house: House;
beforeAll(() => {
  directory = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "iopipe-git-")));
  execFileSync("git", ["init", "--quiet"], { cwd: directory });
  house = openHouse();
});
afterAll(() => {
  fs.rmSync(directory, { recursive: true });
  house.close();
});
afterEach(() => void vi.unstubAllEnvs());

async function* pieces(...texts: string[]) {
  for (const text of texts) yield Buffer.from(text);
}

test("what is asked is answered, by the repository of the directory whatever the environment says", async () => {
  vi.stubEnv("GIT_DIR", "/nonexistent");
  const { stdout, error } = await runGit(directory, ["rev-parse", "--absolute-git-dir"]);
  expect([stdout, error]).toEqual([`${join(directory, ".git")}\n`, ""]);
});

test("a git that fails, or is not there, is said", async () => {
  expect(await runGit(directory, ["no-such-command"])).toMatchObject({
    stdout: undefined,
    error: expect.stringContaining("no-such-command"),
  });
  vi.stubEnv("PATH", "/nonexistent");
  expect(await runGit(directory, ["version"])).toMatchObject({
    stdout: undefined,
    error: "spawn git ENOENT",
  });
});

test("input is fed piece by piece, and one that git does not wait for is no error of ours", async () => {
  const { stdout } = await runGit(directory, ["hash-object", "--stdin"], { input: pieces("a", "b\n") });
  expect(stdout).toBe(execFileSync("git", ["hash-object", "--stdin"], { input: "ab\n", encoding: "utf8" }));
  async function* endless() {
    for (;;) yield Buffer.alloc(1 << 20);
  }
  const refused = await runGit(directory, ["no-such-command"], { input: endless() });
  expect(refused.stdout).toBeUndefined();
});

test("where the input fails, or is nonsense, no half import stays, and no report of it", async () => {
  async function* failing() {
    yield Buffer.from("commit refs/iopipe/half\ncommitter a <b> 0 +0000\ndata 0\n");
    throw new Error("no more");
  }
  const failed = await fastImport(directory, join(directory, ".git"), failing());
  expect(failed).toMatchObject({ stdout: undefined, error: "no more" });
  const ended = await fastImport(directory, join(directory, ".git"), pieces("nonsense\n"));
  expect(ended.stdout).toBeUndefined();
  expect(execFileSync("git", ["for-each-ref"], { cwd: directory, encoding: "utf8" })).toBe("");
  expect(fs.readdirSync(join(directory, ".git")).filter((name) => name.startsWith("fast_import"))).toEqual(
    [],
  );
});

test("a signal ends it", async () => {
  const signal = AbortSignal.abort();
  expect((await runGit(directory, ["version"], { signal })).stdout).toBeUndefined();
});

test("a safety commit without git, of nothing, or of bytes that are gone says why there is none", async () => {
  const root = house.root({ run: "x" });
  execFileSync("git", ["init", "--quiet"], { cwd: root.path });
  const tree = openTree(root.path);
  const operation = await house.apply(root, [await house.change(root, "run", { text: "x", mode: 0o755 })]);
  const made = (files = operation.files) => safetyCommit(house.store, tree, { ...operation, files });
  expect(await made([])).toEqual({ unavailable: `Operation ${operation.id} has changed nothing.` });
  const lacking = operation.files.map((file) => ({
    ...file,
    after: { ...file.after, hash: "0".repeat(64) },
  }));
  expect(await made(lacking)).toEqual({ unavailable: "'run' has been edited since." });
  vi.stubEnv("PATH", "/nonexistent");
  expect(await made()).toEqual({ unavailable: "git is not installed." });
});
