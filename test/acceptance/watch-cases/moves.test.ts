/**
 * Directories that move, go and come back, while the watchers run and while they are stopped: what is told in the end is
 * what is on disk. Source: watchman's integration tests (fishy, remove_then_add, dir_move); parcel-bundler/watcher#243.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { openScene, type Scene, sharedStage } from "../scene.ts";
import { childOf, daemonOf, whileStopped } from "./processes.ts";
import { track } from "./tracked.ts";

const stage = sharedStage({ killable: true });
const open = (files: Record<string, string>) => openScene({ on: stage(), files });

/** Stops the daemon and its child for as long as `work` takes: everything in it is seen at once, and late. */
async function unseen(scene: Scene, work: () => void): Promise<void> {
  await whileStopped([await daemonOf(scene), await childOf(scene)], work);
}

const move = (scene: Scene, from: string, to: string) => renameSync(scene.at(from), scene.at(to));

/** Everything that is there is still followed. */
async function expectFollowed(scene: Scene, files: readonly string[]): Promise<void> {
  const tracked = await track(scene);
  for (const file of files) scene.write(file, `edited ${file}\n`);
  expect(await tracked.check()).toEqual([...files].sort().map((file) => `modified ${file} content`));
}

describe("while the watchers are stopped", () => {
  test("a directory moves away and a link to it takes its place", async () => {
    await using scene = await open({ "foo/a": "a\n", "foo/deep/b": "b\n" });
    const tracked = await track(scene);
    await unseen(scene, () => {
      move(scene, "foo", "bar");
      symlinkSync("bar", scene.at("foo"));
    });
    expect(await tracked.check()).toEqual([
      "created bar/a",
      "created bar/deep/b",
      "created foo",
      "deleted foo/a",
      "deleted foo/deep/b",
    ]);
    await expectFollowed(scene, ["bar/a", "bar/deep/b"]);
  });

  test("a directory moves into another and out again under the other's name", async () => {
    await using scene = await open({ kept: "kept\n" });
    const tracked = await track(scene);
    await unseen(scene, () => {
      scene.write("a", "a\n");
      for (const name of ["d1", "d2"]) mkdirSync(scene.at(name));
      move(scene, "d1", "d2/d1");
      move(scene, "d2/d1", "d1");
      move(scene, "a", "d1/a");
    });
    expect(await tracked.check()).toEqual(["created d1/a"]);
    await expectFollowed(scene, ["d1/a", "kept"]);
  });

  test("directories change places through a third, twice over", async () => {
    await using scene = await open({ "d1/one": "1\n", "d2/deep/two": "2\n" });
    const tracked = await track(scene);
    const swap = () => {
      move(scene, "d1", "d3");
      move(scene, "d2", "d1");
      move(scene, "d3", "d2");
    };
    await unseen(scene, () => {
      swap();
      swap();
      scene.write("d2/deep/three", "3\n");
    });
    expect(await tracked.check()).toEqual(["created d2/deep/three"]);
    await unseen(scene, swap);
    expect(await tracked.check()).toEqual([
      "created d1/deep/three",
      "created d1/deep/two",
      "deleted d1/one",
      "deleted d2/deep/three",
      "deleted d2/deep/two",
      "created d2/one",
    ]);
    await expectFollowed(scene, ["d1/deep/two", "d2/one"]);
  });
});

test("a removed tree is made anew with the same names, again and again", async () => {
  await using scene = await open({ "dir/file": "0\n", "dir/sub/file": "0\n" });
  const tracked = await track(scene);
  for (let n = 1; n <= 10; n++) {
    scene.remove("dir");
    // Every other time the removal is seen by itself.
    if (n % 2 === 0) expect(await tracked.check()).toEqual(["deleted dir/file", "deleted dir/sub/file"]);
    for (const file of ["dir/file", "dir/sub/file"]) scene.write(file, `${n}\n`);
    const kind = n % 2 === 0 ? "created dir/FILE" : "modified dir/FILE content";
    expect(await tracked.check()).toEqual(["file", "sub/file"].map((file) => kind.replace("FILE", file)));
  }
  await expectFollowed(scene, ["dir/file", "dir/sub/file"]);
});

test("a new version of a directory is swapped in, at once and with a gap in which there is none", async () => {
  await using scene = await open({ "live/a": "1\n", "live/sub/b": "1\n" });
  const tracked = await track(scene);
  for (const gap of [false, true, false, true]) {
    for (const file of ["next/a", "next/sub/b", "next/c"]) scene.write(file, `${gap} ${performance.now()}\n`);
    await tracked.check();
    move(scene, "live", "last");
    if (gap) await tracked.check();
    move(scene, "next", "live");
    await tracked.check();
    rmSync(scene.at("last"), { recursive: true });
    await tracked.check();
  }
  await expectFollowed(scene, ["live/a", "live/c", "live/sub/b"]);
});

describe("directories that appear with what is in them", () => {
  test("two hundred nested ones, each with a file at once, and edits in them", async () => {
    await using scene = await open({});
    const tracked = await track(scene);
    const files = Array.from({ length: 200 }, (_, n) => `d${n}/a/b/c/file`);
    const make = 'for file; do mkdir -p "$(dirname "$file")" && echo x > "$file"; done';
    execFileSync("bash", ["-c", make, "bash", ...files], { cwd: scene.root });
    expect(await tracked.check()).toEqual(files.toSorted().map((file) => `created ${file}`));
    await expectFollowed(scene, files);
  });

  test("an archive of two thousand files, and edits in it", async () => {
    await using scene = await open({});
    const files = Array.from({ length: 2000 }, (_, n) => `d${n % 40}/e${n % 400}/f${n}`);
    const from = path.join(scene.root, "../archived");
    for (const file of files) {
      mkdirSync(path.join(from, path.dirname(file)), { recursive: true });
      writeFileSync(path.join(from, file), `${file}\n`);
    }
    const archive = path.join(scene.root, "../archive.tar");
    execFileSync("tar", ["-cf", archive, "-C", from, "."]);
    const tracked = await track(scene);
    execFileSync("tar", ["-xf", archive, "-C", scene.root]);
    expect(await tracked.check()).toEqual(files.toSorted().map((file) => `created ${file}`));
    await expectFollowed(scene, files);
  });

  test("a tree that is moved in, edited, moved on and edited under its new name", async () => {
    await using scene = await open({ kept: "kept\n" });
    const outside = path.join(scene.root, "../outside");
    const files = Array.from({ length: 60 }, (_, n) => `a${n % 6}/b${n % 3}/f${n}`);
    for (const file of files) {
      mkdirSync(path.join(outside, path.dirname(file)), { recursive: true });
      writeFileSync(path.join(outside, file), `${file}\n`);
    }
    const tracked = await track(scene);
    const named = (kind: string, at: string, aspect = "") =>
      files.map((file) => `${kind} ${at}/${file}${aspect}`).sort();
    renameSync(outside, scene.at("in"));
    expect(await tracked.check()).toEqual(named("created", "in"));
    await expectFollowed(
      scene,
      files.map((file) => `in/${file}`),
    );
    await tracked.check();
    mkdirSync(scene.at("x/y"), { recursive: true });
    move(scene, "in", "x/y/z");
    // Before anybody has looked: the edit is told under the new name, and no path is told that never was.
    for (const file of files) scene.write(`x/y/z/${file}`, `edited again ${file}\n`);
    expect(await tracked.check()).toEqual([...named("deleted", "in"), ...named("created", "x/y/z")]);
    await expectFollowed(
      scene,
      files.map((file) => `x/y/z/${file}`),
    );
  });
});
