/** Directories that a layer leaves open to the real tree, by a reviewer's word or a trusted policy's. */
import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { iopipectl } from "../fixture/cli.ts";
import { runScript } from "./running.ts";
import { openScene, sharedStage } from "./scene.ts";

const stage = sharedStage();

const FILES = {
  "cache/old": "old\n",
  "a dir, with a comma/x": "x\n",
  src: "src\n",
  ".iopipe.jsonc": '{ "passThrough": ["cache", "not/there"] }\n',
};

const SCRIPT = 'echo new > cache/new; rm cache/old; echo y > "a dir, with a comma/y"; echo s > src';

test("what a reviewer names is written to, and the rest is staged", async () => {
  await using scene = await openScene({ on: stage(), files: FILES });
  const passed = await runScript(scene, SCRIPT, ["--pass-through", "cache", "a dir, with a comma"]);
  expect(passed).toMatchObject({ code: 0, stderr: expect.stringContaining("1 change is staged") });
  expect(scene.read("cache/new")).toBe("new\n");
  expect(existsSync(scene.at("cache/old"))).toBe(false);
  expect(scene.read("a dir, with a comma/y")).toBe("y\n");
  expect(scene.read("src")).toBe("src\n");
});

test("a policy's counts once it is trusted", async () => {
  await using scene = await openScene({ on: stage(), files: FILES });
  await runScript(scene, SCRIPT, ["--discard"]);
  expect(existsSync(scene.at("cache/new"))).toBe(false);
  await iopipectl(scene.home, ["trust", "--yes"], { cwd: scene.root });
  await runScript(scene, SCRIPT, ["--discard"]);
  expect(scene.read("cache/new")).toBe("new\n");
  expect(existsSync(scene.at("a dir, with a comma/y"))).toBe(false);
});

test.each([
  ["src", "is no directory"],
  ["missing", "is no directory"],
  [".git", "belongs to git"],
  ["../..", "outside"],
])("%s is refused", async (path, why) => {
  await using scene = await openScene({ on: stage(), files: FILES });
  const { code, stderr } = await runScript(scene, "true", ["--pass-through", path]);
  expect({ code, stderr }).toEqual({ code: 125, stderr: expect.stringContaining(why) });
});
