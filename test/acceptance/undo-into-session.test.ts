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

test("later edits stay: the inverse is merged with them, and what collides is left out and named", async () => {
  const { scene, operation } = await applied();
  await using _ = scene;
  scene.write("a/one.txt", "by hand\n");
  scene.write("b/two.txt", "above\r\n\r\ntwo\r\nmore lines\r\n", 0o600);
  scene.write("c/renamed.txt", "the old name\nof a file\n\nbelow\n", 0o640);
  scene.remove("new/deep/x.txt");
  const undone = await scene.reviewer.call("operation/undo", { operation, stage: true });
  expect(undone.skipped).toEqual([
    { path: "a/one.txt", reason: "conflict" },
    { path: "new/deep/x.txt", reason: "undone" },
  ]);
  expect(undone.conflicted).toMatchObject([
    { path: "a/one.txt", reason: "overlap", regions: [{ base: { start: 1, end: 1 } }] },
  ]);
  expect(undone.reverted).toContain("c/renamed.txt");

  const session = scene.reviewer.session(undone.session?.id ?? "");
  const { diff, digest = "" } = await session.diff();
  expect(diff).toContain("rename from c/renamed.txt\nrename to b/old.txt\n");
  await session.apply(digest);
  expect(scene.tree()).toMatchObject({
    "a/one.txt": "644 by hand\n",
    "b/two.txt": "600 above\r\n\r\ntwo\r\nlines\r\n",
    "b/old.txt": "640 the old name\nof a file\n\nbelow\n",
  });
});

test("with nothing but collisions it is refused, with all of them; no session stays behind", async () => {
  const { scene, operation } = await applied();
  await using _ = scene;
  scene.write("a/one.txt", "by hand\n");
  const { sessions: before } = await scene.reviewer.call("session/list", { workspace: scene.workspace });
  await expect(
    scene.reviewer.call("operation/undo", { operation, stage: true, paths: ["a/one.txt"] }),
  ).rejects.toMatchObject({
    kind: "Conflict",
    data: {
      ...{ operation, path: "a/one.txt", regions: [expect.anything()] },
      conflicted: [{ path: "a/one.txt", reason: "overlap" }],
    },
  });
  const { sessions } = await scene.reviewer.call("session/list", { workspace: scene.workspace });
  expect(sessions).toEqual(before);
});

test("two operations on one file: the first is undone, and the second's change stays", async () => {
  const text = "one\ntwo\nthree\nfour\nfive\n";
  await using scene = await openScene({ files: { f: text }, on: stage() });
  const operations: string[] = [];
  for (const [oldText, newText] of [
    ["one", "ONE"],
    ["five", "FIVE"],
  ] as const) {
    const session = await scene.reviewer.openSession({ workspace: scene.workspace });
    await session.stage([{ kind: "edit", path: "f", edits: [{ oldText, newText }] }]);
    operations.push((await session.apply((await session.diff()).digest ?? "")).operation.id);
  }
  const [operation = ""] = operations;
  const { session, skipped } = await scene.reviewer.call("operation/undo", { operation, stage: true });
  expect(skipped).toEqual([]);
  await scene.reviewer.session(session?.id ?? "").apply(session?.digest ?? "");
  expect(scene.read("f")).toBe(text.replace("five", "FIVE"));
});
