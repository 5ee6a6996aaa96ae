/**
 * Random histories on the wire: a real daemon, real files, a proposer, a reviewer and somebody who edits the tree.
 *
 * What must hold: the dry run and the apply agree; the tree becomes what the session read and what git makes of the
 * shown diff; an undo gives back every byte and mode (histories/apply.ts); a refused call changes nothing and says what,
 * where and what next (ask.ts); states, counts, digests and events agree with the patches, and no byte of somebody's is
 * lost (invariants.ts); a restart changes no answer, and a crash leaves all of a call or nothing (ends.ts).
 *
 * IOPIPE_TEST_RUNS says how many are lived, IOPIPE_TEST_STEPS of how many commands at most. IOPIPE_TEST_SEED draws others;
 * with IOPIPE_TEST_PATH, printed beside it at a failure, it lives that one again. IOPIPE_TEST_SHRINK=1 looks for a shorter one, which takes minutes.
 */
import fc from "fast-check";
import { describe, test } from "vitest";
import { tally } from "./histories/ask.ts";
import { histories } from "./histories/commands.ts";
import { live } from "./histories/play.ts";
import { openScene, sharedStage } from "./scene.ts";

const FILES = {
  a: "a\n",
  "d/e/z": "z",
  "d/x": "x\n",
  "d/y": "y\nyy\n",
  "run.sh": "#!/bin/sh\n",
  "\u00c9": "composed\n",
};

const {
  IOPIPE_TEST_RUNS: runs = "4",
  IOPIPE_TEST_STEPS: steps = "24",
  IOPIPE_TEST_SEED: seed = "1",
  IOPIPE_TEST_PATH: path,
  IOPIPE_TEST_SHRINK: shrink,
} = process.env;

describe.each([
  ["stopped and started", false],
  ["killed and started", true],
])("a daemon that is %s", (_, killable) => {
  const stage = sharedStage({ killable });
  const property = fc.asyncProperty(histories(Number(steps)), async (history) => {
    await using scene = await openScene({ on: stage(), files: FILES });
    await live(scene, history);
  });
  test("holds what it promises", { timeout: 3_600_000 }, async () => {
    await fc.assert(property, {
      ...{ numRuns: Number(runs), seed: Number(seed), endOnFailure: shrink === undefined },
      // Else the first ones are short.
      unbiased: true,
      ...(path !== undefined && { path }),
    });
    console.log(`seed ${seed}: ${JSON.stringify(tally, Object.keys(tally).sort())}`);
  });
});
