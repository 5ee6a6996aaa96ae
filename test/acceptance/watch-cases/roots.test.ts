/**
 * Roots that go, come back, move and are replaced: while one is gone nothing is told of it and questions say so; when it
 * is back, what differs is told. Source: VS Code's suspend and resume; parcel-bundler/watcher#66; watchman's test_cookie.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { expect, test } from "vitest";
import { canMount, smallDisk } from "../../fixture/small-disk.ts";
import { makeRepository } from "../repository.ts";
import { openScene, type Scene, sharedStage } from "../scene.ts";
import { statusOf, track } from "./tracked.ts";

const stage = sharedStage();
const FILES = { a: "a\n", "d/b": "b\n" };

const open = () => openScene({ on: stage(), files: FILES });

async function expectGone(scene: Scene): Promise<void> {
  const { reviewer, workspace } = scene;
  for (const ask of ["watch/sync", "watch/since", "watch/subscribe"] as const)
    await expect(reviewer.call(ask, { workspace }), ask).rejects.toMatchObject({ kind: "RootGone" });
  expect((await statusOf(scene)).state).toBe("suspended");
}

/** Asks until the root is there again, as a client would. */
async function isBack({ reviewer, workspace }: Scene): Promise<void> {
  const back = () =>
    reviewer.call("watch/sync", { workspace }).then(
      () => true,
      ({ kind }) => kind !== "RootGone",
    );
  await expect.poll(back).toBe(true);
}

test("deleted and made again, over and over, each time what is in it is told", async () => {
  await using scene = await open();
  const tracked = await track(scene);
  const { clock } = tracked;
  for (let n = 0; n < 3; n++) {
    rmSync(scene.root, { recursive: true });
    await expectGone(scene);
    makeRepository(scene.root, { a: `${n}\n`, [`new${n}`]: "new\n" });
    await isBack(scene);
    const told = await tracked.check();
    expect(told).toContain(`created new${n}`);
    expect(told).toContain(n === 0 ? "deleted d/b" : `deleted new${n - 1}`);
    scene.write("a", `edited ${n}\n`);
    expect(await tracked.check()).toEqual(["modified a content"]);
  }
  expect(clock).not.toBe(tracked.clock);
});

test("moved away and back, what changed elsewhere is told, and nothing else", async () => {
  await using scene = await open();
  const tracked = await track(scene);
  const away = `${scene.root}-away`;
  for (let n = 0; n < 3; n++) {
    renameSync(scene.root, away);
    await expectGone(scene);
    execFileSync("bash", ["-c", `echo ${n} > d/b; echo ${n} > new${n}`], { cwd: away });
    renameSync(away, scene.root);
    await isBack(scene);
    expect(await tracked.check()).toEqual(["modified d/b content", `created new${n}`]);
  }
});

test("replaced by another directory at once, the difference between the two is told", async () => {
  await using scene = await open();
  const tracked = await track(scene);
  const other = makeRepository(`${scene.root}-other`, { a: "a, but another\n", c: "c\n" });
  renameSync(scene.root, `${scene.root}-old`);
  renameSync(other.root, scene.root);
  expect(await tracked.check()).toEqual(["modified a content", "created c", "deleted d/b"]);
  scene.write("c", "edited\n");
  expect(await tracked.check()).toEqual(["modified c content"]);
});

test("replaced by a link to a directory, it is gone, not followed", async () => {
  await using scene = await open();
  const tracked = await track(scene);
  const elsewhere = `${scene.root}-elsewhere`;
  mkdirSync(elsewhere);
  renameSync(scene.root, `${scene.root}-old`);
  symlinkSync(elsewhere, scene.root);
  await expectGone(scene);
  rmSync(scene.root);
  renameSync(`${scene.root}-old`, scene.root);
  await isBack(scene);
  expect(await tracked.check()).toEqual([]);
});

test("opened through a link, it is watched where it is", async () => {
  await using scene = await open();
  symlinkSync(scene.root, `${scene.root}-link`);
  const { workspace } = await scene.reviewer.call("workspace/open", { root: `${scene.root}-link` });
  expect(workspace).toMatchObject({ id: scene.workspace, root: scene.root });
});

test("a directory above it moves away and back", async () => {
  const parent = `${stage().home.directory}/parent`;
  mkdirSync(parent);
  await using scene = await openScene({ on: stage(), files: FILES, root: `${parent}/below/root` });
  const tracked = await track(scene);
  renameSync(parent, `${parent}-away`);
  await expectGone(scene);
  renameSync(`${parent}-away`, parent);
  await isBack(scene);
  expect(await tracked.check()).toEqual([]);
});

test.runIf(canMount)("unmounted and mounted, and another mounted over it", async () => {
  using disk = smallDisk(8 << 20);
  await using scene = await openScene({ on: stage(), files: FILES, root: `${disk.path}/root` });
  const tracked = await track(scene);
  using over = smallDisk(8 << 20);
  makeRepository(`${over.path}/root`, { a: "another disk's\n", only: "there\n" });
  execFileSync("mount", ["--bind", over.path, disk.path]);
  try {
    expect(await tracked.check()).toEqual(["modified a content", "deleted d/b", "created only"]);
    scene.write("only", "edited\n");
    expect(await tracked.check()).toEqual(["modified only content"]);
  } finally {
    execFileSync("umount", [disk.path]);
  }
  expect(await tracked.check()).toEqual(["modified a content", "created d/b", "deleted only"]);
  scene.write("a", "edited\n");
  expect(await tracked.check()).toEqual(["modified a content"]);

  const empty = `${disk.path}/empty`;
  mkdirSync(empty);
  execFileSync("mount", ["--bind", empty, disk.path]);
  try {
    await expectGone(scene);
  } finally {
    execFileSync("umount", [disk.path]);
  }
  await isBack(scene);
  expect(await tracked.check()).toEqual([]);
});
