/** iopipectl on a terminal: what is hostile arrives escaped, questions are asked, the answer counts. Needs script(1). */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { connect } from "../client/index.ts";
import { iopipectl, onTerminal, spawnIopipectl } from "./fixture/cli.ts";
import { startTestDaemon, type TestDaemon } from "./fixture/daemon.ts";

const withTerminal = test.skipIf(spawnSync("script", ["--version"]).error !== undefined);

async function repository() {
  const daemon = await startTestDaemon();
  const root = path.join(daemon.home.directory, "repo");
  mkdirSync(root);
  execFileSync("git", ["init", "-q", root]);
  writeFileSync(path.join(root, "a.txt"), "one\n");
  return { daemon, root, [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose]() };
}

async function stage(daemon: TestDaemon, root: string, content: string) {
  const connection = await connect({ env: daemon.home.env });
  await connection.call("workspace/open", { root });
  const session = await connection.openSession({ workspace: root, title: "ti\u001b[31mtle \u202e" });
  await session.stage([{ kind: "write", path: "a.txt", content, note: "no\u009bte \u2066" }]);
  connection.close();
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this is about.
const HOSTILE = /[\u0080-\u009f\u202a-\u202e\u2066-\u2069]|\u001b\[31m/;

withTerminal("escape and bidirectional characters reach the terminal escaped", async () => {
  await using repo = await repository();
  await stage(repo.daemon, repo.root, "\u001b[31mred \u202etxt.exe\r\n");
  for (const args of [["diff"], ["cat", "a.txt"], ["status"], ["show"], ["ls"]]) {
    const { stdout, code } = await onTerminal(repo.daemon.home, args, { cwd: repo.root });
    expect(code).toBe(0);
    expect(stdout).not.toMatch(HOSTILE);
    expect(stdout).toContain("\\x1b[31m");
    expect(stdout).toContain("\\u202e");
  }
  const piped = await iopipectl(repo.daemon.home, ["diff"], { cwd: repo.root });
  expect(piped.stdout).toContain("+\u001b[31mred \u202etxt.exe\r\n");
  execFileSync("git", ["apply", "--check", "-"], { cwd: repo.root, input: piped.stdout });
});

withTerminal("colour only on a terminal, and never with NO_COLOR", async () => {
  await using repo = await repository();
  await stage(repo.daemon, repo.root, "two\n");
  const green = "\u001b[32m+two";
  const options = { cwd: repo.root, env: { FORCE_COLOR: "1" } };
  expect((await iopipectl(repo.daemon.home, ["diff"], options)).stdout).not.toContain("\u001b[");
  expect((await onTerminal(repo.daemon.home, ["diff"], options)).stdout).not.toContain("\u001b[");
  const { stdout } = await onTerminal(repo.daemon.home, ["diff"], { cwd: repo.root, colour: true });
  expect(stdout).toContain(green);
});

withTerminal("a pager of several words is started without a shell", async () => {
  await using repo = await repository();
  await stage(repo.daemon, repo.root, "two\n");
  const env = { IOPIPE_PAGER: "sed -e 's/^/> ; /'" };
  const { stdout } = await onTerminal(repo.daemon.home, ["diff"], { cwd: repo.root, env });
  expect(stdout).toContain("> ; +two");
  const missing = { IOPIPE_PAGER: "/no/such/pager" };
  expect((await onTerminal(repo.daemon.home, ["diff"], { cwd: repo.root, env: missing })).stdout).toContain(
    "+two",
  );
});

withTerminal("apply shows the diff and asks: no applies nothing, yes applies; undo asks too", async () => {
  await using repo = await repository();
  await stage(repo.daemon, repo.root, "two\n");
  const file = path.join(repo.root, "a.txt");
  const { home } = repo.daemon;
  const no = await onTerminal(home, ["apply"], { cwd: repo.root, input: "n\r" });
  expect(no).toMatchObject({ code: 1, stdout: expect.stringContaining("+two") });
  expect(readFileSync(file, "utf8")).toBe("one\n");
  const yes = await onTerminal(home, ["apply"], { cwd: repo.root, input: "y\r" });
  expect(yes).toMatchObject({ code: 0, stdout: expect.stringContaining("Applied 1 patch") });
  expect(readFileSync(file, "utf8")).toBe("two\n");
  const undone = await onTerminal(home, ["undo"], { cwd: repo.root, input: "y\r" });
  expect(undone).toMatchObject({ code: 0, stdout: expect.stringContaining("revert a.txt") });
  expect(readFileSync(file, "utf8")).toBe("one\n");
});

withTerminal("review asks for each patch, then applies", async () => {
  await using repo = await repository();
  await stage(repo.daemon, repo.root, "two\n");
  const { code } = await onTerminal(repo.daemon.home, ["review"], { cwd: repo.root, input: "y\r" });
  expect(code).toBe(0);
  expect(readFileSync(path.join(repo.root, "a.txt"), "utf8")).toBe("two\n");
});

withTerminal("^C at a question exits 130 and changes nothing", async () => {
  await using repo = await repository();
  await stage(repo.daemon, repo.root, "two\n");
  const { code } = await onTerminal(repo.daemon.home, ["apply"], { cwd: repo.root, input: "\u0003" });
  expect(code).toBe(130);
  expect(readFileSync(path.join(repo.root, "a.txt"), "utf8")).toBe("one\n");
});

withTerminal("content is never read from a terminal", async () => {
  await using repo = await repository();
  const { code, stdout } = await onTerminal(repo.daemon.home, ["stage", "a.txt"], { cwd: repo.root });
  expect(code).toBe(2);
  expect(stdout).toContain("stdin is a terminal");
});

test("watch prints one line a change, batches with --json, and ends with 130 on ^C", async () => {
  await using repo = await repository();
  const { home } = repo.daemon;
  const { workspace } = JSON.parse((await iopipectl(home, ["open", repo.root, "--json"])).stdout);
  const { clock } = JSON.parse(
    (await iopipectl(home, ["rpc", "watch/sync", JSON.stringify({ workspace: workspace.id })])).stdout,
  );
  for (const [flags, wanted] of [
    [[], /^A \w+ +new\d\.txt$/m],
    [["--json"], /"path":"new\d\.txt"/],
  ] as const) {
    const watch = spawnIopipectl(home, ["watch", "--since", clock, ...flags], { cwd: repo.root });
    const ended = new Promise<number | null>((resolve) => watch.once("exit", resolve));
    const seen = new Promise<void>((resolve) => {
      let text = "";
      watch.stdout.setEncoding("utf8").on("data", (piece: string) => {
        text += piece;
        if (wanted.test(text)) resolve();
      });
    });
    writeFileSync(path.join(repo.root, `new${flags.length}.txt`), "new\n");
    await seen;
    watch.kill("SIGINT");
    expect(await ended).toBe(130);
  }
});

test("^C cancels a running call: exit 130", async () => {
  await using repo = await repository();
  await stage(repo.daemon, repo.root, "two\n");
  const waiting = spawnIopipectl(repo.daemon.home, ["wait"], { cwd: repo.root });
  const ended = new Promise<number | null>((resolve) => waiting.once("exit", resolve));
  const connection = await connect({ env: repo.daemon.home.env });
  // The daemon counts this test's connection and the waiting one.
  while ((await connection.call("daemon/status", {})).connections < 2) await new Promise(setImmediate);
  waiting.kill("SIGINT");
  expect(await ended).toBe(130);
  connection.close();
});

test("^C in the editor is the editor's: what it leaves is staged", async () => {
  await using repo = await repository();
  const EDITOR = `sh -c 'kill -INT $PPID; echo edited > "$1"' sh`;
  const options = { cwd: repo.root, env: { EDITOR } };
  expect(await iopipectl(repo.daemon.home, ["edit", "a.txt"], options)).toMatchObject({
    code: 0,
    stderr: "",
  });
  const { stdout } = await iopipectl(repo.daemon.home, ["cat", "a.txt"], { cwd: repo.root });
  expect(stdout).toBe("edited\n");
  const ended = { ...options, env: { EDITOR: "sh -c 'kill -TERM $PPID; exec sleep 60' sh" } };
  const terminated = await iopipectl(repo.daemon.home, ["edit", "a.txt"], ended);
  expect(terminated).toMatchObject({ code: 1, stderr: expect.stringContaining("ended with SIGTERM") });
});
