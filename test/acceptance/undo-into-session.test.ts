/** An undo that is staged instead of written: the inverse as a pending session, looked at and applied like any other. */
import { chmodSync } from "node:fs";
import { expect, test } from "vitest";
import { MIXED_CHANGES, MIXED_FILES, prepareMixed } from "./mixed.ts";
import { openScene, type Scene, sharedStage } from "./scene.ts";

const stage = sharedStage();

async function applied(): Promise<{ scene: Scene; before: Record<string, string>; operation: string }> {
  const scene = await openScene({ files: MIXED_FILES, on: stage() });
  prepareMixed(scene, chmodSync);
  const before = scene.tree();
  const session = await scene.reviewer.openSession({ workspace: scene.workspace, title: "Eight files" });
  await session.stage(MIXED_CHANGES);
  const { digest = "" } = await session.diff();
  const { operation } = await session.apply(digest);
  return { scene, before, operation: operation.id };
}

test("the staged inverse of eight files changes nothing, and applied puts the tree back as it was", async () => {
  const { scene, before, operation } = await applied();
  await using _ = scene;
  const after = scene.tree();
  const undone = await scene.reviewer.call("operation/undo", { operation, stage: true });
  expect(undone).not.toHaveProperty("operation");
  expect(undone.session).toMatchObject({ title: "Undo Eight files", state: "Pending" });
  expect(undone.skipped).toEqual([]);
  expect(scene.tree()).toEqual(after);

  const session = scene.reviewer.session(undone.session?.id ?? "");
  const { diff, digest = "" } = await session.diff();
  scene.git(["apply", "--check"], diff);
  await session.apply(digest);
  // A session holds files: the directory that comes back with one has the umask's mode, not its old one.
  expect(scene.tree()).toEqual({ ...before, "gone/": "755" });
});

test("what was edited since is left out and named; with nothing else it is refused", async () => {
  const { scene, operation } = await applied();
  await using _ = scene;
  scene.write("a/one.txt", "by hand\n");
  const undone = await scene.reviewer.call("operation/undo", { operation, stage: true });
  expect(undone.skipped).toEqual([{ path: "a/one.txt", reason: "modified" }]);
  expect(undone.reverted).not.toContain("a/one.txt");
  await expect(
    scene.reviewer.call("operation/undo", { operation, stage: true, paths: ["a/one.txt"] }),
  ).rejects.toMatchObject({ kind: "IllegalState", data: { operation } });
});
