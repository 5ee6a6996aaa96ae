/** Priorities by a workspace's and a subscription's own globs, a workspace's own ignoring, and who is told first. */

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Batch } from "../daemon/watch/index.ts";
import { openLanes } from "../daemon/watch/lanes.ts";
import { laneOf } from "../daemon/watch/priority.ts";
import type { FileChange } from "../protocol/methods/values.ts";
import { makePlace, type Opened, type Place } from "./watch/fixture.ts";

let place: Place;
let opened: Opened;

beforeEach(() => {
  place = makePlace();
});

afterEach(async () => {
  await place.remove();
});

async function begin(options: Parameters<Place["open"]>[0] = {}): Promise<string> {
  opened = place.open(options);
  return opened.sync();
}

const ranks = (changes: readonly FileChange[]): Record<string, string> =>
  Object.fromEntries(changes.map((change) => [change.path, change.priority]));

async function everything(): Promise<FileChange[]> {
  return (await opened.all()).changes;
}

describe("hints that wait", () => {
  const known = new Map([
    ["src/known", "file"],
    ["src/new", undefined],
  ] as const);
  const lanes = () =>
    openLanes({
      ledger: { table: { kind: (path: string) => known.get(path as "src/known") } },
      ignore: { priorityOf: (path) => (path === "high" ? "HIGH" : "MED") },
    });

  test("come out the most urgent first", () => {
    const waiting = lanes();
    for (const path of ["src/new", "src/known", "high"]) waiting.add(path, true);
    expect(waiting.size).toBe(3);
    expect(waiting.takeUrgent(8)).toEqual(["high", "src/known"]);
    expect([...waiting.take()]).toEqual(["src/new"]);
    expect(waiting.size).toBe(0);
  });

  test("are spare only while nothing else tells of the same path, are not counted, and are bounded", () => {
    const waiting = lanes();
    for (const path of ["high", "src/known", "src/new"]) waiting.addSpare(path);
    waiting.add("high", false);
    waiting.addSpare("high");
    expect([waiting.size, waiting.spare]).toEqual([1, 2]);
    expect([...waiting.take()]).toEqual(["high"]);
    expect(waiting.takeSpare(1)).toEqual(["src/known"]);
    expect(waiting.takeSpare(8)).toEqual(["src/new"]);
    for (let n = 0; n < 20_000; n++) waiting.addSpare(`src/${n}`);
    expect(waiting.spare).toBe(10_000);
  });
});

describe("globs", () => {
  test("give a path the highest priority that names it, and none where no glob does", () => {
    const lane = laneOf({ high: ["src/core/**", "LICENSE"], med: ["**/*.log"], low: ["src/**"] });
    expect(lane("src/core/a.ts")).toBe("HIGH");
    expect(lane("LICENSE")).toBe("HIGH");
    expect(lane("src/x.log")).toBe("MED");
    expect(lane("src/a.ts")).toBe("LOW");
    expect(lane("other")).toBeUndefined();
    expect(laneOf({ high: [] })("a")).toBeUndefined();
  });

  test("of the workspace come before its usual rules, of a client before those, and a pending patch before all", async () => {
    for (const file of ["src/a", "src/b", "src/c", "package.json", "dist/x.js"]) place.write(file);
    await begin({ rules: { high: ["src/a"], med: ["dist"], low: ["package.json", "src/c"] } });
    expect(ranks(await everything())).toEqual({
      "src/a": "HIGH",
      "src/b": "MED",
      "src/c": "LOW",
      "package.json": "LOW",
      "dist/x.js": "MED",
    });
    opened.watch.setHigh(["src/c"]);
    const lanes = { low: ["src"], high: ["src/b"] };
    expect(ranks((await opened.watch.since(undefined, { lanes }, 100)).changes)).toEqual({
      "src/a": "LOW",
      "src/b": "HIGH",
      "src/c": "HIGH",
      "package.json": "LOW",
      "dist/x.js": "MED",
    });
    const high = await opened.watch.since(undefined, { lanes, priorities: ["HIGH"] }, 100);
    expect(Object.keys(ranks(high.changes)).sort()).toEqual(["src/b", "src/c"]);
  });

  test("take effect at once when they are replaced", async () => {
    place.write("src/a");
    await begin({ rules: { low: ["src"] } });
    expect(ranks(await everything())).toEqual({ "src/a": "LOW" });
    opened.watch.setRules({ high: ["src"] });
    expect(opened.watch.rules).toEqual({ high: ["src"] });
    expect(ranks(await everything())).toEqual({ "src/a": "HIGH" });
    opened.watch.setRules({});
    expect(opened.watch.rules).toBeUndefined();
    expect(ranks(await everything())).toEqual({ "src/a": "MED" });
  });
});

