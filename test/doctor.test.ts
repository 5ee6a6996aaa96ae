/** `iopipectl doctor`: each thing that can be wrong is met on purpose, with a daemon and without one. */
import { chmodSync, mkdirSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import Sqlite from "better-sqlite3";
import { expect, test } from "vitest";
import { directory } from "../client/cli/examine/here.ts";
import type { Finding } from "../client/cli/examine/index.ts";
import { typing } from "../client/cli/examine/terminal.ts";
import { makeRepository } from "./acceptance/repository.ts";
import { startTestDaemon, type TestDaemon } from "./fixture/daemon.ts";
import { runInProcess } from "./fixture/in-process.ts";
import { type TestHome, testHome } from "./fixture/server.ts";

/** What others on this machine use is not the test's. */
const OTHERS = /^inotify /;

async function doctor(home: TestHome, env: Record<string, string> = {}) {
  const { code, stdout } = await runInProcess(home, ["doctor", "--json"], { env });
  const { checks } = JSON.parse(stdout) as { checks: Finding[] };
  const isWrong = ({ name, state }: Finding) => state !== "ok" && state !== "note" && !OTHERS.test(name);
  return { code, checks, wrong: checks.filter(isWrong) };
}

/** A daemon with an open repository, and a large and a small blob pending in it. */
async function prepared(home: TestHome): Promise<{ daemon: TestDaemon; root: string; large: string }> {
  // What is taken away here it puts back within half a minute, which on a busy machine is before anybody looks.
  const daemon = await startTestDaemon({ home, republishMs: 3_600_000 });
  const { root } = makeRepository(path.join(home.directory, "repository"), { "a.txt": "a\n" });
  const client = await daemon.connect();
  const { workspace } = (await client.request("workspace/open", { root })).result;
  const { session } = (await client.request("session/open", { workspace: workspace.id })).result;
  const content = "large\n".repeat(60_000);
  const changes = [
    { kind: "write", path: "large", content },
    { kind: "write", path: "small", content: "small\n" },
  ];
  const { patches } = (await client.request("patch/stage", { session: session.id, changes })).result;
  client.destroy();
  const hash = patches[0].after.hash as string;
  return { daemon, root, large: path.join(home.locations.stateDir, "blobs", hash.slice(0, 2), hash) };
}

test("with a daemon and without one nothing is wrong with a healthy state, and nothing changes", async () => {
  await using home = testHome();
  const { daemon, root } = await prepared(home);
  const serving = await doctor(home);
  expect(serving).toMatchObject({ code: 0, wrong: [] });
  const names = serving.checks.map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining([
      "reviewer's socket",
      "daemon.json",
      "libraries",
      "durability",
      "ballast",
      "open files",
    ]),
  );
  const blobs = serving.checks.find(({ name }) => name === "blobs");
  expect(blobs?.fact).toMatch(/^2, 0.3 MiB; of 2 the bytes are as their names say$/);
  expect(serving.checks.find(({ name }) => name === "durability")?.fact).toContain("synchronous=FULL");
  // A proposer may not ask for what others have staged.
  const proposer = await doctor(home, { IOPIPE_ROLE: "proposer" });
  expect(proposer.checks.map(({ name }) => name)).not.toContain("blobs");

  await daemon.stop();
  const before = readdirSync(home.locations.stateDir).sort();
  const stopped = await doctor(home);
  expect(stopped).toMatchObject({ code: 0, wrong: [] });
  expect(stopped.checks.map(({ name }) => name)).toEqual(
    expect.arrayContaining([`leftovers in ${root}`, "blobs"]),
  );
  expect(
    readdirSync(home.locations.stateDir)
      .filter((name) => !name.startsWith("iopipe.db-"))
      .sort(),
  ).toEqual(before.filter((name) => !name.startsWith("iopipe.db-")));
});

test("blobs that are damaged, missing, left over or not ours; temporary names in a tree", async () => {
  await using home = testHome();
  const { daemon, root, large } = await prepared(home);
  const folder = path.dirname(large);
  writeFileSync(large, "other bytes");
  const stray = path.join(folder, path.basename(folder) + "0".repeat(62));
  writeFileSync(stray, "");
  const leftover = path.join(root, ".iopipe-0123456789abcdef-0.tmp");
  writeFileSync(leftover, "");
  const expected = [
    { name: "blobs", state: "problem", path: large, fact: expect.stringContaining("other bytes") },
    { name: "blob files", state: "warning", advice: expect.stringContaining("iopipectl gc") },
    {
      name: `leftovers in ${root}`,
      state: "problem",
      path: leftover,
      advice: expect.stringContaining(`rm ${leftover}`),
    },
  ];
  expect(await doctor(home)).toMatchObject({ code: 1, wrong: expected });
  await daemon.stop();
  expect(await doctor(home)).toMatchObject({ code: 1, wrong: expected });

  rmSync(large);
  const foreign = path.join(folder, "notes");
  writeFileSync(foreign, "");
  const { wrong } = await doctor(home);
  expect(wrong).toMatchObject([
    { name: "blobs", fact: expect.stringContaining("ENOENT") },
    { name: "blob files", advice: expect.stringContaining(foreign) },
    { name: `leftovers in ${root}` },
  ]);
});

