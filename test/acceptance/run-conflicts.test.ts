/** Somebody edits the real tree while a command runs over it: neither version is lost, and the conflict is named. */
import { mkdirSync, renameSync } from "node:fs";
import { expect, test } from "vitest";
import { startScript } from "./running.ts";
import { openScene, type Scene, sharedStage } from "./scene.ts";

const stage = sharedStage();

const FILES = {
  "both.txt": "1\n2\n3\n4\n5\n6\n7\n8\n",
  "gone.txt": "gone\n",
  "removed.txt": "removed\n",
  "alone.txt": "alone\n",
  ".gitignore": "*.log\nbuilt/\n",
  "out.log": "log\n",
  // Of what is in an ignored directory the watch tells nobody: the time of change alone does.
  "built/out": "built\n",
};

const unsettled = async (scene: Scene, session: string) => {
  const { patches } = await scene.reviewer.call("session/get", { session });
  return Object.fromEntries(
    patches
      .filter(({ state, reason }) => state === "Pending" || reason === "stale")
      .map(({ path, state, kind }) => [path, `${kind} ${state}`]),
  );
};

test("an edit of a path before anybody has looked: both versions are there, and nothing is applied", async () => {
  await using scene = await openScene({ on: stage(), files: FILES });
  const running = await startScript(
    scene,
    "echo by the command >> both.txt; rm removed.txt; echo x >> gone.txt; echo ok >> alone.txt; " +
      "echo c > new.txt; echo more >> out.log; echo more >> built/out; echo ready; read _",
  );
  const session = running.session;
  scene.write("both.txt", "by a human\n");
  scene.write("removed.txt", "kept by a human\n");
  scene.write("new.txt", "new by a human\n");
  scene.write("out.log", "log of a human\n");
  scene.write("built/out", "built by a human\n");
  scene.remove("gone.txt");
  const mine = scene.tree();
  running.goOn();
  const { code, stderr } = await running.ended;
  expect(code).toBe(0);
  for (const path of ["both.txt", "removed.txt", "gone.txt", "new.txt", "out.log", "built/out"])
    expect(stderr).toContain(`conflict: ${path} `);
  expect(stderr).not.toContain("alone.txt");
  expect(await unsettled(scene, session)).toEqual({
    "alone.txt": "update Pending",
    "both.txt": "create Discarded",
    "built/out": "create Discarded",
    "gone.txt": "update Discarded",
    "new.txt": "create Discarded",
    "out.log": "create Discarded",
    "removed.txt": "delete Discarded",
  });
  const { digest = "" } = await scene.reviewer.call("session/diff", { session });
  const applied = scene.reviewer.call("session/apply", { session, expectedDigest: digest });
  await expect(applied).rejects.toMatchObject({ kind: "Stale" });
  expect(scene.tree()).toEqual(mine);

  const { merged, conflicted } = await scene.reviewer.call("session/rebase", { session });
  expect(merged).toEqual([]);
  const both = conflicted.find(({ path }) => path === "both.txt");
  const read = async (blob = "") =>
    Buffer.from((await scene.reviewer.call("blob/read", { blob })).data, "base64").toString();
  expect(await read(both?.ours)).toBe("1\n2\n3\n4\n5\n6\n7\n8\nby the command\n");
  expect(await read(both?.theirs)).toBe("by a human\n");
});

test("an edit of a path that somebody has looked at already is merged by a rebase", async () => {
  await using scene = await openScene({ on: stage(), files: FILES });
  const running = await startScript(
    scene,
    "sed -i s/1/one/ both.txt; echo ready; read _; sed -i s/2/two/ both.txt; echo ready; read _",
  );
  const session = running.session;
  await scene.reviewer.call("session/diff", { session });
  scene.write("both.txt", scene.read("both.txt").replace("8", "eight"));
  running.goOn();
  await expect.poll(() => unsettled(scene, session)).toEqual({ "both.txt": "update Discarded" });
  running.goOn();
  expect((await running.ended).code).toBe(0);
  const { merged } = await scene.reviewer.call("session/rebase", { session });
  expect(merged).toEqual(["both.txt"]);
  const { content } = await scene.reviewer.call("file/read", { session, path: "both.txt" });
  expect(content).toBe("one\ntwo\n3\n4\n5\n6\n7\neight\n");
});

test("a directory that comes in the way from elsewhere is seen though its files are old", async () => {
  await using scene = await openScene({ on: stage(), files: { "old/f": "old\n" } });
  const running = await startScript(scene, "mkdir new; echo c > new/f; echo ready; read _");
  renameSync(scene.at("old"), scene.at("new"));
  mkdirSync(scene.at("old"));
  running.goOn();
  expect((await running.ended).stderr).toContain("conflict: new/f ");
  expect(scene.read("new/f")).toBe("old\n");
});

test("a rebase of what a run has staged is not undone by the next look at its layer", async () => {
  await using scene = await openScene({ on: stage(), files: FILES });
  const running = await startScript(scene, "sed -i s/1/one/ both.txt; echo ready; read _");
  const session = running.session;
  await scene.reviewer.call("session/diff", { session });
  scene.write("both.txt", scene.read("both.txt").replace("8", "eight"));
  await expect.poll(() => unsettled(scene, session)).toEqual({ "both.txt": "update Discarded" });
  await scene.reviewer.call("session/rebase", { session });
  running.goOn();
  expect((await running.ended).code).toBe(0);
  const { content } = await scene.reviewer.call("file/read", { session, path: "both.txt" });
  expect(content).toBe("one\n2\n3\n4\n5\n6\n7\neight\n");
});
