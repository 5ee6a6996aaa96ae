/** iopipectl's verbs, one after the other on a real repository with a real daemon. */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import type { Patch } from "../protocol/methods/index.ts";
import { CTL_COMMAND, inShell } from "./fixture/cli.ts";
import type { InProcessOptions } from "./fixture/in-process.ts";
import { eachInRepository } from "./fixture/repositories.ts";

const here = eachInRepository();
const { at, read, ctl } = here;

/** Runs with --json; gives the result, and fails on any other exit code than `code`. */
async function json(args: string[], options: InProcessOptions = {}, code = 0) {
  const result = await ctl([...args, "--json"], options);
  expect({ code: result.code, stderr: result.stderr }).toEqual({ code, stderr: "" });
  return JSON.parse(result.stdout);
}

test("with nothing pending every verb has an empty answer and exits 0", async () => {
  expect(await json([])).toEqual({ sessions: [] });
  expect(await json(["status"])).toEqual({ sessions: [] });
  expect(await json(["ls"])).toEqual({ sessions: [] });
  expect(await json(["diff"])).toEqual({ diff: "", files: [] });
  expect(await json(["check"])).toEqual({ wouldApply: true, order: [], problems: [] });
  expect(await json(["apply", "--yes"])).toEqual({ applied: [], skipped: [] });
  expect(await json(["rebase"])).toEqual({ merged: [], conflicted: [] });
  expect(await json(["undo", "--yes"])).toEqual({ reverted: [], skipped: [] });
  expect(await json(["log"])).toEqual({ operations: [] });
  expect(await json(["show"])).toEqual({});
  expect(await json(["discard"])).toEqual({});
  expect(await json(["discard", "--undo"])).toEqual({});
  for (const verb of ["status", "show", "check", "apply --yes", "rebase", "undo --yes", "log", "discard"])
    expect(await ctl(verb.split(" "))).toMatchObject({ code: 0, stdout: expect.stringMatching(/Nothing /) });
});

