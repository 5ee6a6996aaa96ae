/** One file's staging, reading and showing costs what it costs, however many patches its session has. */
import { describe, expect, test } from "vitest";
import type { RecordedDatabase } from "./fixture/recorded-database.ts";
import { recordDatabase } from "./fixture/recorded-database.ts";
import { makeScene, type Scene } from "./staging-scene.ts";

const write = (path: string, content = "x\n") => ({ kind: "write" as const, path, content });
const paths = (count: number) => Array.from({ length: count }, (_, n) => `many/d${n % 10}/f${n}`);

describe("in a session of hundreds of patches, no more of them are read than in one of ten", () => {
  const asked: readonly [string, (scene: Scene) => Promise<unknown>][] = [
    ["to stage a file", (scene) => scene.stage(write("many/d1/new"))],
    ["to stage a file again", (scene) => scene.stage(write("many/d1/f1", "y\n"))],
    ["to delete one", (scene) => scene.stage({ kind: "delete", path: "many/d1/f1" })],
    ["to rename one", (scene) => scene.stage({ kind: "rename", path: "many/d1/f1", to: "moved" })],
    ["to read one", (scene) => scene.read("many/d1/f1")],
    ["to show one", ({ staging, session }) => staging.diffSession(session, { paths: ["many/d1/f1"] })],
    [
      "to list another directory",
      ({ staging, session, tree }) =>
        staging.listFiles(session, tree, { session: session.id, path: "other" }),
    ],
  ];
  test.for(asked)("%s", async ([, ask]) => {
    const costs: number[] = [];
    for (const count of [10, 300]) {
      const recorded = recordDatabase();
      const scene = await sceneOf(recorded, count);
      costs.push(await recorded.patchesReadBy(() => ask(scene)));
    }
    expect(costs[1]).toBe(costs[0]);
  });
});

test("a file that was staged hundreds of times is staged again for what it cost at first", async () => {
  const recorded = recordDatabase();
  const scene = await sceneOf(recorded, 1);
  const again = (n: number) => () => scene.stage(write("many/d0/f0", `${n}\n`));
  const first = await recorded.patchesReadBy(again(0));
  for (let n = 1; n < 100; n++) await again(n)();
  expect(await recorded.patchesReadBy(again(100))).toBe(first);
});

async function sceneOf(recorded: RecordedDatabase, count: number): Promise<Scene> {
  const scene = makeScene({ "other/file": "x\n" }, recorded.open);
  await scene.stage(...paths(count).map((path) => write(path)));
  return scene;
}
