/**
 * How a run may end before its time: the command, iopipectl or the daemon killed, a signal, a limit. Nothing is in the
 * tree then, nothing mounted and nothing left, and what the command had written until then is staged.
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { iopipectl, spawnIopipectl } from "../fixture/cli.ts";
import { processesIn } from "./layers.ts";
import { runScript, startScript } from "./running.ts";
import { openScene, type Scene } from "./scene.ts";

const layersOf = ({ home }: Pick<Scene, "home">): string[] => {
  const directory = path.join(home.locations.stateDir, "layers");
  return existsSync(directory) ? readdirSync(directory) : [];
};

/** A command with two changes, and a process beside it. */
const WRITES = "echo new > new; rm src/b.ts; sleep 1000 & echo ready; ";

/** Both of them. */
async function expectStaged(scene: Scene, session: string, before: object): Promise<void> {
  await expect.poll(() => processesIn(session)).toEqual([]);
  const staged = async () => (await scene.reviewer.call("session/get", { session })).session;
  await expect.poll(async () => (await staged()).layer).toBeUndefined();
  expect((await staged()).patches).toMatchObject({ pending: 2, stale: 0 });
  expect(scene.tree()).toEqual(before);
  await expect.poll(() => layersOf(scene)).toEqual([]);
}

test("kill -9 of the command", async () => {
  await using scene = await openScene();
  const before = scene.tree();
  const running = await startScript(scene, `${WRITES} kill -9 $$`);
  expect(await running.ended).toMatchObject({ code: 137 });
  await expectStaged(scene, running.session, before);
});

test("kill -9 of iopipectl", async () => {
  await using scene = await openScene();
  const before = scene.tree();
  const running = await startScript(scene, `${WRITES} sleep 1000`);
  expect(processesIn(running.session).length).toBeGreaterThan(2);
  running.kill("SIGKILL");
  await expectStaged(scene, running.session, before);
});

test("kill -9 of the daemon, which is started again by the end of the run", async () => {
  await using scene = await openScene({ killable: true });
  const before = scene.tree();
  const running = await startScript(scene, `${WRITES} read _; exit 3`);
  await scene.end();
  await scene.start();
  running.goOn();
  expect(await running.ended).toMatchObject({ code: 3 });
  await expectStaged(scene, running.session, before);
});

test("kill -9 of the daemon and of iopipectl", async () => {
  await using scene = await openScene({ killable: true });
  const before = scene.tree();
  const running = await startScript(scene, `${WRITES} sleep 1000`);
  await scene.end();
  running.kill("SIGKILL");
  await running.ended;
  await scene.start();
  await expectStaged(scene, running.session, before);
});

test("a layer is not closed, nor dropped, while its command runs", async () => {
  await using scene = await openScene();
  const running = await startScript(scene, "echo new > new; echo ready; read _");
  const { session } = running;
  for (const how of [{}, { discard: true }])
    await expect(scene.reviewer.call("layer/close", { session, ...how })).rejects.toMatchObject({
      kind: "Busy",
      data: { session },
    });
  running.goOn();
  expect(await running.ended).toMatchObject({ code: 0 });
  expect(await scene.reviewer.call("session/get", { session })).toMatchObject({
    patches: [{ path: "new", state: "Pending" }],
  });
});

test("a signal to iopipectl reaches the command, which ends as it likes", async () => {
  await using scene = await openScene();
  const running = await startScript(
    scene,
    "trap 'echo caught > caught; exit 9' TERM; echo new > new; echo ready; while :; do sleep 0.01; done",
  );
  running.kill("SIGTERM");
  expect(await running.ended).toMatchObject({ code: 9 });
  const { patches } = (await scene.reviewer.call("session/get", { session: running.session })).session;
  expect(patches.pending).toBe(2);
});