test("sockets that went or are open to others, and a daemon.json that says something else", async () => {
  await using home = testHome();
  const { sockets, daemonFile } = home.locations;
  const { daemon } = await prepared(home);
  chmodSync(sockets.proposer, 0o666);
  rmSync(daemonFile);
  const { wrong } = await doctor(home);
  expect(wrong).toMatchObject([
    { name: "proposer's socket", state: "problem", fact: `${sockets.proposer} has mode 666` },
    { name: "daemon.json", state: "warning", path: daemonFile },
  ]);
  await daemon.stop();

  writeFileSync(daemonFile, "{}");
  expect((await doctor(home)).wrong).toMatchObject([{ advice: `Run \`rm ${daemonFile}\`.` }]);
  const named = (pid: number) => writeFileSync(daemonFile, JSON.stringify({ pid, sockets }));
  // No process has the largest number that there is.
  named(2 ** 22 - 1);
  expect((await doctor(home)).wrong).toMatchObject([{ fact: expect.stringContaining("is gone") }]);
  named(process.pid);
  expect((await doctor(home)).wrong).toMatchObject([{ fact: expect.stringContaining("does not answer") }]);
});

test("operations that need attention or were interrupted, and a root that is gone", async () => {
  await using home = testHome();
  const { daemon, root } = await prepared(home);
  await daemon.stop();
  const db = new Sqlite(path.join(home.locations.stateDir, "iopipe.db"));
  const workspace = db.prepare("SELECT id FROM workspace").pluck().get();
  const insert = db.prepare(
    "INSERT INTO operation (id, workspace, kind, phase, started_at) VALUES (?, ?, 'apply', ?, '2026-01-01T00:00:00.000Z')",
  );
  for (const [id, phase] of [
    ["o1", "commit"],
    ["o2", "attention"],
    ["o3", "applied"],
  ])
    insert.run(id, workspace, phase);
  db.close();
  rmSync(root, { recursive: true });
  expect(await doctor(home)).toMatchObject({
    code: 1,
    wrong: [
      { state: "problem", fact: `o2 in ${root} needs attention`, advice: expect.stringContaining("show o2") },
      {
        state: "warning",
        fact: expect.stringContaining("o1"),
        advice: expect.stringContaining(`open ${root}`),
      },
      { name: `leftovers in ${root}`, state: "warning" },
    ],
  });
});

test("a damaged database, one that somebody holds, and a newer one", async () => {
  await using home = testHome();
  const { daemon } = await prepared(home);
  await daemon.stop();
  const file = path.join(home.locations.stateDir, "iopipe.db");
  const db = new Sqlite(file);
  db.pragma("locking_mode = EXCLUSIVE");
  db.exec("BEGIN EXCLUSIVE");
  expect((await doctor(home)).wrong).toMatchObject([
    { fact: expect.stringContaining("held by another process") },
  ]);
  db.exec("ROLLBACK");
  db.pragma("user_version = 1000");
  db.close();
  expect((await doctor(home)).wrong).toMatchObject([
    { name: "database", advice: expect.stringContaining("newer") },
  ]);
  truncateSync(file, 20_000);
  const { code, wrong } = await doctor(home);
  expect(code).toBe(1);
  expect(wrong[0]).toMatchObject({ state: "problem" });
  writeFileSync(file, "no database at all, but long enough to be taken for one ".repeat(20));
  expect((await doctor(home)).wrong).toMatchObject([{ fact: expect.stringContaining("damaged") }]);
});

test("the database of a first start that did not end is named as that", async () => {
  await using home = testHome();
  mkdirSync(home.locations.stateDir, { mode: 0o700 });
  writeFileSync(path.join(home.locations.stateDir, "iopipe.db"), "");
  expect((await doctor(home)).wrong).toMatchObject([
    { name: "database", state: "warning", fact: expect.stringContaining("first start did not end") },
  ]);
});

test("that a command in the background can type into its terminal is a note, with the setting that forbids it", async () => {
  await using home = testHome();
  const setting = path.join(home.directory, "legacy_tiocsti");
  const said = (platform: NodeJS.Platform) => typing(setting, platform);
  expect(said("linux")).toMatchObject([
    {
      state: "note",
      fact: expect.stringContaining(`there is no ${setting}`),
      advice: expect.stringContaining("6.2"),
    },
  ]);
  writeFileSync(setting, "1\n");
  expect(said("linux")).toEqual([
    {
      name: "terminal input",
      state: "note",
      fact: `a command in \`iopipectl run … &\` can type into the terminal that it was started on: ${setting} is 1`,
      path: setting,
      advice: "Forbid it: `sudo sysctl dev.tty.legacy_tiocsti=0`, and the same in /etc/sysctl.d.",
    },
  ]);
  writeFileSync(setting, "0\n");
  expect(said("linux")).toEqual([
    { name: "terminal input", state: "ok", fact: `${setting} is 0`, path: setting },
  ]);
  expect(said("darwin")).toEqual([]);
  // Whatever this kernel has: it is no failure.
  const { code, checks } = await doctor(home);
  expect(code).toBe(0);
  expect(checks.find(({ name }) => name === "terminal input")?.state).toBe(typing()[0]?.state);
  const { stdout } = await runInProcess(home, ["doctor"]);
  for (const { fact } of typing()) expect(stdout).toContain(fact);
});

test("a directory of iopipe's that is open to others, or closed to its owner", async () => {
  await using home = testHome();
  const made = path.join(home.directory, "made");
  const state = () => directory("state directory", made);
  expect(state()).toMatchObject({ state: "ok", fact: `${made} does not exist yet` });
  mkdirSync(made, { mode: 0o700 });
  expect(state()).toMatchObject({ state: "ok", fact: `${made}, mode 0700` });
  for (const mode of [0o755, 0o500]) {
    chmodSync(made, mode);
    expect(state()).toMatchObject({ state: "problem", advice: `Run \`chmod 700 ${made}\`.` });
  }
  const loop = path.join(home.directory, "loop");
  symlinkSync(loop, loop);
  expect(directory("state directory", path.join(loop, "x"))).toMatchObject({
    state: "problem",
    fact: `${loop}/x cannot be looked at (ELOOP)`,
    advice: expect.stringContaining("namei -l"),
  });
});