test("a diff of any size is printed for git apply, renames and what comes in their place with it", async () => {
  const large = (n: number) => `${String(n).repeat(99)}\n`.repeat(30_000);
  for (const n of [1, 2, 3, 4]) await json(["stage", `large-${n}.txt`], { input: large(n) });
  await json(["stage", "--move", "src/a.txt", "src/z.txt"]);
  await json(["stage", "src/a.txt"], { input: "anew\n" });
  expect(await json(["diff"], {}, 1)).toMatchObject({ error: { data: { kind: "TooLarge" } } });
  const { code, stdout, stderr } = await ctl(["diff"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  execFileSync("git", ["apply", "-"], { cwd: here.root, input: stdout });
  for (const n of [1, 2, 3, 4]) expect(read(`large-${n}.txt`) === large(n)).toBe(true);
  expect([read("src/a.txt"), read("src/z.txt")]).toEqual(["anew\n", "one\ntwo\nthree\n"]);
});

test("stage, status, diff, cat, check, apply, log, show, undo: one change's whole way", async () => {
  const staged = await json(["stage", "src/a.txt"], { input: "one\n2\nthree\n" });
  expect(staged.patches).toMatchObject([{ path: "src/a.txt", kind: "update", state: "Pending" }]);
  expect(read("src/a.txt")).toBe("one\ntwo\nthree\n");
  // A second one by hand goes into the one pending session.
  await json(["stage", "a.txt"], { cwd: at("src"), input: "one\n2\nthree\nfour\n" });
  const { sessions } = await json(["status"]);
  expect(sessions).toMatchObject([{ id: staged.session.id, patches: { pending: 1 } }]);
  const status = await ctl(["status"]);
  expect(status.stdout).toContain("1 pending");
  expect(status.stdout).toContain("Next: iopipectl diff");

  const { stdout: diff } = await ctl(["diff"]);
  execFileSync("git", ["apply", "--check", "-"], { cwd: here.root, input: diff });
  expect((await ctl(["diff", "--stat"])).stdout).toMatch(/update {2}src\/a\.txt {2}\+2 −1/);
  expect((await ctl(["cat", "src/a.txt"])).stdout).toBe("one\n2\nthree\nfour\n");
  expect(await json(["check"])).toMatchObject({ wouldApply: true, order: ["src/a.txt"] });

  const { digest } = await json(["diff"]);
  const applied = await json(["apply", "--digest", digest]);
  expect(applied.operation).toMatchObject({ kind: "apply", state: "committed" });
  expect(read("src/a.txt")).toBe("one\n2\nthree\nfour\n");
  const log = await json(["log"]);
  expect(log.operations.map(({ id }: { id: string }) => id)).toEqual([applied.operation.id]);
  expect((await ctl(["show", applied.operation.id.slice(0, 12)])).stdout).toContain("src/a.txt");
  expect((await ctl(["show", staged.session.id])).stdout).toContain("Applied");

  const dry = await json(["undo", "--dry-run"]);
  expect(dry.reverted).toEqual(["src/a.txt"]);
  expect(read("src/a.txt")).toContain("four");
  const undone = await ctl(["undo", "--yes"]);
  expect(undone).toMatchObject({ code: 0, stdout: expect.stringContaining("reverted src/a.txt") });
  expect(read("src/a.txt")).toBe("one\ntwo\nthree\n");
  // The last operation is now the undo: taking that back is the redo.
  await json(["undo", "--yes"]);
  expect(read("src/a.txt")).toBe("one\n2\nthree\nfour\n");
});

test("stage deletes, moves and takes content from files, bytes and executable bit kept", async () => {
  const tool = `${here.root}-tool`;
  writeFileSync(tool, Buffer.from([0x23, 0x21, 0x0a, 0xff, 0x00, 0xfe]));
  chmodSync(tool, 0o755);
  await json(["stage", "bin/tool", "--from", tool, "--note", "needed for the build"]);
  await json(["stage", "--delete", "b.txt"]);
  await json(["stage", "--move", "src/a.txt", "src/c.txt"]);
  const { bytes } = await ctl(["cat", "bin/tool"]);
  expect(bytes).toEqual(readFileSync(tool));
  expect((await ctl(["show"])).stdout).toContain("needed for the build");
  expect((await ctl(["apply", "--yes"])).stdout).toContain("Applied 3 patches");
  expect(statSync(at("bin/tool")).mode & 0o777).toBe(0o755);
  expect(readFileSync(at("bin/tool"))).toEqual(readFileSync(tool));
  expect(existsSync(at("b.txt"))).toBe(false);
  expect(read("src/c.txt")).toBe("one\ntwo\nthree\n");
});

test("content of many MiB is uploaded in chunks and comes back byte for byte", async () => {
  const big = Buffer.alloc(9 * 1024 * 1024, 0xe2);
  big.write("first", 0);
  const staged = await json(["stage", "big.bin"], { input: big });
  expect(staged.patches).toMatchObject([{ path: "big.bin", kind: "create" }]);
  expect((await ctl(["cat", "big.bin"])).bytes.equals(big)).toBe(true);
});

test("apply --patch stages a git diff and applies it alone", async () => {
  await json(["stage", "b.txt"], { input: "pending\n" });
  const diff =
    "diff --git a/src/a.txt b/src/a.txt\n--- a/src/a.txt\n+++ b/src/a.txt\n@@ -1,3 +1,3 @@\n one\n-two\n+TWO\n three\n";
  const result = await json(["apply", "--patch", "-", "--yes"], { input: diff });
  expect(result.applied).toHaveLength(1);
  expect(read("src/a.txt")).toBe("one\nTWO\nthree\n");
  expect(read("b.txt")).toBe("b\n");
});

test("apply --patch that is refused names the session that it made, and what can be done with it", async () => {
  const diff = "--- a/b.txt\n+++ b/b.txt\n@@ -1 +1 @@\n-b\n+B\n";
  const apply = ["apply", "--patch", "-", "--digest", "0".repeat(64)];
  const { error } = await json(apply, { input: diff }, 3);
  const { session } = error.data;
  expect(error.data).toMatchObject({
    kind: "DigestMismatch",
    hint: expect.stringContaining(session.slice(0, 10)),
  });
  const [{ id }] = (await json(["ls"])).sessions;
  expect(id).toBe(session);
  const named = id.slice(0, 10);
  // Into a session that is named it goes again, and that is the one to look at.
  const { code, stderr } = await ctl([...apply, "--session", id], {
    input: diff.replace("-b", "-B").replace("+B", "+BB"),
  });
  expect({ code, next: stderr.split("\n")[1] }).toEqual({
    code: 3,
    next:
      `Look at \`iopipectl diff\` again. The patch is staged in session ${named}: \`iopipectl show ${named}\` shows ` +
      `it, \`apply --session ${named}\` and \`discard --session ${named}\` settle it.`,
  });
  expect((await ctl(["show", id])).stdout).toContain("b.txt");
  expect((await ctl(["apply", "--yes", "--session", id])).code).toBe(0);
  expect(read("b.txt")).toBe("BB\n");
  // What stages nothing leaves nothing to be told of.
  const unfit = await ctl(apply, { input: diff.replace("-b", "-no such line") });
  expect(unfit).toMatchObject({ code: 5, stderr: expect.not.stringContaining("is staged in") });
});

test("stage --patch takes an apply_patch text and a workspace edit too, and tells what was matched inexactly", async () => {
  const patch = "*** Begin Patch\n*** Update File: src/a.txt\n@@\n one\n-two\n+2\n*** End Patch\n";
  expect((await json(["stage", "--patch", "-", "--note", "why"], { input: patch })).patches).toMatchObject([
    { path: "src/a.txt", note: "why", match: [{ line: 1, exactness: "exact" }] },
  ]);
  const range = { start: { line: 0, character: 0 }, end: { line: 0, character: 1 } };
  const edit = { changes: { [pathToFileURL(at("b.txt")).href]: [{ range, newText: "B" }] } };
  writeFileSync(at("edit.json"), JSON.stringify(edit));
  const staged = await ctl(["stage", "--patch", "edit.json"]);
  expect(staged).toMatchObject({
    code: 0,
    stderr: expect.stringContaining("b.txt:1: found by line and character"),
  });
  expect((await ctl(["cat", "b.txt"])).stdout).toBe("B\n");
  expect((await ctl(["cat", "src/a.txt"])).stdout).toBe("one\n2\nthree\n");
});

test("a diff that no frame holds is staged all the same", async () => {
  const text = "a line of a large file\n".repeat(500_000);
  const count = text.split("\n").length - 1;
  const diff = `--- /dev/null\n+++ b/large\n@@ -0,0 +1,${count} @@\n${text.replaceAll(/^(?=.)/gm, "+")}`;
  expect((await json(["stage", "--patch", "-"], { input: diff })).patches).toMatchObject([
    { path: "large", added: count },
  ]);
});

test.each<[string, string | Buffer, number, RegExp]>([
  ["nothing", "\n", 2, /There is nothing in stdin/],
  ["broken JSON", "{", 2, /begins as JSON and is none/],
  ["other JSON", "{}", 2, /neither documentChanges nor changes/],
  ["an apply_patch text that is not UTF-8", Buffer.from("*** Begin Patch\n\xff", "latin1"), 2, /not UTF-8/],
  ["prose", "please change b.txt\n", 5, /holds no diff/],
  [
    "half an apply_patch text",
    "*** Begin Patch\n*** Delete File: b.txt\n",
    5,
    /ends without `\*\*\* End Patch`/,
  ],
  ["an edit of no URI", JSON.stringify({ changes: { "b.txt": [] } }), 2, /b\.txt is no URI of a local file/],
])("a patch that is %s is refused in words", async (_, input, code, words) => {
  expect(await ctl(["stage", "--patch", "-"], { input })).toMatchObject({
    code,
    stderr: expect.stringMatching(words),
  });
  expect((await json(["diff"])).files).toEqual([]);
});

test("apply of named paths leaves the others pending", async () => {
  await json(["stage", "b.txt"], { input: "new b\n" });
  await json(["stage", "src/a.txt"], { input: "new a\n" });
  await json(["apply", "src", "--yes"]);
  expect([read("src/a.txt"), read("b.txt")]).toEqual(["new a\n", "b\n"]);
  expect((await ctl(["diff", "src/a.txt"])).code).toBe(1);
});

test("a stale patch: apply exits 3 and writes nothing, --skip-stale leaves it out, discard settles it", async () => {
  await json(["stage", "src/a.txt"], { input: "ONE\ntwo\nthree\n" });
  await json(["stage", "b.txt"], { input: "new b\n" });
  writeFileSync(at("src/a.txt"), "one\ntwo\nthree\nfour\n");
  expect(await json(["apply", "--yes"], {}, 3)).toMatchObject({ error: { data: { kind: "Stale" } } });
  expect(read("b.txt")).toBe("b\n");
  const status = await ctl(["status"]);
  expect(status.stdout).toContain("1 stale");
  expect(status.stdout).toContain("Next: iopipectl rebase merges what is stale");
  expect((await ctl(["show"])).stdout).toContain("Discarded (stale)");
  const skipped = await ctl(["apply", "--yes", "--skip-stale"]);
  expect(skipped).toMatchObject({ code: 0, stdout: expect.stringContaining("Applied 1 patch") });
  expect(await ctl(["apply", "--yes", "--skip-stale"])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("with `iopipectl rebase`, or stage it anew."),
  });
  expect([read("src/a.txt"), read("b.txt")]).toEqual(["one\ntwo\nthree\nfour\n", "new b\n"]);
  await json(["discard", "src/a.txt"]);
  expect((await json(["status"])).sessions).toEqual([]);
});

test("a diff with nothing but stale patches says so beside an empty stdout", async () => {
  await json(["stage", "b.txt"], { input: "new b\n" });
  writeFileSync(at("b.txt"), "by hand\n");
  await json(["apply", "--yes"], {}, 3);
  const { code, stdout, stderr } = await ctl(["diff"]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
  expect(stderr).toContain("Nothing is pending; 1 patch is stale");
  expect(stderr).toContain("iopipectl discard PATH");
  expect(await json(["diff"])).toMatchObject({ diff: "", files: [] });
  expect((await ctl(["review"], { terminal: true })).stderr).toContain("1 patch is stale");
});

test("undo refuses to overwrite a later edit (exit 3), or skips it if told to", async () => {
  await json(["stage", "src/a.txt"], { input: "1\ntwo\nthree\n" });
  await json(["stage", "b.txt"], { input: "new b\n" });
  await json(["apply", "--yes"]);
  writeFileSync(at("src/a.txt"), "1\ntwo\nthree\nby hand\n");
  const refused = await ctl(["undo", "--yes"]);
  expect(refused.code).toBe(3);
  expect(refused.stderr).toContain("src/a.txt");
  const skipped = await ctl(["undo", "--yes", "--skip-modified"]);
  expect(skipped).toMatchObject({ code: 0, stdout: expect.stringContaining("left src/a.txt") });
  expect([read("src/a.txt"), read("b.txt")]).toEqual(["1\ntwo\nthree\nby hand\n", "b\n"]);
});

test("rebase merges what is stale onto the file as it is now, and says where it cannot: exit 3", async () => {
  writeFileSync(at("src/a.txt"), "1\n2\n3\n4\n5\n6\n");
  await json(["stage", "src/a.txt"], { input: "one\n2\n3\n4\n5\n6\n" });
  writeFileSync(at("src/a.txt"), "1\n2\n3\n4\n5\nsix\n");
  expect(await ctl(["rebase"])).toMatchObject({ code: 0, stdout: "merged    src/a.txt\n" });
  expect((await ctl(["rebase"])).stdout).toBe("Nothing was stale.\n");
  expect((await ctl(["cat", "src/a.txt"])).stdout).toBe("one\n2\n3\n4\n5\nsix\n");
  writeFileSync(at("src/a.txt"), "uno\ndos\n3\n4\n5\nsix\n");
  expect(await ctl(["rebase", "src/a.txt"])).toMatchObject({
    code: 3,
    stdout: "conflict  src/a.txt: the same or neighbouring lines were changed (lines 1-2)\n",
  });
  expect(read("src/a.txt")).toBe("uno\ndos\n3\n4\n5\nsix\n");
});

test("undo --dry-run says what the undo would do, or be refused for, and exits as it would", async () => {
  await json(["stage", "src/a.txt"], { input: "1\ntwo\nthree\n" });
  await json(["stage", "b.txt"], { input: "new b\n" });
  await json(["apply", "--yes"]);
  const dry = async (...flags: string[]) => {
    const { code, stdout, stderr } = await ctl(["undo", "--dry-run", ...flags]);
    return { code, said: stdout.split("\n").slice(0, -1), next: stderr };
  };
  expect(await dry()).toEqual({ code: 0, said: ["would revert b.txt", "would revert src/a.txt"], next: "" });
  writeFileSync(at("src/a.txt"), "by hand\n");
  const left = "would leave src/a.txt: modified since";
  expect(await dry()).toEqual({
    code: 3,
    said: [left, expect.stringMatching(/^Would not undo\. Undoing o\w+ would overwrite .* src\/a\.txt$/)],
    next: "Leave those files out with --skip-modified.\n",
  });
  expect(await json(["undo", "--dry-run"], {}, 3)).toMatchObject({
    reverted: ["b.txt"],
    skipped: [{ path: "src/a.txt", reason: "modified" }],
    problems: [{ kind: "ModifiedSince", path: "src/a.txt" }],
  });
  expect(await dry("b.txt")).toEqual({ code: 0, said: ["would revert b.txt"], next: "" });
  expect(await dry("--skip-modified")).toEqual({ code: 0, said: ["would revert b.txt", left], next: "" });
  const collides = "would leave src/a.txt: later edits collide with it";
  expect(await dry("--stage")).toEqual({ code: 0, said: ["would stage b.txt", collides], next: "" });
  expect(await dry("--stage", "src/a.txt")).toMatchObject({ code: 3, said: [collides, expect.anything()] });
  // Where the answer makes no difference there is no question.
  const asked = await ctl(["undo"], { terminal: true, input: "y" });
  expect(asked).toMatchObject({
    code: 3,
    stdout: expect.stringContaining("  leave  src/a.txt: modified since"),
  });
  expect(asked.stderr).not.toContain("[y/N]");
  expect([read("src/a.txt"), read("b.txt")]).toEqual(["by hand\n", "new b\n"]);
  expect((await json(["log"])).operations).toHaveLength(1);
});

test("an undo of an undo is a redo and says so, and its undo is an undo again", async () => {
  await json(["stage", "b.txt"], { input: "new b\n" });
  await json(["apply", "--yes"]);
  const said = async () => (await ctl(["undo", "--yes"])).stdout.split("\n").at(-2);
  expect([await said(), read("b.txt")]).toEqual([expect.stringMatching(/^Undone \(/), "b\n"]);
  const asked = await ctl(["undo"], { terminal: true, input: "y" });
  expect(asked.stderr).toContain("which is a redo");
  expect([asked.stdout, read("b.txt")]).toEqual([expect.stringContaining("\nRedone ("), "new b\n"]);
  expect([await said(), read("b.txt")]).toEqual([expect.stringMatching(/^Undone \(/), "b\n"]);
});

test("discard drops what is pending, --undo brings it back", async () => {
  await json(["stage", "b.txt"], { input: "new\n" });
  await json(["stage", "src/a.txt"], { input: "new\n" });
  expect((await ctl(["discard", "b.txt"])).stdout).toContain("1 pending, 1 discarded");
  expect((await ctl(["discard"])).stdout).toContain("0 pending, 2 discarded");
  expect((await json(["status"])).sessions).toEqual([]);
  expect((await ctl(["discard", "--undo"])).stdout).toContain("2 pending, 0 discarded");
});

test("several sessions are listed and one must be chosen, by prefix or by IOPIPE_SESSION", async () => {
  await json(["open"]);
  const open = async (title: string) =>
    (await json(["rpc", "session/open", JSON.stringify({ workspace: here.root, title })])).session
      .id as string;
  const ids = [await open("first \u202e one"), await open("second")];
  for (const id of ids) await json(["stage", "b.txt", "--session", id], { input: `${id}\n` });
  const { code, stderr } = await ctl(["diff"]);
  expect(code).toBe(2);
  expect(stderr).toContain("2 sessions could be meant");
  expect(stderr).toContain("first \\u202e one");
  expect(stderr).not.toContain("\u202e");
  const { error } = await json(["diff"], {}, 2);
  expect(error.data.sessions).toHaveLength(2);
  const [first = "", second = ""] = ids;
  expect((await ctl(["cat", "b.txt", "-s", first.slice(0, -2)])).stdout).toBe(`${first}\n`);
  expect((await ctl(["cat", "b.txt"], { env: { IOPIPE_SESSION: second } })).stdout).toBe(`${second}\n`);
  expect((await ctl(["diff", "-s", "s0000000000"])).code).toBe(1);
  expect((await ctl(["ls"])).stdout.trim().split("\n")).toHaveLength(2);
});

test("a proposer stages into the session it names, and names one", async () => {
  await json(["open"]);
  const { session } = await json(["rpc", "session/open", JSON.stringify({ workspace: here.root })]);
  const env = { IOPIPE_ROLE: "proposer", IOPIPE_SESSION: session.id };
  await json(["stage", "b.txt"], { input: "proposed\n", env });
  expect((await json(["diff"], { env })).files).toHaveLength(1);
  expect((await json(["show"], { env })).session.id).toBe(session.id);
  const unnamed = await ctl(["stage", "b.txt"], { input: "x", env: { IOPIPE_ROLE: "proposer" } });
  expect(unnamed.code).toBe(2);
  expect(unnamed.stderr).toContain("names its session");
  const blind = await ctl([], { env: { IOPIPE_ROLE: "proposer" } });
  expect(blind).toMatchObject({ code: 0, stdout: expect.stringContaining("set IOPIPE_SESSION") });
  expect((await ctl(["discard", "--purge"], { env })).code).toBe(77);
});

test("review by flags: approves, rejects with a note, applies what was approved", async () => {
  await json(["stage", "b.txt"], { input: "new b\n" });
  await json(["stage", "src/a.txt"], { input: "new a\n" });
  const rejected = await ctl(["review", "--reject", "src", "--note", "not \u001b[31mthis"]);
  expect(rejected.stdout).toContain("rejected: not \\x1b[31mthis");
  const result = await json(["review", "--approve", "b.txt", "--apply"]);
  expect(result.applied).toHaveLength(1);
  expect([read("src/a.txt"), read("b.txt")]).toEqual(["one\ntwo\nthree\n", "new b\n"]);
});

test("edit stages what the editor leaves; nothing changed stages nothing", async () => {
  const editor = path.join(here.home.directory, "editor.mjs");
  writeFileSync(
    editor,
    `import { appendFileSync } from "node:fs"; appendFileSync(process.argv.at(-1), process.env.ADD ?? "");`,
  );
  const env = { EDITOR: `'${process.execPath}' ${editor}`, ADD: "more\n" };
  expect((await ctl(["edit", "b.txt"], { env: { ...env, ADD: "" } })).stdout).toContain(
    "Nothing was changed",
  );
  expect((await ctl(["edit", "b.txt"], { env })).stdout).toContain("update");
  expect((await ctl(["edit", "new.txt"], { env })).stdout).toContain("create");
  expect((await ctl(["cat", "b.txt"])).stdout).toBe("b\nmore\n");
  const failed = await ctl(["edit", "b.txt"], { env: { EDITOR: "false" } });
  expect(failed.code).toBe(1);
  expect((await ctl(["edit", "b.txt"])).code).toBe(2);
});

test("a file with several names is refused with the way round: --break-hard-links", async () => {
  const names = ["b.txt", "src/a.txt"].map((name, n) => [name, `${here.root}/other${n}`] as const);
  for (const [name, other] of names) linkSync(at(name), other);
  const refused = await ctl(["stage", "b.txt"], { input: "new b\n" });
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("--break-hard-links") });
  await json(["stage", "b.txt", "--break-hard-links", "--note", "mine"], { input: "new b\n" });
  const editor = path.join(here.home.directory, "hard.mjs");
  writeFileSync(
    editor,
    `import { appendFileSync } from "node:fs"; appendFileSync(process.argv.at(-1), "four\\n");`,
  );
  const env = { EDITOR: `'${process.execPath}' ${editor}` };
  expect((await ctl(["edit", "src/a.txt"], { env })).code).toBe(1);
  expect((await ctl(["edit", "src/a.txt", "--break-hard-links"], { env })).code).toBe(0);
  await json(["apply", "--yes"]);
  expect([read("b.txt"), read("other0")]).toEqual(["new b\n", "b\n"]);
  expect([read("src/a.txt"), read("other1")]).toEqual(["one\ntwo\nthree\nfour\n", "one\ntwo\nthree\n"]);
});

test("wait tells of the session's next event, or exits 75 when the time is over", async () => {
  const { session } = await json(["stage", "b.txt"], { input: "new\n" });
  expect(await json(["wait", "--timeout", "20"], {}, 75)).toMatchObject({ timedOut: true });
  const { seq } = session;
  await json(["rpc", "session/submit", JSON.stringify({ session: session.id, message: "please" })]);
  const waited = await ctl(["wait", "--since", String(seq), "--timeout", "5000"]);
  expect(waited).toMatchObject({ code: 0, stdout: expect.stringContaining("ready") });
  expect(await json(["wait", "--timeout", "0s"], {}, 75)).toMatchObject({ timedOut: true });
  for (const wrong of ["soon", "25h", "-1", "1.5s"])
    expect((await ctl(["wait", `--timeout=${wrong}`])).code, wrong).toBe(2);
});

test("ls PATH and cat show what the session sees", async () => {
  await json(["stage", "src/new.txt"], { input: "new\n" });
  const { stdout } = await ctl(["ls", "src"]);
  expect(stdout).toMatch(/^src\/a\.txt$/m);
  expect(stdout).toMatch(/^src\/new\.txt {2}\(staged\)$/m);
  expect((await json(["cat", "src/new.txt"])).content).toBe("new\n");
  expect((await ctl(["ls", "-r"])).stdout).toMatch(/^src\/new\.txt {2}\(staged\)$/m);
  expect((await ctl(["ls", "-s", "s0000000000"])).code).toBe(1);
});

test("the workspace: git's top level by itself, the deeper open one, any other only after open", async () => {
  const inner = at("src");
  const outside = `${here.root}-plain`;
  mkdirSync(path.join(outside, "sub"), { recursive: true });
  await json(["status"]);
  expect(
    (await json(["rpc", "workspace/list"])).workspaces.map((each: { root: string }) => each.root),
  ).toContain(here.root);
  const refused = await ctl(["status"], { cwd: outside });
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain("iopipectl open DIR");
  await json(["open", outside]);
  expect((await ctl(["status"], { cwd: path.join(outside, "sub") })).stdout).toContain(outside);
  await json(["open", inner]);
  expect((await ctl(["status"], { cwd: inner })).stdout).toContain(inner);
  expect((await ctl(["status", "-C", here.root], { cwd: "/" })).stdout).toContain(here.root);
  expect((await ctl(["status", "-C", "/no/such"], { cwd: "/" })).code).toBe(2);
  for (const directory of ["/", here.home.directory]) {
    const tooLarge = await ctl(["open", directory]);
    expect(tooLarge.code).toBe(2);
    expect(tooLarge.stderr).toContain("--force");
  }
});

test("log --session takes the workspace from the session, wherever it is called", async () => {
  const { session } = await json(["stage", "b.txt"], { input: "new b\n" });
  await json(["apply", "--yes"]);
  const elsewhere = { cwd: here.home.directory };
  for (const named of [session.id, session.id.slice(0, 12)]) {
    const { operations } = await json(["log", "b.txt", "--session", named], elsewhere);
    expect(operations).toMatchObject([{ session: session.id, kind: "apply" }]);
  }
  expect(await json(["log", "src", "--session", session.id], elsewhere)).toEqual({ operations: [] });
  expect(await ctl(["log"], elsewhere)).toMatchObject({ code: 2 });
  expect(await ctl(["log", "--session", "s0000000000"], elsewhere)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("iopipectl ls"),
  });
});

test("paths count from the working directory, may be absolute, and may not leave the root", async () => {
  const link = `${here.root}-link`;
  symlinkSync(here.root, link);
  await json(["stage", path.join(link, "b.txt")], { input: "by link\n" });
  await json(["stage", "../c.txt"], { cwd: at("src"), input: "c\n" });
  expect((await json(["diff"])).files.map((file: { path: string }) => file.path).sort()).toEqual([
    "b.txt",
    "c.txt",
  ]);
  const escaped = await ctl(["stage", "../../x"], { cwd: at("src"), input: "x" });
  expect(escaped).toMatchObject({ code: 1, stderr: expect.stringContaining("outside the workspace") });
  rmSync(link);
});

test("a digest of before is refused: exit 3", async () => {
  await json(["stage", "b.txt"], { input: "new\n" });
  const { digest } = await json(["diff"]);
  await json(["stage", "b.txt"], { input: "newer\n" });
  expect(await json(["apply", "--digest", digest], {}, 3)).toMatchObject({
    error: { code: 1033, data: { kind: "DigestMismatch" } },
  });
});

test("a file over 1 MiB wants --confirm-full-replace: exit 4", async () => {
  writeFileSync(at("big.txt"), "x".repeat(2 << 20));
  await json(["stage", "big.txt"], { input: "y".repeat(2 << 20) });
  expect((await ctl(["apply", "--yes"])).code).toBe(4);
  expect(await ctl(["check"])).toMatchObject({
    code: 4,
    stdout: expect.stringContaining("--confirm-full-replace"),
  });
  await json(["apply", "--yes", "--confirm-full-replace"]);
  expect(read("big.txt").startsWith("yyy")).toBe(true);
});

test("a diff that does not fit: exit 5, and nothing is staged", async () => {
  const diff = "diff --git a/b.txt b/b.txt\n--- a/b.txt\n+++ b/b.txt\n@@ -1,1 +1,1 @@\n-not there\n+x\n";
  expect((await ctl(["stage", "--patch", "-"], { input: diff })).code).toBe(5);
  expect((await json(["diff"])).files).toEqual([]);
});

test("on a terminal apply, undo and review show and ask, and only a yes counts", async () => {
  const answering = (args: string[], input: string) => ctl(args, { terminal: true, input });
  await json(["stage", "b.txt"], { input: "new b\n" });
  await json(["stage", "src/a.txt"], { input: "\u001b[31mnew a\n" });
  const no = await answering(["apply"], "n");
  expect(no).toMatchObject({ code: 1, stderr: expect.stringContaining("still pending") });
  expect(no.stdout).toContain("\u001b[32m+\\x1b[31mnew a\u001b[39m");
  expect(await answering(["apply"], "")).toMatchObject({ code: 1 });
  expect((await answering(["apply", "b.txt"], "y")).stderr).toContain("To take it back");
  expect([read("src/a.txt"), read("b.txt")]).toEqual(["one\ntwo\nthree\n", "new b\n"]);
  const reviewed = await answering(["review"], "n\nnot yet");
  expect(reviewed.stdout).toContain("rejected: not yet");
  expect(await answering(["undo"], "no")).toMatchObject({ code: 1 });
  const undone = await answering(["undo"], "yes");
  expect(undone).toMatchObject({ code: 0, stdout: expect.stringContaining("revert b.txt") });
  expect(read("b.txt")).toBe("b\n");
  await json(["stage", "b.txt"], { input: "newer b\n" });
  expect((await answering(["review"], "s")).code).toBe(0);
  expect((await answering(["review"], "q")).code).toBe(0);
  expect((await answering(["review"], "y\ny")).stdout).toContain("Applied 1 patch");
  expect(read("b.txt")).toBe("newer b\n");
});

test("on a terminal a pager is used, a missing one done without", async () => {
  await json(["stage", "b.txt"], { input: "new b\n" });
  const copy = `${here.root}-paged`;
  const env = { IOPIPE_PAGER: `tee '${copy}'`, NO_COLOR: "1" };
  await ctl(["diff"], { terminal: true, env });
  expect(readFileSync(copy, "utf8")).toContain("+new b");
  const missing = await ctl(["diff"], { terminal: true, env: { IOPIPE_PAGER: "/no/such/pager" } });
  expect(missing.stdout).toContain("+new b");
  expect((await ctl(["stage", "b.txt"], { terminal: true })).stderr).toContain("stdin is a terminal");
});

test("what a person reads: check, show of a patch and of an operation, log, open", async () => {
  expect((await ctl(["open"])).stdout).toContain(`${here.root} is open`);
  const { patches } = await json(["stage", "b.txt", "--title", "A title"], { input: "new b\n" });
  expect((await ctl(["check", "b.txt"])).stdout).toContain("Would apply 1 file.");
  expect((await ctl(["show", patches[0].id.slice(0, 12)])).stdout).toContain("+new b");
  expect((await ctl(["ls"])).stdout).toContain("A title");
  await json(["apply", "--yes"]);
  expect((await ctl(["log", "b.txt"])).stdout).toMatch(/^o\S+ .* apply {2}committed {2}1 file {2}A title/);
  expect((await ctl(["show", "x123"])).code).toBe(2);
  expect((await ctl(["show", "o00000000000"])).code).toBe(1);
  expect((await ctl(["undo", "o00000000000", "--yes"])).code).toBe(1);
  expect((await ctl(["ls", "--all"])).stdout).toContain("Applied");
  writeFileSync(at("src/a.txt"), "changed\n");
  await json(["stage", "b.txt"], { input: "x\n" });
  writeFileSync(at("b.txt"), "by hand\n");
  const check = await ctl(["check"]);
  expect(check).toMatchObject({ code: 3, stdout: expect.stringContaining("Stale: b.txt") });
});

test("open takes the workspace's own rules of watching, which stay until others are given", async () => {
  const flags = ["--ignore", "*.gen", "--high", "src/**", "--low", "b.txt"];
  const rules = { ignore: ["*.gen"], high: ["src/**"], low: ["b.txt"] };
  expect((await json(["open", ...flags])).workspace.watch).toMatchObject({ rules });
  const { workspace } = await json(["open"]);
  expect(workspace.watch).toMatchObject({ rules });
  const { changes } = await json(["rpc", "watch/since", JSON.stringify({ workspace: workspace.id })]);
  expect(changes).toMatchObject([
    { path: "b.txt", priority: "LOW" },
    { path: "src/a.txt", priority: "HIGH" },
  ]);
  expect((await json(["open", "--med", "b.txt"])).workspace.watch).toMatchObject({
    rules: { med: ["b.txt"] },
  });
});

test("watch --audit lists what the daemon did not know, exits 1 then, and 0 once it knows", async () => {
  // Before anybody watches: another name is an event of the file, which half a second later would find the write too.
  const outside = `${here.root}-other`;
  linkSync(at("b.txt"), outside);
  const { workspace } = await json(["open"]);
  await json(["rpc", "watch/sync", JSON.stringify({ workspace: workspace.id })]);
  expect(await ctl(["watch", "--audit"])).toMatchObject({ code: 0, stdout: "", stderr: /no difference/ });
  // No event of the root is raised by that. On a busy machine the slow pass, which never rests, may come upon it first.
  const afterWriting = async (content: string) => {
    writeFileSync(outside, content);
    return await ctl(["watch", "--audit"]);
  };
  let audited = await afterWriting("longer than it was\n");
  for (let n = 0; audited.code === 0 && n < 10; n++)
    audited = await afterWriting("longer still\n".repeat(n + 2));
  const { code, stdout, stderr } = audited;
  expect({ code, stdout }).toEqual({ code: 1, stdout: "changed b.txt  (size, times)\n" });
  expect(stderr).toMatch(/^\d+ paths in 2 directories compared: 1 difference, repaired now\.$/m);
  expect(await json(["watch", "--audit"])).toMatchObject({ differences: [], total: 0, directories: 2 });
});

test("watch prints one line a change, in a terminal's colours, and says when the history has a gap", async () => {
  await json(["open"]);
  writeFileSync(at(".gitignore"), "out/\n");
  const steps: [RegExp, () => unknown][] = [
    [/A\S* \w+ +src\/a\.txt/, () => writeFileSync(at("new \u202e.txt"), "")],
    [/A\S* \w+ +new \\u202e\.txt/, () => rmSync(at("b.txt"))],
    [/D\S* \w+ +b\.txt/, () => process.emit("SIGINT")],
  ];
  const onOutput = (stdout: string): void => {
    if (steps[0]?.[0].test(stdout)) steps.shift()?.[1]();
  };
  const { code, stderr } = await ctl(["watch", "--since", "no clock", "--settle", "0"], {
    terminal: true,
    onOutput,
  });
  expect(code).toBe(130);
  expect(stderr).toContain("The history has a gap");
  expect((await ctl(["watch", "--priority", "urgent"])).code).toBe(2);
});

test("a stage that the daemon refuses leaves nothing in ls and status, and nothing to choose from", async () => {
  for (const [target, ...more] of [[".git/x"], ["src"], ["b.txt/x"], ["missing", "--delete"]])
    expect((await ctl(["stage", target as string, ...more], { input: "x" })).code).toBe(1);
  for (const verb of ["ls", "status"]) expect(await json([verb])).toEqual({ sessions: [] });
  expect((await ctl(["ls"])).stdout).toBe("");
  expect((await ctl(["ls", "--all"])).stdout).toContain("empty");
  const { session } = await json(["stage", "b.txt"], { input: "x\n" });
  for (const verb of ["ls", "status"])
    expect((await json([verb])).sessions).toMatchObject([{ id: session.id, title: "stage b.txt" }]);
  expect((await json(["diff"])).files).toHaveLength(1);
});

test("mistakes in stage leave no session behind", async () => {
  const listed = async () => (await json(["ls", "--all"])).sessions.length;
  await json(["status"]);
  for (const args of [
    ["a", "b"],
    [],
    ["--move", "a"],
    ["a", "--from", "/no/such/file"],
    ["a", "--patch", "-"],
    ["--patch", "/no"],
  ])
    expect((await ctl(["stage", ...args])).code).toBe(2);
  expect(await listed()).toBe(0);
  expect((await json(["stage", "b.txt", "--from", "/dev/null"])).patches).toMatchObject([
    { added: 0, removed: 1 },
  ]);
  await json(["discard"]);
  expect((await ctl(["stage", "b.txt"], { input: "b\n" })).stdout).toContain("Nothing differs");
});

test("trust shows the workspace's policy, and lets it count when that is wanted", async () => {
  expect(await ctl(["trust", "--show"])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("There is no .iopipe.jsonc here"),
  });
  writeFileSync(at(".iopipe.jsonc"), '{ "autoApproveBelow": 10 } // little\n');
  expect((await ctl(["trust", "--show"])).stdout).toBe(
    '.iopipe.jsonc is not trusted: what it loosens does not count.\n{\n  "autoApproveBelow": 10\n}\n',
  );
  expect((await ctl(["trust"])).code).toBe(2);
  await ctl(["stage", "b.txt"], { input: "new b\n" });
  const refused = await ctl(["apply", "--yes"]);
  expect(refused).toMatchObject({
    code: 4,
    stderr: expect.stringMatching(/\nDecide with `iopipectl review`\.\n$/),
  });
  expect((await json(["trust", "--yes"])).policy).toMatchObject({ trusted: true });
  expect((await ctl(["apply", "--yes"])).code).toBe(0);
  expect(read("b.txt")).toBe("new b\n");
  expect((await json(["trust", "--revoke"])).policy).toMatchObject({ trusted: false });
  writeFileSync(at(".iopipe.jsonc"), "{");
  expect((await ctl(["trust", "--yes"])).stdout).toMatch(/trusted\.\nIt cannot be understood/);
});

