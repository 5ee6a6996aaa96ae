/** iopipectl's command line: usage, exit codes, help, completion, and what never reaches a terminal raw. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { exitCodeOf, exitCodeOfKind, UsageError } from "../client/cli/failure.ts";
import { LOAD } from "../client/cli/load.ts";
import { VERBS } from "../client/cli/verbs.ts";
import { visible, visibleLines } from "../client/cli/visible.ts";
import { words } from "../client/cli/words.ts";
import { ERRORS, IopipeError } from "../protocol/wire/index.ts";
import { CTL_COMMAND, inShell, iopipectl } from "./fixture/cli.ts";
import { runInProcess } from "./fixture/in-process.ts";
import { testHome } from "./fixture/server.ts";

test("the verbs are those of the contract, and ours", () => {
  const contract =
    "open status ls show diff cat review stage edit check verify apply run discard rebase undo trust disable enable log watch wait daemon doctor gc setup hook mcp rpc completion";
  expect(VERBS.map(({ name }) => name)).toEqual(contract.split(" "));
  expect(Object.keys(LOAD)).toEqual(contract.split(" "));
});

test("every verb explains itself", async () => {
  await using home = testHome();
  for (const { name } of VERBS) {
    const { code, stdout } = await runInProcess(home, [name, "--help"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Usage: iopipectl .*\n\n[A-Z].*\n/);
    expect(stdout).toContain("--json");
  }
});

test.for([
  [["nonsense"], "unknown command 'nonsense'"],
  [["diff", "--nonsense"], "unknown option '--nonsense'"],
  [["status", "extra"], "too many arguments"],
  [["cat"], "missing required argument 'path'"],
  [["daemon", "dance"], "daemon dance is no command"],
  [["completion", "tcsh"], "no completion for tcsh"],
  [["rpc", "daemon/status", "{no"], "no JSON"],
  [["apply"], "nobody to ask"],
  [["undo"], "nobody to ask"],
  [["review"], "nobody to ask"],
  [["stage", "a", "b"], "one path"],
  [["apply", "a", "--digest", "0".repeat(64)], "--digest applies all of it, not only a"],
  [["apply", "a", "--yes", "--patch", "b"], "--patch applies all of it, not only a"],
  [["discard", "--undo", "--purge"], "opposites"],
  [["stage", "--delete", "--move", "a", "b"], "--delete and --move are different changes"],
  [["--json=no", "diff"], "unknown option '--json=no'"],
  [["verify", "sh", "-c", "ls"], "unknown option '-c'"],
] as const)("%s is a mistake in usage: exit 2, and a next step", async ([args, fact]) => {
  await using home = testHome();
  const { code, stdout, stderr } = await runInProcess(home, [...args]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  const [first = "", second = ""] = stderr.split("\n");
  expect(first).toContain("iopipectl: ");
  expect(first).toContain(fact);
  expect(second).not.toBe("");
});

test.for([
  [["stage", "a.txt"], "--from /dev/null"],
  [["stage", "--patch", "-"], "Pipe it in"],
  [["rpc", "patch/stage", "-"], "Pipe it in"],
] as const)("%s with /dev/null as stdin is refused: exit 2, and how to say it", async ([args, hint]) => {
  await using home = testHome();
  const { code, stdout, stderr } = await iopipectl(home, [...args], { devNull: true });
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain("stdin is /dev/null");
  expect(stderr).toContain(hint);
});

test("a mistake in how run was called exits as run does, and says where its command goes", async () => {
  await using home = testHome();
  const { code, stderr } = await runInProcess(home, ["run", "sh", "-c", "exit 2"]);
  expect(code).toBe(125);
  expect(stderr).toContain("iopipectl run -- COMMAND");
});

test("flags of a verb may stand before it", async () => {
  await using home = testHome();
  const elsewhere = path.join(home.directory, "gone");
  const before = await runInProcess(home, ["--json", "-C", elsewhere, "open", "nowhere"]);
  expect(before).toEqual(await runInProcess(home, ["open", "--json", "-C", elsewhere, "nowhere"]));
  expect(JSON.parse(before.stdout).error.message).toBe(
    `There is no directory ${path.join(home.directory, "nowhere")}.`,
  );
  expect((await runInProcess(home, ["--json", "daemon", "stop"])).stdout).toBe("{}\n");
});

test("output that cannot be written is told in one line, wherever it cannot: exit 1", async () => {
  await using home = testHome();
  const program = `${CTL_COMMAND} completion bash`;
  const full = await inShell(`${program} > /dev/full`, { env: home.env });
  expect(full).toMatchObject({ code: 1, stderr: "iopipectl: stdout cannot be written (ENOSPC).\n" });
  expect(await inShell(`${program} 2> /dev/full > /dev/full`, { env: home.env })).toMatchObject({ code: 1 });
  expect(await inShell(`${CTL_COMMAND} nonsense 2> /dev/full`, { env: home.env })).toMatchObject({
    code: 2,
    stderr: "",
  });
  const left = await inShell(`set -o pipefail; ${program} | head -n 1`, { env: home.env });
  expect(left).toMatchObject({ code: 0, stderr: "", stdout: expect.stringMatching(/^# .*\n$/) });
});

test("with --json a mistake in usage is an error on stdout", async () => {
  await using home = testHome();
  const { code, stdout, stderr } = await runInProcess(home, ["diff", "--nonsense", "--json"]);
  expect({ code, stderr }).toEqual({ code: 2, stderr: "" });
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: -32602, data: { kind: "InvalidParams" } } });
});

test("no daemon and none wanted: exit 69", async () => {
  await using home = testHome();
  expect((await runInProcess(home, ["daemon", "status"])).code).toBe(69);
  const { code, stdout } = await runInProcess(home, ["daemon", "stop", "--json"]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: "{}\n" });
});

test.for(["apply", "undo", "review", "open"])("%s is refused to a proposer: exit 77", async (verb) => {
  await using home = testHome();
  const { code, stderr } = await runInProcess(home, [verb], { env: { IOPIPE_ROLE: "proposer" } });
  expect(code).toBe(77);
  expect(stderr).toContain(`may not ${verb}`);
});

test("doctor answers without a daemon", async () => {
  await using home = testHome();
  const { code, stdout } = await runInProcess(home, ["doctor", "--json"]);
  expect(code).toBe(0);
  const names = JSON.parse(stdout).checks.map(({ name }: { name: string }) => name);
  expect(names).toEqual(expect.arrayContaining(["node", "state directory", "free space", "daemon"]));
});

test("every error kind has its exit code", () => {
  const table = Object.fromEntries(Object.keys(ERRORS).map((kind) => [kind, exitCodeOfKind(kind)]));
  const of = (code: number) => Object.keys(table).filter((kind) => table[kind] === code);
  expect(of(3)).toEqual(["Stale", "Conflict", "DigestMismatch", "ModifiedSince"]);
  expect(of(4)).toEqual(["ConfirmationRequired", "NotApproved"]);
  expect(of(5)).toEqual(["MatchNotFound", "MatchAmbiguous", "PatchMalformed", "SyntaxInvalid"]);
  expect(of(75)).toEqual(["Busy", "Timeout", "SyncTimeout", "ShuttingDown"]);
  expect(of(77)).toEqual(["NotPermitted", "AccessDenied"]);
  expect(of(130)).toEqual(["Cancelled"]);
  expect(exitCodeOf(new UsageError("", ""))).toBe(2);
  expect(exitCodeOf(new IopipeError("DiskFull", ""))).toBe(1);
  expect(exitCodeOf(new Error("anything"))).toBe(1);
});

test("control and bidirectional characters are shown as escapes", () => {
  const hostile = "a\u001b[31m\u009b\u0007\r\u202e\u2066\u200f\u061c\ud800b\ttab\n";
  const shown = "a\\x1b[31m\\x9b\\x07\\r\\u202e\\u2066\\u200f\\u061c\\ud800b";
  expect(visible(hostile)).toBe(`${shown}\\ttab\\n`);
  expect(visibleLines(hostile)).toBe(`${shown}\ttab\n`);
  expect(visible("Grüße 👋 日本")).toBe("Grüße 👋 日本");
});

test("a pager's or editor's command line is split without a shell", () => {
  expect(words("less -FRX")).toEqual(["less", "-FRX"]);
  expect(words(`  'my editor' --title "a \\"b\\"" c\\ d x'y'z; `)).toEqual([
    "my editor",
    "--title",
    'a "b"',
    "c d",
    "xyz;",
  ]);
  expect(words("")).toEqual([]);
});

test.for(["bash", "zsh", "fish"])("the %s completion names every verb", async (shell) => {
  await using home = testHome();
  const { code, stdout } = await runInProcess(home, ["completion", shell]);
  expect(code).toBe(0);
  for (const { name } of VERBS) expect(stdout).toContain(name);
  const asJson = await runInProcess(home, ["completion", shell, "--json"]);
  expect(JSON.parse(asJson.stdout)).toEqual({ shell, script: stdout.trimEnd() });
  if (shell === "bash") execFileSync("bash", ["-n"], { input: stdout });
});

test("iopiped explains itself instead of serving: 0 where it was asked to, else 2", async () => {
  await using home = testHome();
  const iopiped = CTL_COMMAND.replace(/client\/cli\/main\.ts'$/, "daemon/iopiped.ts'");
  const run = (argument: string) => inShell(`${iopiped} ${argument}`, { env: home.env });
  expect(await run("--help")).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Usage: iopiped\n/) });
  expect(await run("--version")).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
  });
  expect(await run("start")).toMatchObject({ code: 2, stderr: expect.stringContaining("there is no start") });
  expect(existsSync(home.locations.stateDir)).toBe(false);
});

test("a user without a home is told what to set, and needs none where that is set", async (context) => {
  if (process.getuid?.() !== 0) return context.skip("becoming another user wants root");
  await using home = testHome();
  const as = (variables: string) =>
    inShell(`setpriv --reuid 54321 --clear-groups env -i ${variables} ${CTL_COMMAND} daemon status`, {
      env: home.env,
    });
  expect((await as("")).stderr).toMatch(/has no home directory\.\nSet HOME, or IOPIPE_STATE_DIR/);
  expect((await as("HOME=")).stderr).toMatch(/has no home directory\.\nSet HOME, or IOPIPE_STATE_DIR/);
  expect(await as("IOPIPE_STATE_DIR=/iopipe-is-not-here")).toMatchObject({ code: 69 });
});
