/** What a flush promises while a crawl is under way. */

import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openWatchTable } from "../daemon/store/watch-table.ts";
import { openClock } from "../daemon/watch/clock.ts";
import { openDirect } from "../daemon/watch/direct.ts";
import { openIgnore } from "../daemon/watch/ignore.ts";
import { openLedger } from "../daemon/watch/ledger.ts";
import { openReconciler } from "../daemon/watch/reconcile.ts";
import { openSight } from "../daemon/watch/sight.ts";
import { makePlace, type Place } from "./watch/fixture.ts";

let place: Place;

beforeEach(() => {
  place = makePlace();
});

afterEach(async () => {
  await place.remove();
});

test("what a crawl found and has not read yet is in the table too after a flush", async () => {
  for (let n = 0; n < 300; n++) place.write(`moved/d${n}/deep/file`);
  const store = openWatchTable(`${place.base}/watch.db`);
  const table = store.root("w1");
  const ledger = openLedger(table, openClock("w1", table, place.counters));
  const { root } = place;
  const direct = openDirect(root, 1000, 16_384, {
    ...{ hint() {}, lost() {}, limit() {} },
    isUrgent: () => false,
  });
  const ground = {
    ...{ root, ledger, direct, ignore: openIgnore(root), sight: openSight(root) },
    ...{ published: new Set<string>(), hidden: () => false, warn: () => {} },
  };
  const reconciler = openReconciler(ground, { lost() {} });
  const crawl = reconciler.crawl();
  while (table.kind("moved/d0") === undefined) await setImmediate();
  // Its event comes when the crawl has read the directory itself: it is known, what is below is not.
  reconciler.hint("moved");
  await reconciler.flush();
  const missing = Array.from({ length: 300 }, (_, n) => `moved/d${n}/deep/file`).filter(
    (file) => table.kind(file) === undefined,
  );
  expect(missing).toEqual([]);
  await crawl;
  await reconciler.close(new Error("The test has ended."));
  direct.close();
  store.close();
});
