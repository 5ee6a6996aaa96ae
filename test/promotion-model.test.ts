/**
 * The model: promotion, undo and recovery on a file system in memory, crashed at every call in every way, again while
 * they recover, and with somebody editing in between. Prints how many states that were; where they are drawn from
 * more, both numbers.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { CONTROLS, WITHOUT_EXCHANGE, WITHOUT_INODES } from "./model/controls.ts";
import { type Broken, explore, type Limits } from "./model/explore.ts";
import { exploreLateWrites } from "./model/late-writes.ts";
import { mixedScenes, pairScenes } from "./model/patches.ts";
import { applyScene, type Scene } from "./model/scene.ts";
import { type ModelStore, openModelStore } from "./model/store.ts";
import { exploreEdits } from "./model/third-states.ts";

const TIMEOUT_MS = 120_000;

/** Above what any pair of files has after one call: nothing is drawn, everything is made. */
const EXACT = 10_000;

let model: ModelStore;
let mixed: Scene[];
let pairs: Scene[];
beforeAll(async () => {
  model = openModelStore();
  mixed = await mixedScenes(model);
  pairs = await pairScenes(model);
});
afterAll(() => model.close());

const ORDINALS = ["first", "second", "third"];

/** Explores and prints; expects no violation. */
async function exploreAll(
  title: string,
  scenes: readonly Scene[],
  limits: Limits,
  variant?: Broken,
): Promise<void> {
  const found: string[] = [];
  let steps = 0;
  const sums = limits.map(() => ({ possible: 0, made: 0, states: 0, recovered: 0 }));
  for (const scene of scenes) {
    const report = await explore(model, scene, limits, variant);
    found.push(...report.violations);
    steps += report.steps;
    for (const [at, sum] of sums.entries())
      for (const key of ["possible", "made", "states", "recovered"] as const)
        sum[key] += report.depths[at]?.[key] ?? 0;
  }
  const lines = sums.map(
    ({ possible, made, states, recovered }, at) =>
      `  ${ORDINALS[at]} crash: ${made} of ${possible} combinations, ${states} distinct states, ${recovered} recovered`,
  );
  console.log([`${title}: ${steps} calls, ${found.length} violations`, ...lines].join("\n"));
  expect(found.slice(0, 5)).toEqual([]);
}

test("eight mixed changes, crashed once in many ways at every call", { timeout: TIMEOUT_MS }, () =>
  exploreAll("mixed patch, wide", mixed, [{ bound: 40 }]),
);

test("eight mixed changes, crashed twice", { timeout: TIMEOUT_MS }, () =>
  exploreAll("mixed patch, deep", mixed, [
    { bound: 2, every: 8 },
    { bound: 2, every: 4 },
  ]),
);

test("every pair of changes, crashed twice in every way there is", { timeout: TIMEOUT_MS }, () =>
  exploreAll("pairs", pairs, [{ bound: EXACT }, { bound: EXACT }]),
);

test("every pair of changes where names cannot be exchanged", { timeout: TIMEOUT_MS }, () =>
  exploreAll("pairs, without exchange", pairs, [{ bound: EXACT }, { bound: EXACT }], WITHOUT_EXCHANGE),
);

test("every pair of changes, crashed three times", { timeout: TIMEOUT_MS }, () =>
  exploreAll("pairs, deep", pairs, [
    { bound: EXACT },
    { bound: EXACT, every: 8 },
    { bound: EXACT, every: 8 },
  ]),
);

test("every pair of changes, one of them edited before recovery", { timeout: TIMEOUT_MS }, async () => {
  const found: string[] = [];
  const sum = { states: 0, edits: 0 };
  const phases: Record<string, number> = {};
  for (const scene of pairs) {
    const report = await exploreEdits(model, scene, EXACT);
    found.push(...report.violations);
    sum.states += report.states;
    sum.edits += report.edits;
    for (const [phase, count] of Object.entries(report.phases)) phases[phase] = (phases[phase] ?? 0) + count;
  }
  const ends = Object.entries(phases).map(([phase, count]) => `${count} ${phase}`);
  console.log(
    `third states: ${sum.states} states, ${sum.edits} edits (${ends.join(", ")}), ${found.length} violations`,
  );
  expect(found.slice(0, 5)).toEqual([]);
  expect(sum.edits).toBeGreaterThan(1000);
});

test("every pair of changes, a displaced file written to before recovery", {
  timeout: TIMEOUT_MS,
}, async () => {
  const found: string[] = [];
  const sum = { writes: 0, rescued: 0 };
  for (const scene of pairs) {
    const report = await exploreLateWrites(model, scene, EXACT);
    found.push(...report.violations);
    sum.writes += report.writes;
    sum.rescued += report.rescued;
  }
  console.log(`late writes: ${sum.writes}, ${sum.rescued} of them kept as blobs, ${found.length} violations`);
  expect(found.slice(0, 5)).toEqual([]);
  expect(sum.rescued).toBeGreaterThan(50);
});

test.each(Object.keys(CONTROLS))("with %s, the explorer finds violations", async (name) => {
  const scene = await applyScene(model, "control", { a: "a", b: "b" }, { a: "AAAA", n: "new", b: undefined });
  const { violations } = await explore(model, scene, [{ bound: EXACT }], CONTROLS[name]);
  console.log(`control, ${name}: ${violations.length} violations`);
  expect(violations.length).toBeGreaterThan(0);
});

test("with the recorded inodes ignored, the explorer finds violations", async () => {
  const scene = await applyScene(model, "control", { a: "a", b: "b" }, { a: "AAAA", b: "BBBB" });
  const { violations } = await exploreEdits(model, scene, EXACT, WITHOUT_INODES);
  console.log(`control, the recorded inodes ignored: ${violations.length} violations`);
  expect(violations.length).toBeGreaterThan(0);
});