test("review takes some hunks, or a version edited there and then, by questions and by flags", async () => {
  const lines = Array.from({ length: 30 }, (_, n) => `line ${n}\n`);
  const changed = (...at: number[]) =>
    lines.map((line, n) => (at.includes(n) ? `new ${n}\n` : line)).join("");
  const stage = (content: string) => ctl(["stage", "src/a.txt"], { input: content });
  const EDITOR = "sed -i s/two/2/";
  const answering = (input: string) => ctl(["review"], { terminal: true, input, env: { EDITOR } });

  writeFileSync(at("src/a.txt"), lines.join(""));
  await stage(changed(2, 15, 28));
  const some = await answering("h\ny\nn\ny\ny");
  expect(some.stdout).toContain("Applied 1 patch");
  expect(read("src/a.txt")).toBe(changed(2, 28));

  await stage(changed(2, 28, 15));
  const none = await answering("?\nh\nn\ny\ny");
  expect(none.stderr).toContain("No hunk was approved.");
  expect(read("src/a.txt")).toBe(changed(2, 15, 28));

  await stage("one\ntwo\n");
  await answering("e\ny");
  expect(read("src/a.txt")).toBe("one\n2\n");
  await ctl(["stage", "--delete", "src/a.txt"]);
  const deleted = await answering("e\ns");
  expect(deleted.stderr).toContain("nothing to edit");
  await ctl(["discard"]);

  await ctl(["stage", "b.txt"], { input: "new b\n" });
  writeFileSync(at("version"), "b as edited\n");
  await json(["review", "--approve", "b.txt", "--from", "version", "--apply"]);
  expect(read("b.txt")).toBe("b as edited\n");

  await ctl(["stage", "b.txt"], { input: "b as edited\nmore\n" });
  const [{ session, path: file }] = (await json(["show"])).patches;
  const shown = await json([
    "rpc",
    "session/diff",
    JSON.stringify({ session, paths: [file], format: "hunks" }),
  ]);
  const [{ id }] = shown.files[0].hunks;
  await json(["review", "--approve", "b.txt", "--hunks", id, "--apply"]);
  expect(read("b.txt")).toBe("b as edited\nmore\n");
  await ctl(["stage", "b.txt"], { input: "x\n" });
  await ctl(["stage", "src/a.txt"], { input: "x\n" });
  expect((await ctl(["review", "--approve", "b.txt", "src/a.txt", "--hunks", id])).code).toBe(2);
});

