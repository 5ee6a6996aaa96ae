/** Clocks over restarts, the child's end, floods, slow subscribers, and roots that come and go. */

import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, renameSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openWatchTable } from "../daemon/store/watch-table.ts";
import type { Batch, RootWatch } from "../daemon/watch/index.ts";
import type { WatchState } from "../protocol/methods/values.ts";
import { listed, makePlace, type Opened, type Place, told, walk } from "./watch/fixture.ts";

let place: Place;
let opened: Opened;

beforeEach(() => {
  place = makePlace();
});

afterEach(async () => {
  await place.remove();
});

async function begin(options?: { directBudget?: number }): Promise<string> {
  opened = place.open(options);
  return opened.sync();
}

const at = (file: string): string => path.join(place.root, file);

/** The live child's process id. */
async function childPid(): Promise<number> {
  await reached(opened.watch, "live");
  return opened.watch.status().childPid as number;
}

/** Resolves when the watch is in `state`. */
function reached(watch: RootWatch, state: WatchState): Promise<void> {
  if (watch.state === state) return Promise.resolve();
  return new Promise((resolve) => {
    const stop = watch.onState((now) => {
      if (now !== state) return;
      stop();
      resolve();
    });
  });
}

describe("clocks", () => {
  test("what changed while nobody watched is told to the clock from before", async () => {
    for (const file of ["kept", "edited", "gone", "dir/moved"]) place.write(file);
    const clock = await begin();
    await opened.close();
    place.write("edited", "other");
    place.write("made");
    unlinkSync(at("gone"));
    renameSync(at("dir"), at("other"));
    opened = place.open();
    const { fresh, changes } = await opened.all(clock);
    expect(fresh).toBe(false);
    expect(told(changes)).toEqual([
      "deleted dir/moved",
      "modified edited content",
      "deleted gone",
      "created made",
      "created other/moved",
    ]);
  });

  test("a clock of another store, root, future or form lists everything afresh", async () => {
    place.write("a");
    const clock = await begin();
    const [version, store, root, seq] = clock.split(".");
    const foreign = [
      `c0.${store}.${root}.${seq}`,
      `c1.000000000000.${root}.${seq}`,
      `c1.${store}.00000000.${seq}`,
      `${version}.${store}.${root}.${Number(seq) + 1}`,
      `${clock}.x`,
      "nonsense",
    ];
    for (const one of foreign) {
      const { fresh, changes } = await opened.all(one);
      expect([fresh, told(changes)]).toEqual([true, ["created a"]]);
    }
    expect(await opened.all(clock)).toMatchObject({ fresh: false, changes: [] });
  });

  test("a lost watch database makes old clocks unknown, and no number is handed out twice", async () => {
    place.write("a");
    const before = await begin();
    await opened.close();
    for (const name of readdirSync(place.base)) {
      if (name.startsWith("watch.db")) rmSync(path.join(place.base, name));
    }
    writeFileSync(path.join(place.base, "watch.db"), "this is no database".repeat(100));
    opened = place.open();
    const { fresh, clock } = await opened.all(before);
    expect(fresh).toBe(true);
    expect(Number(clock.split(".")[3])).toBeGreaterThan(Number(before.split(".")[3]));
  });

  test("a listing goes over pages, each path once, and ends in a clock that is up to date", async () => {
    for (let n = 0; n < 25; n++) place.write(`f${n}`);
    await begin();
    const paths: string[] = [];
    let page = await opened.watch.since(undefined, {}, 10);
    expect(page).toMatchObject({ fresh: true, more: true });
    for (; ; page = await opened.watch.since(page.clock, {}, 10)) {
      paths.push(...page.changes.map((change) => `${change.kind} ${change.path}`));
      if (!page.more) break;
    }
    expect(paths.sort()).toEqual(Array.from({ length: 25 }, (_, n) => `created f${n}`).sort());
    expect((await opened.all(page.clock)).changes).toEqual([]);
  });

  test("when tombstones were pruned, an older clock is answered afresh", async () => {
    for (const file of ["a", "b", "c"]) place.write(file);
    const clock = await begin();
    for (const file of ["a", "b"]) unlinkSync(at(file));
    await opened.sync();
    await opened.close();
    const table = openWatchTable(path.join(place.base, "watch.db"));
    table.root("w1").prune(0, 10);
    table.close();
    opened = place.open();
    const { fresh, changes } = await opened.all(clock);
    expect([fresh, told(changes)]).toEqual([true, ["created c"]]);
  });
});

