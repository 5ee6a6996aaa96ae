/** `iopipectl run`: what a command writes to the workspace becomes a session, and the tree stays as it was. */
import { readdirSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { runScript, startScript } from "./running.ts";
import { openScene, type Scene, sharedStage } from "./scene.ts";

const stage = sharedStage();

const layersOf = ({ home }: Pick<Scene, "home">): string[] =>
  readdirSync(path.join(home.locations.stateDir, "layers"));

test("what a command writes is staged, the tree is as it was, and its exit code is iopipectl's", async () => {
  await using scene = await openScene({ on: stage() });
  const before = scene.tree();
  const { code, stdout } = await runScript(
    scene,
    "echo more >> src/a.ts; mv src/b.ts c.ts; mkdir -p x/y; echo new > x/y/z; pwd; exit 7",
  );
  expect({ code, stdout }).toEqual({ code: 7, stdout: `${scene.root}\n` });
  expect(scene.tree()).toEqual(before);
  expect(layersOf(scene)).toEqual([]);
  const { sessions } = await scene.reviewer.call("session/list", { workspace: scene.workspace });
  const { patches } = await scene.reviewer.call("session/get", { session: sessions[0]?.id ?? "" });
  expect(patches.map(({ path, kind, state }) => `${kind} ${path} ${state}`).sort()).toEqual([
    "create c.ts Pending",
    "create x/y/z Pending",
    "delete src/b.ts Pending",
    "update src/a.ts Pending",
  ]);
});

test("a session is there from the start, shows the layer as it stands, and cannot be applied until the end", async () => {
  await using scene = await openScene({ on: stage() });
  const running = await startScript(
    scene,
    "echo one > one; rm src/b.ts; echo ready; read _; rm one; git checkout -q src/b.ts; echo two > two; echo ready; read _",
  );
  const { session } = running;
  const paths = async (): Promise<string[]> =>
    (await scene.reviewer.call("session/diff", { session })).files.map((file) => file.path);
  expect(await paths()).toEqual(["one", "src/b.ts"]);
  const { digest = "" } = await scene.reviewer.call("session/diff", { session });
  const applied = scene.reviewer.call("session/apply", { session, expectedDigest: digest });
  await expect(applied).rejects.toMatchObject({ kind: "Busy" });
  running.goOn();
  await expect.poll(paths).toEqual(["two"]);
  running.goOn();
  expect(await running.ended).toMatchObject({ code: 0 });
  const ended = await scene.reviewer.call("session/get", { session });
  expect(ended.session).toMatchObject({ patches: { pending: 1, stale: 0 } });
  expect(ended.session.layer).toBeUndefined();
});