describe("the workspace's own ignoring", () => {
  test("folds as a .gitignore would, is stronger than any, and spares what is tracked", async () => {
    place.git("init", "-q");
    place.write(".gitignore", "*.log\n");
    for (const file of ["gen/a", "gen/kept", "sub/gen/b", "x.log", "y.log", "src/c"]) place.write(file);
    place.git("add", "-f", "gen/kept", "src", ".gitignore");
    await begin({ rules: { ignore: ["gen", "!y.log", "# no rule"] } });
    expect(ranks(await everything())).toEqual({
      ".gitignore": "HIGH",
      gen: "LOW",
      "gen/kept": "MED",
      "sub/gen": "LOW",
      "x.log": "LOW",
      "y.log": "MED",
      "src/c": "MED",
    });
    const clock = await opened.sync();
    place.write("gen/kept", "edited");
    place.write("sub/gen/b", "edited");
    await opened.sync();
    const told = await opened.all(clock);
    expect(Object.keys(ranks(told.changes)).sort()).toEqual(["gen/kept", "sub/gen"]);
  });

  test("needs no repository, and lists again what it no longer names", async () => {
    for (const file of ["gen/a", "src/b"]) place.write(file);
    await begin({ rules: { ignore: ["/gen/"] } });
    expect(Object.keys(ranks(await everything())).sort()).toEqual(["gen", "src/b"]);
    opened.watch.setRules({ ignore: ["src"] });
    await opened.sync();
    expect(Object.keys(ranks(await everything())).sort()).toEqual(["gen/a", "src"]);
  });
});

describe("an urgent change", () => {
  test("is told before the flood that was there first, once, and whoever goes on from there misses nothing", async () => {
    place.write("package.json", "{}");
    await begin();
    const batches: Batch[] = [];
    const stuck = Promise.withResolvers<void>();
    const blocked = Promise.withResolvers<void>();
    const subscription = await opened.watch.subscribe({}, (batch) => {
      batches.push(batch);
      if (batches.length > 1) return;
      blocked.resolve();
      return stuck.promise;
    });
    subscription.start();
    place.write("first");
    await blocked.promise;
    for (let n = 0; n < 3500; n++) place.write(`src/d${n % 10}/${n}`);
    await opened.sync();
    place.write("package.json", '{"name":"x"}');
    await opened.sync();
    stuck.resolve();
    await expect.poll(() => batches.flatMap(({ changes }) => changes).length).toBe(3502);

    const [, ahead, ...others] = batches;
    expect(ahead?.changes).toMatchObject([{ path: "package.json", kind: "modified", priority: "HIGH" }]);
    expect(others.flatMap(({ changes }) => changes).filter(({ priority }) => priority === "HIGH")).toEqual(
      [],
    );
    const missed = (await opened.all(ahead?.clock)).changes;
    expect(missed.map((change) => change.path)).toEqual(expect.arrayContaining(["package.json", "src/d0/0"]));
    expect(missed).toHaveLength(3501);
    expect((await opened.all(batches.at(-1)?.clock)).changes).toEqual([]);
    subscription.close();
  });

  test("by a client's own globs is told first to that client", async () => {
    place.write("src/mine", "old");
    await begin();
    const told: string[][] = [];
    const stuck = Promise.withResolvers<void>();
    const subscription = await opened.watch.subscribe({ lanes: { high: ["src/mine"] } }, (batch) => {
      told.push(batch.changes.map((change) => change.path));
      return told.length > 1 ? undefined : stuck.promise;
    });
    subscription.start();
    place.write("first");
    await expect.poll(() => told.length).toBe(1);
    for (let n = 0; n < 1500; n++) place.write(`src/${n}`);
    await opened.sync();
    place.write("src/mine", "new");
    await opened.sync();
    stuck.resolve();
    await expect.poll(() => told.flat().length).toBe(1502);
    expect(told[1]).toEqual(["src/mine"]);
    subscription.close();
  });
});
