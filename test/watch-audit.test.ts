/**
 * What no watcher reports, an audit finds: edits through a name outside the root raise no event in it. Also what is no
 * difference, however much is on its way.
 */

import { appendFileSync, linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { listed, makePlace, type Opened, type Place, told, walk } from "./watch/fixture.ts";

let place: Place;
let opened: Opened;

beforeEach(() => {
  place = makePlace();
});

afterEach(async () => {
  await place.remove();
});

/** Gives files of the root a second name outside. */
function linkOut(...files: string[]): void {
  for (const [n, file] of files.entries()) linkSync(path.join(place.root, file), outside(n));
}

const outside = (n: number): string => path.join(place.base, `outside${n}`);

/** Without the slow audit, which may come first, unless the test asks for it. */
async function begin(options: Parameters<Place["open"]>[0] = {}): Promise<string> {
  opened = place.open({ auditShare: 0, ...options });
  return opened.sync();
}

test("edits that raised no event are listed, told and counted, and the next audit finds none", async () => {
  for (const file of ["a", "src/b", "src/c", "src/deep/d"]) place.write(file, "old");
  linkOut("a", "src/deep/d");
  const clock = await begin();
  writeFileSync(outside(0), "longer");
  appendFileSync(outside(1), "more");
  await opened.sync();
  expect((await opened.all(clock)).changes).toEqual([]);

  const { differences, ...counts } = await opened.watch.audit();
  expect(differences.toSorted((one, other) => (one.path < other.path ? -1 : 1))).toEqual([
    { path: "a", is: "changed", aspects: ["size", "times"] },
    { path: "src/deep/d", is: "changed", aspects: ["size", "times"] },
  ]);
  expect(counts).toMatchObject({ directories: 3, paths: 6 });
  expect(told((await opened.all(clock)).changes)).toEqual([
    "modified a content",
    "modified src/deep/d content",
  ]);
  expect(opened.watch.status()).toMatchObject({ losses: 2, auditDifferences: 2 });
  expect(opened.watch.state).not.toBe("degraded");
  expect((await opened.watch.audit()).differences).toEqual([]);
});

test("the slow audit finds them by itself", async () => {
  place.write("src/a", "old");
  linkOut("src/a");
  const clock = await begin({ auditShare: 1 });
  await expect.poll(() => opened.watch.status().auditPasses).toBeGreaterThan(0);
  writeFileSync(outside(0), "longer");
  await expect.poll(() => opened.watch.status().auditDifferences).toBe(1);
  await expect.poll(async () => told((await opened.all(clock)).changes)).toEqual(["modified src/a content"]);
  expect(opened.watch.status().losses).toBe(1);
  const { auditPasses } = opened.watch.status();
  await expect.poll(() => opened.watch.status().auditPasses).toBeGreaterThan(auditPasses + 1);
  expect(opened.watch.status()).toMatchObject({ losses: 1, auditDifferences: 1, state: "live" });
});

test("beyond the budget of direct watches it looks too, at ignored directories' own entries, and at tracked files in them", async () => {
  place.git("init", "-q");
  place.write(".gitignore", "out\n");
  for (const file of ["src/x/a", "src/y/b", "out/tracked", "out/not"]) place.write(file, "old");
  place.git("add", "-f", "out/tracked");
  linkOut("src/x/a", "out/tracked", "out/not");
  await begin({ directBudget: 2 });
  for (const n of [0, 1, 2]) writeFileSync(outside(n), "longer");
  const { differences } = await opened.watch.audit();
  expect(differences.map((one) => one.path).sort()).toEqual(["out/tracked", "src/x/a"]);
});

test("what changes while it compares is no difference", { timeout: 120_000 }, async () => {
  for (let n = 0; n < 50; n++) for (let m = 0; m < 20; m++) place.write(`d${n}/${m}`, "old");
  await begin({ auditShare: 1 });
  let stopped = false;
  const busy = (async () => {
    for (let n = 0; !stopped; n++) {
      place.write(`d${n % 50}/${n % 20}`, `${n}`);
      place.write(`new${n}/x/y`);
      symlinkSync("y", path.join(place.root, `new${n}/x/z`));
      if (n > 10) rmSync(path.join(place.root, `new${n - 10}`), { recursive: true });
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  for (let n = 0; n < 5; n++) expect((await opened.watch.audit()).differences).toEqual([]);
  stopped = true;
  await busy;
  await opened.sync();
  expect(opened.watch.status()).toMatchObject({ losses: 0, auditDifferences: 0 });
  expect(listed((await opened.all()).changes)).toEqual(walk(place.root));
});

test("an audit that is cancelled ends, and one of an absent root says so", async () => {
  for (let n = 0; n < 200; n++) place.write(`d${n}/a`);
  await begin();
  await expect(opened.watch.audit(AbortSignal.abort())).rejects.toMatchObject({ kind: "Cancelled" });
  rmSync(place.root, { recursive: true });
  await expect(opened.watch.audit()).rejects.toMatchObject({ kind: "RootGone" });
  mkdirSync(place.root);
});
