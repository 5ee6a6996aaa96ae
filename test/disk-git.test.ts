/** git as a process: what it is fed and told, and the ends that it comes to. */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { fastImport, openTree, runGit } from "../daemon/disk/index.ts";
import { safetyCommit } from "../daemon/workspace/safety-commit.ts";
import { canMount, smallDisk } from "./fixture/small-disk.ts";
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
  expect(await runGit(join(directory, "gone"), ["version"])).toMatchObject({
    stdout: undefined,
    error: expect.stringContaining("cannot change to"),
  });
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

test("it is given a time, and said to have taken longer", async () => {
  const hanging = ["-c", "alias.hang=!sleep 600", "hang"];
  const late = { stdout: undefined, error: "git took longer than 0.05 s." };
  expect(await runGit(directory, hanging, { timeoutMs: 50 })).toMatchObject(late);
  // One that does not end when its input does is killed.
  expect(await runGit(directory, hanging, { timeoutMs: 50, graceMs: 50, input: slowly() })).toMatchObject(
    late,
  );
});

test("an import that is given up, or takes too long, leaves nothing: git itself cleans up", async () => {
  const giveUp = new AbortController();
  async function* until(stop: number) {
    let n = 0;
    for await (const piece of slowly()) {
      if (n++ === stop) giveUp.abort(new Error("not wanted any more"));
      yield piece;
    }
  }
  const before = filesIn(join(directory, ".git"));
  const { signal } = giveUp;
  expect(await fastImport(directory, join(directory, ".git"), until(50), { signal })).toMatchObject({
    stdout: undefined,
    error: "not wanted any more",
  });
  const late = await fastImport(directory, join(directory, ".git"), slowly(), { timeoutMs: 100 });
  expect(late).toMatchObject({ stdout: undefined, error: "git took longer than 0.1 s." });
  expect(filesIn(join(directory, ".git"))).toEqual(before);
});

/** A blob without an end, more than git keeps in memory. */
async function* slowly() {
  yield Buffer.from(`blob\nmark :1\ndata ${2 ** 40}\n`);
  for (;;) {
    yield randomBytes(1 << 16);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

const filesIn = (path: string): string[] =>
  fs.readdirSync(path, { recursive: true, encoding: "utf8" }).sort();

/** A `git` before the real one in PATH, a shell script with `$GIT` for that. */
function stubGit(script: string): void {
  const bin = fs.mkdtempSync(join(directory, "bin-"));
  const real = execFileSync("sh", ["-c", "command -v git"], { encoding: "utf8" }).trim();
  fs.writeFileSync(join(bin, "git"), `#!/bin/sh\nGIT='${real}'\n${script}\n`, { mode: 0o755 });
  vi.stubEnv("PATH", `${bin}:${process.env.PATH}`);
}

test("no git of the repository's own is started, whatever PATH says", async () => {
  fs.writeFileSync(join(directory, "git"), "#!/bin/sh\necho mine\n", { mode: 0o755 });
  vi.stubEnv("PATH", `:.:${process.env.PATH}`);
  expect((await runGit(directory, ["version"])).stdout).toMatch(/^git version/);
});

test("hooks that are commands of the configuration do nothing in an import", async () => {
  const at = fs.mkdtempSync(join(directory, "configured-"));
  execFileSync("git", ["init", "--quiet"], { cwd: at });
  for (const name of ["one", "t=w.o"])
    for (const [key, value] of [
      ["event", "reference-transaction"],
      ["command", "touch ran"],
    ])
      execFileSync("git", ["config", `hook.${name}.${key}`, value as string], { cwd: at });
  // Of git 2.54; what an older one would be told is shown.
  stubGit(
    `case "$*" in *fast-import*) for name in one t=w.o; do "$GIT" -C '${at}' config "hook.$name.command"; done;; *) exec "$GIT" "$@"; esac`,
  );
  expect(await fastImport(at, join(at, ".git"), pieces("done\n"))).toMatchObject({ stdout: "true\ntrue\n" });
});

test.runIf(canMount)("on a full disk the pack that git could not end goes", async () => {
  using disk = smallDisk(1 << 20);
  const at = join(disk.path, "r");
  fs.mkdirSync(at);
  execFileSync("git", ["init", "--quiet"], { cwd: at });
  const before = filesIn(at);
  async function* large() {
    yield Buffer.from(`blob\nmark :1\ndata ${1 << 22}\n`);
    for (let n = 0; n < 64; n++) yield randomBytes(1 << 16);
  }
  const { stdout, error } = await fastImport(at, join(at, ".git"), large());
  expect([stdout, error]).toEqual([undefined, expect.stringContaining("write error. Out of diskspace")]);
  expect(filesIn(at)).toEqual(before);
});

test("where git cannot say where its packs are, none is looked for", async () => {
  stubGit(
    `case "$*" in *fast-import*) echo "fatal: sha1 file 'objects/pack/tmp_pack_x' write error" >&2;; esac; exit 128`,
  );
  const { error } = await fastImport(directory, join(directory, ".git"), pieces("done\n"));
  expect(error).toContain("write error");
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
  stubGit('case "$*" in *fast-import*) echo "warning: Not updating" >&2; exit 1; esac; exec "$GIT" "$@"');
  expect(await made()).toEqual({ unavailable: "warning: Not updating" });
  vi.stubEnv("PATH", "/nonexistent");
  expect(await made()).toEqual({ unavailable: "git is not installed." });
});
