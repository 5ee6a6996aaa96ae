/**
 * Changes of 1 to 1,000 files: staging and diffing against git, applying against git and against ways of writing files
 * (writers.ts), of which the last does the least that a durable change takes.
 */
import { join } from "node:path";
import { withDaemon } from "../daemon.ts";
import { compareWithAll, type Row, type Side } from "../measure.ts";
import { gitSteps } from "./git.ts";
import { iopipeSteps } from "./iopipe.ts";
import type { Step, Steps } from "./steps.ts";
import { WRITERS, writerSteps } from "./writers.ts";

const COUNTS = [1, 10, 100];
const ROUNDS = 7;

export function changes(): Promise<Row[]> {
  return withDaemon(async ({ directory, connection }) => {
    const rows: Row[] = [];
    for (const count of COUNTS) {
      const ours = await iopipeSteps(count, join(directory, `ours-${count}`), connection);
      const git = gitSteps(count, join(directory, `git-${count}`));
      for (const step of ["stage", "diff"] as const) rows.push(...(await rowsOf(step, count, ours, [git])));
    }
    return rows;
  });
}

const PROMOTED = [1, 10, 100, 1000];

export function promotion(): Promise<Row[]> {
  return withDaemon(async ({ directory, connection }) => {
    const rows: Row[] = [];
    for (const count of PROMOTED) {
      const ours = await iopipeSteps(count, join(directory, `ours-${count}`), connection);
      const writers = WRITERS.map((writer, n) =>
        writerSteps(writer, count, join(directory, `writer-${count}-${n}`)),
      );
      const git = gitSteps(count, join(directory, `git-${count}`));
      rows.push(...(await rowsOf("apply", count, ours, [...writers, git])));
    }
    return rows;
  });
}

function rowsOf(step: Step, count: number, ours: Steps, peers: readonly Steps[]): Promise<Row[]> {
  const what = `${step} ${count} file${count === 1 ? "" : "s"}`;
  return compareWithAll(
    what,
    side(ours, step),
    peers.map((peer) => side(peer, step)),
    ROUNDS,
  );
}

/** One step as a side of a comparison: those before it are done first, and everything is put back afterwards. */
function side(steps: Steps, step: Step): Side {
  return {
    name: steps.names[step] ?? step,
    before: async (round) => {
      await steps.toStage?.(round);
      if (step !== "stage") await steps.stage(round);
      if (step === "apply") await steps.toApply?.(round);
    },
    run: (round) => steps[step]?.(round),
    after: steps.reset,
  };
}
