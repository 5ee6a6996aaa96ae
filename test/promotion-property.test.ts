/** Random histories on the model hold the README's promises 1 to 5; fast-check shrinks one that does not. */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CONTROLS } from "./model/controls.ts";
import type { Broken } from "./model/explore.ts";
import { histories, live, type Tally } from "./model/history.ts";
import { type ModelStore, openModelStore } from "./model/store.ts";

const RUNS = 1000;

/** The same histories in every run; another seed makes others. */
const SEED = 1;

let model: ModelStore;
beforeAll(() => {
  model = openModelStore();
});
afterAll(() => model.close());

const property = (tally: Tally, broken?: Broken) =>
  fc.asyncProperty(histories, (history) => live(model, history, tally, broken));

const newTally = (): Tally => ({ applied: 0, undone: 0, refused: 0, crashes: 0, edits: 0 });

test(`${RUNS} histories of staging, applying, undoing, editing, dying, restarting`, {
  timeout: 120_000,
}, async () => {
  const tally = newTally();
  await fc.assert(property(tally), { numRuns: RUNS, seed: SEED });
  console.log(`${RUNS} histories: ${JSON.stringify(tally)}`);
  expect(Math.min(...Object.values(tally))).toBeGreaterThan(RUNS / 4);
});

test.each(Object.keys(CONTROLS))("with %s, a promise is broken", { timeout: 120_000 }, async (name) => {
  const broken = property(newTally(), CONTROLS[name]);
  const { failed, numRuns } = await fc.check(broken, { numRuns: RUNS, seed: SEED, endOnFailure: true });
  console.log(`control, ${name}: found in history ${numRuns}`);
  expect(failed).toBe(true);
});
