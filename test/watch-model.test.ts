/** Random changes by several processes, the child killed meanwhile: the state equals the disk, for followers too. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { FileChange } from "../protocol/methods/values.ts";
import { listed, makePlace, type Opened, type Place, walk } from "./watch/fixture.ts";

const MUTATE = fileURLToPath(new URL("./watch/mutate.ts", import.meta.url));

let place: Place;

beforeEach(() => {
  place = makePlace();
});

afterEach(async () => {
  await place.remove();
});

/** Starts processes that change the root at random; resolves when all have ended. */
async function mutate(seed: number, processes: number, operations: number): Promise<void> {
  const all: ChildProcess[] = Array.from({ length: processes }, (_, n) =>
    spawn(process.execPath, [MUTATE, place.root, String(seed * 100 + n), String(operations)], {
      stdio: "ignore",
    }),
  );
  await Promise.all(all.map((child) => once(child, "exit")));
}

/** Keeps what notifications alone tell. */
async function follow(opened: Opened): Promise<Map<string, FileChange>> {
  const known = new Map<string, FileChange>();
  const subscription = await opened.watch.subscribe({}, (batch) => {
    if (batch.fresh) throw new Error("history lost");
    for (const change of batch.changes) {
      if (change.kind === "deleted") known.delete(change.path);
      else known.set(change.path, change);
    }
  });
  subscription.start();
  return known;
}

test.for([1, 2, 3])("state equals disk after random changes, seed %i", async (seed) => {
  const opened = place.open(seed === 2 ? { directBudget: 10 } : {});
  let clock = await opened.sync();
  const followed = await follow(opened);
  const mirror = new Map<string, FileChange>();
  for (let round = 0; round < 4; round++) {
    const changing = mutate(seed * 10 + round, 3, 400);
    const { childPid } = opened.watch.status();
    if (childPid !== undefined && round % 2 === 1) process.kill(childPid, "SIGKILL");
    await changing;
    await opened.sync();
    const disk = walk(place.root);
    expect(listed((await opened.all()).changes)).toEqual(disk);
    const { changes, clock: next } = await opened.all(clock);
    for (const change of changes) {
      if (change.kind === "deleted") mirror.delete(change.path);
      else mirror.set(change.path, change);
    }
    clock = next;
    expect(listed([...mirror.values()])).toEqual(disk);
  }
  await expect.poll(() => listed([...followed.values()])).toEqual(walk(place.root));
});

test("state equals disk after changes while nobody watched", async () => {
  let opened = place.open();
  await mutate(7, 2, 300);
  let clock = await opened.sync();
  const mirror = new Map((await opened.all()).changes.map((change) => [change.path, change]));
  for (let round = 0; round < 3; round++) {
    await opened.close();
    await mutate(70 + round, 2, 300);
    opened = place.open();
    const { fresh, changes, clock: next } = await opened.all(clock);
    expect(fresh).toBe(false);
    for (const change of changes) {
      if (change.kind === "deleted") mirror.delete(change.path);
      else mirror.set(change.path, change);
    }
    expect(listed([...mirror.values()])).toEqual(walk(place.root));
    clock = next;
  }
});