test("in a review only a yes to what was shown approves, and what was decided stays so", async () => {
  const pending = async (): Promise<Record<string, string>> => {
    const { patches } = await json(["show"]);
    return Object.fromEntries(
      patches
        .filter(({ state }: Patch) => state === "Pending")
        .map(({ path: file, decision }: Patch) => [file, decision]),
    );
  };
  const answering = (input: string, EDITOR = "true") =>
    ctl(["review"], { terminal: true, input, env: { EDITOR } });
  await json(["stage", "bin"], { input: Buffer.from([0, 1, 2]) });

  const withoutHunks = await answering("you pasted this\nh\nskip");
  expect(withoutHunks.stderr).toContain("bin has no hunks to choose among.");
  expect(await pending()).toEqual({ bin: "undecided" });

  for (const [editor, why] of [
    ["false", "ended with status 1"],
    ["rm", "has left no file"],
    ["/nowhere/editor", "could not be started"],
  ] as const)
    expect((await answering("e\ns", editor)).stderr).toContain(why);
  expect(await pending()).toEqual({ bin: "undecided" });

  await json(["stage", "b.txt"], { input: "seen\n" });
  const interrupted = await answering("y");
  expect(interrupted.code).toBe(130);
  expect(await pending()).toEqual({ bin: "approved", "b.txt": "undecided" });

  await json(["stage", "src/a.txt"], { input: "a\n" });
  const restage = `sh -c 'printf "not seen\\n" | ${CTL_COMMAND.replaceAll("'", '"')} stage b.txt --session "$IOPIPE_SESSION"'`;
  const { session } = (await json(["show"])).patches[0];
  const raced = await ctl(["review"], {
    ...{ terminal: true, input: "s\ne\ny\ny" },
    env: { EDITOR: restage, IOPIPE_SESSION: session },
  });
  expect(raced.stderr).toContain("This decision does not count");
  expect(raced.stdout).toContain("Applied 1 patch");
  expect([read("src/a.txt"), read("b.txt")]).toEqual(["a\n", "b\n"]);
  expect(await pending()).toEqual({ bin: "approved", "b.txt": "undecided" });
});

