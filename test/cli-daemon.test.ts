/** iopipectl and the daemon's life: started when none runs, never holding on to the caller's pipes, stopped, joined. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Readable } from "node:stream";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { daemonPid, iopipectl, spawnIopipectl, startingHome } from "./fixture/cli.ts";
import { runInProcess } from "./fixture/in-process.ts";

const IOPIPECTL = path.resolve(import.meta.dirname, "../client/cli/main.ts");

test("a cold start does not hold the caller's pipe: `… | cat` ends", async () => {
  await using home = startingHome();
  const { stdout } = await promisify(execFile)(
    "sh",
    ["-c", '"$0" "$@" 2>&1 | cat', process.execPath, IOPIPECTL, "daemon", "start"],
    { env: home.env, timeout: 20_000 },
  );
  expect(stdout).toContain(`process ${await daemonPid(home)}`);
});

test("daemon start, status, logs and stop", async () => {
  await using home = startingHome();
  const started = JSON.parse((await runInProcess(home, ["daemon", "start", "--json"])).stdout);
  const status = await runInProcess(home, ["daemon", "status"]);
  expect(status.stdout).toContain(`process ${started.pid}`);
  // It answers as soon as its first socket is there, and says that it serves when everything is.
  const logs = async () => (await runInProcess(home, ["daemon", "logs", "--lines", "5"])).stdout;
  await expect.poll(logs).toContain('"msg":"serving"');
  await runInProcess(home, ["open", home.directory, "--force"]);
  const doctor = await runInProcess(home, ["doctor"]);
  expect(doctor).toMatchObject({ code: 0, stdout: expect.stringContaining(`process ${started.pid}`) });
  expect((await runInProcess(home, ["daemon", "status"])).stdout).toContain(`watching ${home.directory}`);
  expect(await runInProcess(home, ["daemon", "stop"])).toMatchObject({ code: 0, stdout: "Stopped.\n" });
  expect(() => process.kill(started.pid, 0)).toThrow("ESRCH");
  expect((await runInProcess(home, ["daemon", "status"])).code).toBe(69);
});

test("daemon logs --follow shows what comes, until ^C", async () => {
  await using home = startingHome();
  await iopipectl(home, ["daemon", "start"]);
  const follow = spawnIopipectl(home, ["daemon", "logs", "--follow"]);
  const ended = new Promise<number | null>((resolve) => follow.once("exit", resolve));
  const text = lookFor(follow.stdout);
  await text("serving");
  await iopipectl(home, ["daemon", "stop"]);
  await text("stopped");
  follow.kill("SIGINT");
  expect(await ended).toBe(130);
});

test("rpc calls a method, and tells an unknown one", async () => {
  await using home = startingHome();
  const { code, stdout } = await runInProcess(home, ["rpc", "daemon/status"]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout).pid).toBe(await daemonPid(home));
  const fromStdin = await runInProcess(home, ["rpc", "daemon/status", "-"], { input: "{}" });
  expect(JSON.parse(fromStdin.stdout).pid).toBe(await daemonPid(home));
  const unknown = await runInProcess(home, ["rpc", "no/such", "{}"]);
  expect(unknown.code).toBe(2);
  expect(unknown.stderr).toContain("no/such");
  const refused = await runInProcess(home, ["rpc", "daemon/stop"], { env: { IOPIPE_ROLE: "proposer" } });
  expect(refused.code).toBe(77);
});

test("rpc alone joins stdin and stdout to the socket, in either framing", async () => {
  await using home = startingHome();
  const line = '{"jsonrpc":"2.0","id":1,"method":"daemon/status"}';
  const lines = await runInProcess(home, ["rpc"], { input: `${line}\n` });
  expect(lines.code).toBe(0);
  expect(JSON.parse(lines.stdout)).toMatchObject({ id: 1, result: { pid: await daemonPid(home) } });
  const headers = await runInProcess(home, ["rpc"], {
    input: `Content-Length: ${line.length}\r\n\r\n${line}`,
  });
  expect(headers.stdout).toMatch(/^Content-Length: \d+\r\n\r\n\{/);
});

test("doctor says what is wrong with the directories, and what to do", async () => {
  await using home = startingHome();
  mkdirSync(home.locations.stateDir, { mode: 0o755 });
  chmodSync(home.locations.stateDir, 0o755);
  mkdirSync(home.locations.runtimeDir);
  chmodSync(home.locations.runtimeDir, 0o777);
  const { code, stdout } = await runInProcess(home, ["doctor"]);
  expect(code).toBe(77);
  expect(stdout).toContain(`problem state directory: ${home.locations.stateDir} has mode 0755`);
  expect(stdout).toContain(`chmod 700 ${home.locations.stateDir}`);
  expect(stdout).toMatch(/problem daemon: .* has mode 777/);
});

test("logs are followed across a rotation", async () => {
  await using home = startingHome();
  const { logFile } = home.locations;
  mkdirSync(path.dirname(logFile), { recursive: true });
  writeFileSync(logFile, "one\ntwo\n");
  const follow = spawnIopipectl(home, ["daemon", "logs", "-f", "-n", "1"]);
  const text = lookFor(follow.stdout);
  await text("two");
  renameSync(logFile, `${logFile}.1`);
  writeFileSync(logFile, "three\n");
  expect(await text("three")).toBe("two\nthree\n");
  const ended = new Promise<number | null>((resolve) => follow.once("exit", resolve));
  follow.kill("SIGINT");
  expect(await ended).toBe(130);
});

test("logs followed in a terminal show control characters as escapes, from a file that comes later", async () => {
  await using home = startingHome();
  const { logFile } = home.locations;
  mkdirSync(path.dirname(logFile), { recursive: true });
  const steps: [seen: string, next: () => void][] = [
    ["one", () => renameSync(logFile, `${logFile}.1`)],
    ["", () => writeFileSync(logFile, "t\u001bwo\n")],
    ["t\\x1bwo", () => process.emit("SIGINT")],
  ];
  const onOutput = (shown: string): void => {
    while (steps[0] && shown.includes(steps[0][0])) steps.shift()?.[1]();
  };
  setImmediate(() => writeFileSync(logFile, "one\n"));
  const { code } = await runInProcess(home, ["daemon", "logs", "-f"], { terminal: true, onOutput });
  expect({ code, steps }).toEqual({ code: 130, steps: [] });
});

test("logs without a log are empty, and as long as asked for", async () => {
  await using home = startingHome();
  expect(await runInProcess(home, ["daemon", "logs"])).toMatchObject({ code: 0, stdout: "" });
  const { logFile } = home.locations;
  mkdirSync(path.dirname(logFile), { recursive: true });
  writeFileSync(logFile, "one\n");
  expect((await runInProcess(home, ["daemon", "logs", "-n", "0"])).stdout).toBe("");
  expect((await runInProcess(home, ["daemon", "logs"])).stdout).toBe("one\n");
});

/** Gives a function that resolves to all that `stream` has said once a text is in it. */
function lookFor(stream: Readable): (wanted: string) => Promise<string> {
  let seen = "";
  stream.setEncoding("utf8").on("data", (piece: string) => {
    seen += piece;
  });
  return async (wanted) => {
    while (!seen.includes(wanted)) await once(stream, "data");
    return seen;
  };
}