describe("subscriptions", () => {
  test("a subscriber is told what comes, from its clock on", async () => {
    place.write("a");
    const clock = await begin();
    place.write("b");
    const got = Promise.withResolvers<Batch>();
    const subscription = await opened.watch.subscribe({ since: clock }, got.resolve);
    expect(subscription).toMatchObject({ clock, fresh: false });
    subscription.start();
    const batch = await got.promise;
    expect(told(batch.changes)).toEqual(["created b"]);
    subscription.close();
  });

  test("one that does not read costs nothing and misses nothing", async () => {
    await begin();
    const seen = new Map<string, string>();
    let release = (): void => {};
    let stuck = true;
    const caughtUp = Promise.withResolvers<void>();
    const largest = { changes: 0, batches: 0 };
    const subscription = await opened.watch.subscribe({}, async (batch) => {
      if (stuck) await new Promise<void>((resolve) => (release = resolve));
      largest.changes = Math.max(largest.changes, batch.changes.length);
      largest.batches += 1;
      for (const change of batch.changes) {
        if (change.kind === "deleted") seen.delete(change.path);
        else seen.set(change.path, change.kind);
      }
      if (seen.size === 3001) caughtUp.resolve();
    });
    subscription.start();
    place.write("first");
    await opened.sync();
    for (let n = 0; n < 3000; n++) place.write(`d${n % 10}/f${n}`);
    await opened.sync();
    stuck = false;
    release();
    await caughtUp.promise;
    expect([...seen.keys()].sort()).toEqual([...walk(place.root).keys()].sort());
    expect(largest.changes).toBeLessThanOrEqual(1000);
    expect(largest.batches).toBeLessThan(20);
    subscription.close();
  });

  test("an unknown clock is said to be of no use, and a lost history too", async () => {
    await begin();
    const subscription = await opened.watch.subscribe({ since: "nonsense" }, () => {});
    expect(subscription.fresh).toBe(true);
    subscription.close();
  });

  test("filters and settling hold", async () => {
    await begin();
    const got = Promise.withResolvers<Batch>();
    const subscription = await opened.watch.subscribe(
      { include: ["src"], exclude: ["**/*.log"], priorities: ["MED"], settleMs: 3000 },
      got.resolve,
    );
    subscription.start();
    for (const file of ["src/a.ts", "src/b.log", "src/package.json", "other.ts"]) place.write(file);
    await opened.sync();
    place.write("src/c.ts");
    const batch = await got.promise;
    expect(told(batch.changes)).toEqual(["created src/a.ts", "created src/c.ts"]);
    subscription.close();
  });

  test("one whose delivery fails ends alone", async () => {
    await begin();
    const broken = await opened.watch.subscribe({}, () => Promise.reject(new Error("gone")));
    const got = Promise.withResolvers<Batch>();
    const whole = await opened.watch.subscribe({}, got.resolve);
    broken.start();
    whole.start();
    place.write("a");
    expect(told((await got.promise).changes)).toEqual(["created a"]);
    whole.close();
  });
});

describe.skipIf(process.platform !== "linux")("the child", () => {
  test("killed, it is replaced with nothing missing", async () => {
    for (let n = 0; n < 20; n++) place.write(`d${n}/file`);
    await begin({ directBudget: 3 });
    const pid = await childPid();
    const degraded = reached(opened.watch, "degraded");
    process.kill(pid, "SIGKILL");
    for (let n = 0; n < 20; n++) place.write(`d${n}/file`, "edited");
    await degraded;
    await opened.sync();
    expect(listed((await opened.all()).changes)).toEqual(walk(place.root));
    await reached(opened.watch, "live");
    expect(opened.watch.status().childRestarts).toBe(1);
  });

  test("stopped, and the loop too, during thousands of creations, nothing is missing", {
    timeout: 60_000,
  }, async () => {
    mkdirSync(at("flood"));
    await begin();
    const pid = await childPid();
    process.kill(pid, "SIGSTOP");
    execFileSync("bash", ["-c", "for i in $(seq 6000); do : > flood/$i; done"], { cwd: place.root });
    await opened.watch.sync(undefined, 50_000);
    expect(listed((await opened.all()).changes)).toEqual(walk(place.root));
    expect(opened.watch.status().losses).toBeGreaterThan(0);
  });

  test("it is gone when the watch is closed", async () => {
    await begin();
    const pid = await childPid();
    await opened.close();
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  });
});

describe("the root", () => {
  test("moved away it is suspended, and back again its changes are found", async () => {
    place.write("a");
    const clock = await begin();
    const suspended = reached(opened.watch, "suspended");
    const away = path.join(place.base, "away");
    renameSync(place.root, away);
    await suspended;
    await expect(opened.watch.since(clock, {}, 10)).rejects.toMatchObject({ kind: "RootGone" });
    await expect(opened.watch.sync(undefined, 1000)).rejects.toMatchObject({ kind: "RootGone" });
    writeFileSync(path.join(away, "b"), "x");
    const live = reached(opened.watch, "live");
    renameSync(away, place.root);
    await live;
    expect(told((await opened.all(clock)).changes)).toEqual(["created b"]);
  });

  test("absent at first, it is followed once it is there", async () => {
    rmSync(place.root, { recursive: true });
    opened = place.open();
    await reached(opened.watch, "suspended");
    mkdirSync(place.root);
    place.write("a");
    await reached(opened.watch, "live");
    expect(told((await opened.all()).changes)).toEqual(["created a"]);
  });

  test("the daemon's own directories within it are none of its content", async () => {
    mkdirSync(at("state"));
    opened = place.open({ guarded: [at("state")] });
    place.write("state/db");
    place.write("a");
    await opened.sync();
    expect(told((await opened.all()).changes)).toEqual(["created a"]);
  });
});