test("a patch that is too large to be shown is decided on all the same, and an id approves what was shown", async () => {
  await json(["stage", "large"], { input: "0123456789abcde\n".repeat(600_000) });
  const large = await ctl(["review"], { terminal: true, input: "n\n" });
  expect(large).toMatchObject({ code: 0, stderr: expect.stringContaining("iopipectl cat") });
  const [{ id }] = (await json(["stage", "b.txt"], { input: "seen\n" })).patches;
  await json(["stage", "b.txt"], { input: "not seen\n" });
  const old = await json(["review", "--approve", id.slice(0, 10), "--apply"], {}, 1);
  expect(old.error.data.kind).toBe("PatchNotFound");
  const [{ id: now }] = (await json(["show"])).patches.filter(({ state }: Patch) => state === "Pending");
  expect((await json(["review", "--approve", now, "--apply"])).applied).toEqual([now]);
});

test("many paths make one title, and no mistake", async () => {
  const names = Array.from({ length: 200 }, (_, n) => `file-${n}.txt`);
  for (const name of names) writeFileSync(at(name), "");
  const { session } = await json(["stage", "--delete", ...names]);
  expect(session).toMatchObject({ patches: { pending: 200 } });
  expect(session.title).toMatch(/^stage file-0\.txt .*…$/);
  expect([...session.title].length).toBe(200);
});

