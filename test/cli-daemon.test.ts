/** iopipectl and the daemon's life: started when none runs, never holding on to the caller's pipes, stopped, joined. */
import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { daemonOf, iopipectl, spawnIopipectl, startingHome } from "./fixture/cli.ts";

const IOPIPECTL = path.resolve(import.meta.dirname, "../client/cli/main.ts");

test("a cold start does not hold the caller's pipe: `… | cat` ends", async () => {
  await using home = startingHome();
  const { stdout } = await promisify(execFile)(
    "sh",
    ["-c", '"$0" "$@" 2>&1 | cat', process.execPath, IOPIPECTL, "daemon", "start"],
    { env: home.env, timeout: 20_000 },
  );
  expect(stdout).toContain(`process ${daemonOf(home).pid}`);
});

test("daemon start, status, logs and stop", async () => {
  await using home = startingHome();
  const started = JSON.parse((await iopipectl(home, ["daemon", "start", "--json"])).stdout);
  const status = await iopipectl(home, ["daemon", "status"]);
  expect(status.stdout).toContain(`process ${started.pid}`);
  const { stdout } = await iopipectl(home, ["daemon", "logs", "--lines", "5"]);
  expect(stdout).toContain('"msg":"serving"');
  expect(await iopipectl(home, ["daemon", "stop"])).toMatchObject({ code: 0, stdout: "Stopped.\n" });
  expect(() => process.kill(started.pid, 0)).toThrow("ESRCH");
  expect((await iopipectl(home, ["daemon", "status"])).code).toBe(69);
});

test("daemon logs --follow shows what comes, until ^C", async () => {
  await using home = startingHome();
  await iopipectl(home, ["daemon", "start"]);
  const follow = spawnIopipectl(home, ["daemon", "logs", "--follow", "--lines", "0"]);
  let seen = "";
  const ended = new Promise<number | null>((resolve) => follow.once("exit", resolve));
  const stopped = new Promise<void>((resolve) => {
    follow.stdout.setEncoding("utf8").on("data", (piece: string) => {
      seen += piece;
      if (seen.includes("stopping")) resolve();
    });
  });
  await Promise.race([stopped, iopipectl(home, ["daemon", "stop"]).then(() => stopped)]);
  follow.kill("SIGINT");
  expect(await ended).toBe(130);
});

test("rpc calls a method, and tells an unknown one", async () => {
  await using home = startingHome();
  const { code, stdout } = await iopipectl(home, ["rpc", "daemon/status"]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout).pid).toBe(daemonOf(home).pid);
  const fromStdin = await iopipectl(home, ["rpc", "daemon/status", "-"], { input: "{}" });
  expect(JSON.parse(fromStdin.stdout).pid).toBe(daemonOf(home).pid);
  const unknown = await iopipectl(home, ["rpc", "no/such", "{}"]);
  expect(unknown.code).toBe(2);
  expect(unknown.stderr).toContain("no/such");
  const refused = await iopipectl(home, ["rpc", "daemon/stop"], { env: { IOPIPE_ROLE: "proposer" } });
  expect(refused.code).toBe(77);
});

test("rpc alone joins stdin and stdout to the socket, in either framing", async () => {
  await using home = startingHome();
  const line = '{"jsonrpc":"2.0","id":1,"method":"daemon/status"}';
  const lines = await iopipectl(home, ["rpc"], { input: `${line}\n` });
  expect(lines.code).toBe(0);
  expect(JSON.parse(lines.stdout)).toMatchObject({ id: 1, result: { pid: daemonOf(home).pid } });
  const headers = await iopipectl(home, ["rpc"], { input: `Content-Length: ${line.length}\r\n\r\n${line}` });
  expect(headers.stdout).toMatch(/^Content-Length: \d+\r\n\r\n\{/);
});
