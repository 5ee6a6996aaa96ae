/** A daemon that does not answer: no verb hangs without a word, ^C always ends one, and those that only look give up. */
import { mkdirSync } from "node:fs";
import path from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { daemonPid, iopipectl, spawnIopipectl, startingHome } from "./fixture/cli.ts";
import type { TestHome } from "./fixture/server.ts";

/** A home whose daemon runs, has a workspace open and is stopped in the middle of it. */
async function stoppedDaemon() {
  const home = startingHome();
  const root = path.join(home.directory, "repo");
  mkdirSync(path.join(root, ".git"), { recursive: true });
  const { session } = JSON.parse(
    (await iopipectl(home, ["stage", "a.txt", "--json"], { cwd: root, input: "a\n" })).stdout,
  );
  const pid = await daemonPid(home);
  process.kill(pid, "SIGSTOP");
  return { home, root, pid, session: session.id as string, [Symbol.asyncDispose]: home[Symbol.asyncDispose] };
}

/** Starts a verb; resolves when it says that the daemon is silent. */
async function untilTold(home: TestHome, args: string[], cwd: string) {
  const child = spawnIopipectl(home, args, { cwd });
  const exit = new Promise<number | null>((resolve) => child.once("exit", resolve));
  child.stdin.end("new\n");
  let stderr = "";
  await new Promise<void>((resolve) => {
    child.stderr.setEncoding("utf8").on("data", (piece: string) => {
      stderr += piece;
      if (stderr.includes("doctor")) resolve();
    });
    void exit.then(() => resolve());
  });
  return { child, exit, stdout: text(child.stdout), told: () => stderr };
}

test.concurrent("what only looks says so and gives up: exit 75, with the process and what to do about it", async () => {
  await using stopped = await stoppedDaemon();
  const { home, root, pid } = stopped;
  const verbs = [["status"], ["daemon", "status"], ["doctor"], ["status", "--json"]];
  const [status, daemon, doctor, json] = await Promise.all(
    verbs.map((verb) => iopipectl(home, verb, { cwd: root, verbatim: true })),
  );
  const said = `The daemon, process ${pid}, has not answered for 3 s`;
  for (const one of [status, daemon]) {
    expect(one).toMatchObject({ code: 75, stdout: "", stderr: expect.stringContaining(said) });
    expect(one?.stderr).toContain("^C stops waiting; `iopipectl doctor`");
    expect(one?.stderr.split("still waiting")).toHaveLength(2);
    expect(one?.stderr).toContain(`kill -CONT ${pid}`);
  }
  expect(doctor).toMatchObject({ code: 75, stdout: expect.stringMatching(/^ok +node:/) });
  // Looked at once a second, which on a busy machine may be two.
  expect(doctor?.stdout).toMatch(
    new RegExp(`problem daemon: The daemon, process ${pid}, has not answered for 1\\d s\\.`),
  );
  expect(doctor?.stdout).toContain(`kill -9 ${pid}`);
  expect(JSON.parse(json?.stdout ?? "")).toMatchObject({ error: { data: { kind: "Timeout", pid } } });
});

test.concurrent("what works waits: ^C ends it at once, and the daemon's answer too when it goes on", async () => {
  await using stopped = await stoppedDaemon();
  const { home, root, pid, session } = stopped;
  const [stage, wait, watch, apply] = await Promise.all([
    untilTold(home, ["stage", "b.txt", "--session", session], root),
    untilTold(home, ["wait", "--session", session], root),
    untilTold(home, ["watch"], root),
    untilTold(home, ["apply", "--yes", "--json", "--session", session], root),
  ]);
  for (const { child, exit } of [stage, wait, watch]) {
    child.kill("SIGINT");
    expect(await exit).toBe(130);
  }
  process.kill(pid, "SIGCONT");
  expect(await apply.exit).toBe(0);
  expect(JSON.parse(await apply.stdout).applied).toHaveLength(1);
  expect(apply.told().split("has not answered")).toHaveLength(2);
});

test.concurrent("one that falls silent in the middle of a long wait is told of; one that is only busy waiting is not", async () => {
  await using stopped = await stoppedDaemon();
  const { home, root, pid, session } = stopped;
  process.kill(pid, "SIGCONT");
  const quiet = await iopipectl(home, ["wait", "--session", session, "--timeout", "5000"], {
    cwd: root,
    verbatim: true,
  });
  expect(quiet).toMatchObject({ code: 75, stderr: "" });
  const child = spawnIopipectl(home, ["watch", "--since", "unknown"], { cwd: root });
  const stderr = text(child.stderr);
  // Its first line: it is under way.
  const gap = new Promise((resolve) => child.stderr.once("data", resolve));
  await gap;
  process.kill(pid, "SIGSTOP");
  let said = "";
  await new Promise<void>((resolve) => {
    child.stderr.on("data", (piece) => {
      said += piece;
      if (said.includes("doctor")) resolve();
    });
  });
  child.kill("SIGINT");
  expect(await stderr).toContain(`process ${pid}, has not answered for 3 s`);
});