test("a name that is not UTF-8 is refused, not taken for another", async () => {
  const stage = async (name: string) => {
    const script = `printf x | ${CTL_COMMAND} stage --json $'${name}'`;
    return JSON.parse((await inShell(script, { cwd: here.root, env: here.home.env })).stdout);
  };
  expect((await stage("a\\xffb")).error.message).toMatch(/ is not UTF-8, /);
  expect((await stage("a\\xef\\xbf\\xbdb")).patches[0].path).toBe("a\ufffdb");
});

test("what is too large to be shown can be looked at by the line, and applied", async () => {
  const large = at("../large-of-mine");
  writeFileSync(large, randomBytes(9 * 1024 * 1024));
  await json(["stage", "z.txt"], { input: "z\n" });
  await json(["stage", "large", "--from", large]);
  expect(await ctl(["diff"])).toMatchObject({ code: 1, stderr: expect.stringContaining("diff --stat") });
  expect((await ctl(["diff", "--stat"])).stdout).toBe("create  large  binary\ncreate  z.txt  +1 −0\n");
  const asked = await ctl(["apply"], { terminal: true, input: "n" });
  expect(asked.stderr).toMatch(/The diff passes \d+ bytes, with large: it is not shown\./);
  expect(asked.stderr).toContain("Apply 2 files");
});