test("more than the limit is an error that says so, and is not lost", async () => {
  await using scene = await openScene();
  const { code, stderr } = await runScript(scene, "head -c 3000 /dev/zero > big; exit 5", [
    "--max-size",
    "2KiB",
  ]);
  expect({ code, stderr }).toEqual({ code: 125, stderr: expect.stringContaining("the limit is 2048") });
  const [session = ""] = layersOf(scene);
  const { stdout } = await iopipectl(scene.home, ["doctor", "--json"]);
  const { checks } = JSON.parse(stdout) as { checks: { name: string; advice?: string }[] };
  expect(checks.find(({ name }) => name === "layers")?.advice).toContain(`run --resume ${session}`);
  const resumed = await iopipectl(scene.home, ["run", "--resume", session, "--max-size", "1MiB"]);
  expect(resumed).toMatchObject({ code: 0, stderr: expect.stringContaining("1 change is staged") });
  expect(layersOf(scene)).toEqual([]);
});

test.each([
  ["at once", ""],
  ["though it does not heed ^C", "trap '' INT;"],
])("a command that goes on writing is ended above the limit, %s", async (_, before) => {
  await using scene = await openScene();
  const script = `echo $IOPIPE_SESSION; ${before} while :; do head -c 100000 /dev/zero >> big; sleep 0.01; done`;
  const { code, stdout, stderr } = await runScript(scene, script, ["--max-size", "1MiB"]);
  const session = stdout.trim();
  expect({ code, stderr }).toEqual({
    code: 125,
    stderr: expect.stringMatching(
      `command was ended, for the limit is 1048576 bytes: what it wrote takes \\d+ bytes[^]*run --resume ${session}`,
    ),
  });
  expect(stderr).toContain(path.join(scene.home.locations.stateDir, "layers", session));
  expect(processesIn(session)).toEqual([]);
  const { session: told } = await scene.reviewer.call("session/get", { session });
  expect(told).toMatchObject({
    layer: { problem: expect.stringContaining("was ended") },
    patches: { pending: 0 },
  });
  const resumed = await iopipectl(scene.home, ["run", "--resume", session, "--max-size", "1GiB"]);
  expect(resumed).toMatchObject({ code: 0, stderr: expect.stringContaining("1 change is staged") });
  expect(layersOf(scene)).toEqual([]);
});

test("one that is to be dropped is ended above the limit as well, and dropped", async () => {
  await using scene = await openScene();
  const { code, stderr } = await runScript(scene, "while :; do head -c 100000 /dev/zero >> big; done", [
    ...["--discard", "--max-size", "1MiB"],
  ]);
  expect({ code, stderr }).toEqual({ code: 125, stderr: expect.stringContaining("It was dropped") });
  expect(layersOf(scene)).toEqual([]);
});

test("what is written is dropped where that is asked for, and the session with it", async () => {
  await using scene = await openScene();
  const before = scene.tree();
  const { code, stderr } = await runScript(scene, "echo x > x; exit 4", ["--discard"]);
  expect({ code, stderr }).toEqual({ code: 4, stderr: expect.stringContaining("dropped") });
  expect(scene.tree()).toEqual(before);
  expect(layersOf(scene)).toEqual([]);
});

test("a command that is not there, and one that changes nothing", async () => {
  await using scene = await openScene();
  const missing = spawnIopipectl(scene.home, ["run", "--", "no-such-command"], { cwd: scene.root });
  expect(await new Promise((resolve) => missing.once("exit", resolve))).toBe(127);
  const { code, stderr } = await runScript(scene, "touch src/a.ts; chmod u+x src/b.ts; chmod u-x src/b.ts");
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("changed nothing") });
});

test("what a crash left of a layer that no session has goes at the next start", async () => {
  await using scene = await openScene({ killable: true });
  await scene.end();
  const left = path.join(scene.home.locations.stateDir, "layers/left/upper/closed");
  mkdirSync(left, { recursive: true });
  writeFileSync(path.join(left, "file"), "x");
  chmodSync(left, 0);
  await scene.start();
  await expect.poll(() => layersOf(scene)).toEqual([]);
});

test("a layer whose directory somebody has removed ends, and hinders nobody", async () => {
  await using scene = await openScene();
  const running = await startScript(scene, `${WRITES} sleep 1000`);
  rmSync(path.join(scene.home.locations.stateDir, "layers", running.session), {
    recursive: true,
    force: true,
  });
  running.kill("SIGKILL");
  await running.ended;
  const staged = async () => (await scene.reviewer.call("session/get", { session: running.session })).session;
  await expect.poll(async () => (await staged()).layer).toBeUndefined();
});
