/**
 * A tree of twenty thousand directories, more than are watched one by one: what is written while it is crawled, what a
 * removal of a tenth of it leaves, and another root beside it.
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { roomyDisk } from "../../fixture/small-disk.ts";
import { openScene } from "../scene.ts";
import { since, statusOf, track } from "./tracked.ts";

const DIRECTORIES = 20_000;
const TOP = 100;

/** A machine that has other work crawls it in tens of seconds. */
const SLOW = { timeout: 600_000 };

test("whatever changes in it at any time is told, and other roots are not held up", SLOW, async () => {
  using disk = roomyDisk();
  await using scene = await openScene({ killable: true, files: {}, root: `${disk.path}/root` });
  await using other = await openScene({ on: scene, files: { a: "a\n" } });
  const directories = Array.from({ length: DIRECTORIES }, (_, n) => `t${n % TOP}/d${n}`);
  for (let n = 0; n < TOP; n++) mkdirSync(scene.at(`t${n}`));
  await scene.reviewer.call("workspace/close", { workspace: scene.workspace });
  for (const directory of directories) {
    mkdirSync(scene.at(directory));
    writeFileSync(scene.at(`${directory}/f`), "x\n");
  }

  // While it is crawled for the first time, a process writes all over it.
  await scene.reviewer.call("workspace/open", { root: scene.root });
  const writing = spawn(
    "bash",
    ["-c", `for i in $(seq 0 7 ${DIRECTORIES - 1}); do echo y > "t$((i % ${TOP}))/d$i/late"; done`],
    { cwd: scene.root, stdio: "ignore" },
  );
  const written = once(writing, "exit");
  const nearby = await track(other);
  other.write("a", "edited\n");
  expect(await nearby.check()).toEqual(["modified a content"]);
  await written;
  const tracked = await track(scene);
  expect(await statusOf(scene)).toMatchObject({ directories: DIRECTORIES + TOP + 1 });

  // A tenth of it goes, and another root is answered meanwhile.
  const removing = promisify(execFile)("bash", ["-c", "rm -rf t1 t2 t3 t4 t5 t6 t7 t8 t9 t10"], {
    cwd: scene.root,
  });
  let asked = 0;
  let gone = false;
  const removed = removing.then(() => tracked.check()).finally(() => (gone = true));
  while (!gone) {
    other.write("a", `asked ${asked++}\n`);
    expect(await nearby.check()).toEqual(["modified a content"]);
  }
  const deleted = await removed;
  expect(asked).toBeGreaterThan(0);
  expect(deleted.every((line) => line.startsWith("deleted "))).toBe(true);
  expect(deleted.length).toBeGreaterThanOrEqual(DIRECTORIES / 10);
  expect(await statusOf(scene)).toMatchObject({ directories: (DIRECTORIES / TOP) * 90 + 90 + 1 });

  // What is left is watched as before, beyond the budget too.
  for (const n of [0, 11, 50, 99]) scene.write(`t${n}/d${DIRECTORIES - TOP + n}/f`, "edited\n");
  scene.write("t1/d1/again", "again\n");
  expect(await tracked.check()).toHaveLength(5);
  expect((await since(scene, tracked.clock)).changes).toEqual([]);
});