test("a file of 2 GiB is refused for its size", async () => {
  truncateSync(at("b.txt"), 2 ** 31);
  const staged = await ctl(["stage", "c.txt", "--from", "b.txt"]);
  expect(staged).toMatchObject({ code: 2, stderr: expect.stringContaining("2 GiB or more") });
});

test("a version that cannot be read approves nothing: exit 2", async () => {
  await json(["stage", "c.txt"], { input: "c\n" });
  const { code, stderr } = await ctl(["review", "--approve", "c.txt", "--from", "nowhere"]);
  expect({ code, stderr }).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("nowhere cannot be read"),
  });
});

test("diff in two columns: where they fit, and what is said where they do not", async () => {
  await ctl(["stage", "src/a.txt"], { input: "one\n2\nthree\n" });
  const wide = await ctl(["diff", "--side-by-side"], {
    terminal: true,
    columns: 120,
    env: { NO_COLOR: "1" },
  });
  expect(wide).toMatchObject({ code: 0, stderr: "" });
  const narrow = await ctl(["diff", "--side-by-side"], { terminal: true, columns: 60 });
  expect(narrow.stderr).toMatch(/Two columns want a terminal of \d+ columns; this one has 60/);
  const piped = await ctl(["diff", "--side-by-side"]);
  expect(piped.stderr).toMatch(/^Two columns want a terminal of \d+ columns\.\n$/);
  expect(piped.stdout).toContain("+2\n");
  writeFileSync(at("src/a.txt"), "changed below\n");
  await ctl(["apply", "--yes"]);
  const stale = await ctl(["diff", "--side-by-side"], { terminal: true, columns: 120 });
  expect(stale.stderr).toMatch(/Nothing is pending; 1 patch is stale/);
});

test("show names who else proposes a change of the same lines, and which", async () => {
  const { session } = await json(["stage", "src/a.txt"], { input: "1\ntwo\n3\n" });
  const other = await json(["rpc", "session/open", JSON.stringify({ workspace: here.root, title: "other" })]);
  const changes = [{ kind: "write", path: "src/a.txt", content: "un\ntwo\ntrois\n" }];
  const params = JSON.stringify({ session: other.session.id, changes });
  const { patches } = await json(["rpc", "patch/stage", params]);
  const { stdout } = await ctl(["show", patches[0].id]);
  const who = `conflicts with session ${session.id.slice(0, 10)}: src/a.txt`;
  expect(stdout).toContain(`  ${who}, lines `);
});
