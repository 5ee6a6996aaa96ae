/**
 * Clocks over everything that happens to a daemon and a watch: an old one tells exactly what changed, or `fresh`, never
 * less. Source: watchman's test_since, test_cookie; its clocks do not survive a restart, ours do.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { openWatchTable } from "../../../daemon/store/watch-table.ts";
import { told } from "../../watch/fixture.ts";
import { openScene, type Scene, sharedStage } from "../scene.ts";
import { since, sync, track } from "./tracked.ts";

const stage = sharedStage();

/** Each start of a daemon takes seconds on a machine that has other work. */
const SLOW = { timeout: 120_000 };

test(
  "hundreds of edits, creations, deletions and moves while the daemon is dead are told exactly",
  SLOW,
  async () => {
    const edited = Array.from({ length: 500 }, (_, n) => `edited/d${n % 25}/f${n}`);
    const deleted = Array.from({ length: 100 }, (_, n) => `deleted/d${n % 10}/f${n}`);
    const created = Array.from({ length: 200 }, (_, n) => `created/d${n % 20}/f${n}`);
    const moved = Array.from({ length: 50 }, (_, n) => [`m${n}/a/one`, `m${n}/two`]);
    const kept = Array.from({ length: 300 }, (_, n) => `kept/d${n % 30}/f${n}`);
    const files = [...edited, ...deleted, ...moved.flat(), ...kept];
    await using scene = await openScene({
      killable: true,
      files: Object.fromEntries(files.map((file) => [file, `${file}\n`])),
    });
    const tracked = await track(scene);
    scene.write("before/the/end", "seen\n");
    expect(await tracked.check()).toEqual(["created before/the/end"]);

    await scene.end();
    for (const file of edited) scene.write(file, `${file} edited\n`);
    for (const file of created) scene.write(file, `${file}\n`);
    for (const file of deleted) scene.remove(file);
    mkdirSync(scene.at("moved"));
    for (let n = 0; n < moved.length; n++) renameSync(scene.at(`m${n}`), scene.at(`moved/to${n}`));
    await scene.start();

    const expected = [
      ...edited.map((file) => [file, `modified ${file} content`]),
      ...created.map((file) => [file, `created ${file}`]),
      ...deleted.map((file) => [file, `deleted ${file}`]),
      ...moved.flat().map((file) => [file, `deleted ${file}`]),
      ...moved
        .flat()
        .map((file) => [file.replace("m", "moved/to"), `created ${file.replace("m", "moved/to")}`]),
    ];
    const inOrder = (lines: string[][]) =>
      lines.sort(([one = ""], [other = ""]) => (one < other ? -1 : 1)).map(([, line]) => line);
    expect(await tracked.check()).toEqual(inOrder(expected));
    // And once: to the clock after it, nothing of it is new.
    expect(await tracked.check()).toEqual([]);
  },
);

test("each part of a clock is looked at: with another in its place everything is listed afresh", async () => {
  await using scene = await openScene({ on: stage(), files: { a: "a\n", b: "b\n" } });
  const clock = await sync(scene);
  scene.write("b", "edited\n");
  await sync(scene);
  const parts = clock.split(".");
  const strange = ["c9", "0123456789ab", "01234567", "999999999"];
  for (const [n, other] of strange.entries()) {
    const { fresh, changes } = await since(scene, parts.with(n, other).join("."));
    expect([fresh, told(changes)], other).toEqual([true, ["created a", "created b"]]);
  }
  const { fresh, changes } = await since(scene, clock);
  expect([fresh, told(changes)]).toEqual([false, ["modified b content"]]);
});

test("closing a workspace and opening it again keeps its clocks", async () => {
  await using scene = await openScene({ on: stage(), files: { a: "a\n", b: "b\n", c: "c\n" } });
  const tracked = await track(scene);
  for (let n = 0; n < 3; n++) {
    await scene.reviewer.call("workspace/close", { workspace: scene.workspace });
    scene.write("a", `while it was closed ${n}\n`);
    scene.write(`d${n}/new`, "new\n");
    const { workspace } = await scene.reviewer.call("workspace/open", { root: scene.root });
    expect(workspace.id).toBe(scene.workspace);
    expect(await tracked.check()).toEqual(["modified a content", `created d${n}/new`]);
  }
});

test("a crawl of everything finds nothing where nothing changed, and only what did", SLOW, async () => {
  const files = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`d${n % 30}/f${n}`, `${n}\n`]));
  await using scene = await openScene({ files });
  const tracked = await track(scene);
  const { clock } = tracked;
  for (let n = 0; n < 3; n++) {
    await scene.end();
    await scene.start();
    expect(await tracked.check()).toEqual([]);
  }
  scene.write("d0/f0", "edited\n");
  await scene.end();
  scene.write("d1/f1", "edited\n");
  await scene.start();
  expect(await tracked.check()).toEqual(["modified d0/f0 content", "modified d1/f1 content"]);
  expect(told((await since(scene, clock)).changes)).toEqual([
    "modified d0/f0 content",
    "modified d1/f1 content",
  ]);
});

test("a clock from before what is remembered of deletions lists everything afresh", SLOW, async () => {
  await using scene = await openScene({ files: { a: "a\n", b: "b\n", c: "c\n", d: "d\n" } });
  const old = await sync(scene);
  scene.remove("a");
  scene.remove("b");
  await sync(scene);
  scene.remove("c");
  const later = await sync(scene);
  await scene.end();
  const table = openWatchTable(path.join(scene.home.locations.stateDir, "watch.db"));
  table.root(scene.workspace).prune(1, 10);
  table.close();
  await scene.start();
  const [afresh, known] = [await since(scene, old), await since(scene, later)];
  expect([afresh.fresh, told(afresh.changes)]).toEqual([true, ["created d"]]);
  expect([known.fresh, told(known.changes)]).toEqual([false, []]);
});

const cookiesOf = ({ home, workspace }: Scene): string =>
  path.join(home.locations.stateDir, "cookies", workspace);

test("the directory of the proofs may be taken away at any time, and then the root", SLOW, async () => {
  await using scene = await openScene({ on: stage(), files: { a: "a\n" } });
  const tracked = await track(scene);
  const cookies = cookiesOf(scene);
  expect(existsSync(cookies)).toBe(true);
  for (let n = 0; n < 3; n++) {
    rmSync(n === 2 ? path.dirname(cookies) : cookies, { recursive: true });
    scene.write("a", `edited ${n}\n`);
    expect(await tracked.check()).toEqual(["modified a content"]);
    scene.write(`new${n}/file`, "new\n");
    expect(await tracked.check()).toEqual([`created new${n}/file`]);
  }
  rmSync(scene.root, { recursive: true });
  const { reviewer, workspace } = scene;
  await expect(reviewer.call("watch/sync", { workspace })).rejects.toMatchObject({ kind: "RootGone" });
});

test("nothing of ours is ever told, and what only looks like it is", async () => {
  await using scene = await openScene({ on: stage(), files: { a: "a\n" } });
  const tracked = await track(scene);
  const names = [".watchman-cookie-host-1", ".iopipe/1", "cookies/1", "sub/iopipe-1.tmp"];
  for (const name of names) scene.write(name, "somebody's\n");
  expect(await tracked.check()).toEqual(names.toSorted().map((name) => `created ${name}`));
  for (let n = 0; n < 20; n++) expect(await tracked.check()).toEqual([]);
  // The proofs themselves do not pile up.
  await expect.poll(() => readdirSync(cookiesOf(scene)).length).toBeLessThan(20);
});
