/** Beyond the budget of direct watches: which directories are covered, and that nothing is missed by changing that. */

import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDirect } from "../daemon/watch/direct.ts";
import { whileStopped } from "./acceptance/watch-cases/processes.ts";
import { listed, makePlace, type Opened, type Place, walk } from "./watch/fixture.ts";

let place: Place;
let opened: Opened;

beforeEach(() => {
  place = makePlace();
});

afterEach(async () => {
  await place.remove();
});

async function begin(directBudget: number): Promise<string> {
  opened = place.open({ directBudget });
  return opened.sync();
}

test("directories with manifests, or with files somebody works on, are covered even then", async () => {
  for (let n = 0; n < 40; n++) place.write(`plain/d${n}/a`);
  for (let n = 0; n < 3; n++) place.write(`packages/p${n}/package.json`, "{}");
  await begin(6);
  const { direct, directories } = opened.watch.status();
  expect({ direct, directories }).toEqual({ direct: 6, directories: 46 });
  opened.watch.setHigh(["plain/d7/a", "plain/d9/new"]);
  const clock = await opened.sync();
  const told: string[] = [];
  const subscription = await opened.watch.subscribe({ priorities: ["HIGH"] }, ({ changes }) => {
    told.push(...changes.map((change) => change.path));
  });
  subscription.start();
  // No barrier, which would crawl: they are seen because they are watched, or by the native child later.
  const urgent = ["packages/p0/package.json", "packages/p2/package.json", "plain/d7/a", "plain/d9/new"];
  for (const file of urgent) {
    place.write(file, "changed");
    await expect.poll(() => told, { interval: 5 }).toContain(file);
  }
  await opened.sync();
  expect((await opened.all(clock)).changes.map((change) => change.path).sort()).toEqual(urgent);
  expect(opened.watch.status().direct).toBeGreaterThanOrEqual(6);
  subscription.close();
});

test("nothing is missed while coverage moves to where something happens", async () => {
  for (let n = 0; n < 60; n++) place.write(`g${n % 6}/d${n}/a`);
  await begin(10);
  for (let round = 0; round < 5; round++) {
    for (let n = 0; n < 60; n += 7) {
      place.write(`g${n % 6}/d${n}/a`, `${round}`);
      place.write(`g${n % 6}/d${n}/new${round}/b`);
    }
    opened.watch.setHigh([`g${round}/d${round}/a`, `g${round}/d${round}/new${round}/b`]);
    await opened.sync();
    expect(listed((await opened.all()).changes)).toEqual(walk(place.root));
  }
  expect(opened.watch.status().auditDifferences).toBe(0);
  expect((await opened.watch.audit()).differences).toEqual([]);
});

test("room is made by the directory where nothing has happened for longest, never by an urgent one or by the root", async () => {
  for (const name of ["cold", "warm", "urgent", "next"]) mkdirSync(path.join(place.root, name));
  const hinted: string[] = [];
  const direct = openDirect(place.root, 4, 16_384, {
    hint: (file) => hinted.push(file),
    isUrgent: (directory) => directory === "urgent",
    lost: () => {},
    limit: () => {},
  });
  for (const name of ["", "urgent", "cold", "warm"]) expect(direct.watch(name)).toBe(true);
  expect(direct.watch("next")).toBe(false);
  expect([...direct.uncovered]).toEqual(["next"]);
  // Everything is warm yet: what is not urgent has to wait, and what is urgent does not.
  expect(direct.warm("next")).toBe(false);
  writeFileSync(path.join(place.root, "cold/x"), "");
  await expect.poll(() => hinted).toContain("cold/x");
  expect(direct.warm("next", true)).toBe(true);
  expect(direct.isWanted("next")).toBe(true);
  expect(direct.watch("next")).toBe(true);
  expect([...direct.uncovered]).toEqual(["warm"]);
  expect(direct.size).toBe(4);
  direct.close();
});

test("a cookie that the child never tells of is a loss where it alone watches, and brings a crawl", async () => {
  for (let n = 0; n < 40; n++) place.write(`plain/d${n}/a`);
  await begin(6);
  await expect.poll(() => opened.watch.state).toBe("live");
  const { childPid, losses, crawls } = opened.watch.status();
  const cookies = path.join(place.base, "cookies");
  await whileStopped([childPid as number], async () => {
    place.write("stirred", "a cookie is written while something happens");
    await expect.poll(() => readdirSync(cookies)).not.toEqual([]);
    // The child merges its creation and its end into nothing.
    for (const name of readdirSync(cookies)) rmSync(path.join(cookies, name));
  });
  let times = 0;
  const now = () => {
    place.write("stirred", `${times++}`);
    return opened.watch.status();
  };
  await expect.poll(() => now().losses).toBeGreaterThan(losses);
  await expect.poll(() => now().crawls).toBeGreaterThan(crawls);
});
