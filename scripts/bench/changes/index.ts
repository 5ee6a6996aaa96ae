/** Staging, diffing and applying changes of 1, 10 and 100 files, against git and against plain durable writes. */
import { join } from "node:path";
import { withDaemon } from "../daemon.ts";
import { compare, type Row, type Side } from "../measure.ts";
import { gitSteps } from "./git.ts";
import { iopipeSteps } from "./iopipe.ts";
import { plainSteps } from "./plain.ts";
import type { Step, Steps } from "./steps.ts";

const COUNTS = [1, 10, 100];
const ROUNDS = 7;
const STEPS = ["stage", "diff", "apply"] as const;

export function changes(): Promise<Row[]> {
  return withDaemon(async ({ directory, connection }) => {
    const rows: Row[] = [];
    for (const count of COUNTS) {
      const ours = await iopipeSteps(count, join(directory, `ours-${count}`), connection);
      const peers = [
        gitSteps(count, join(directory, `git-${count}`)),
        plainSteps(count, join(directory, `plain-${count}`)),
      ];
      for (const step of STEPS) {
        const what = `${step} ${count} file${count === 1 ? "" : "s"}`;
        for (const peer of peers.filter(({ names }) => names[step] !== undefined))
          rows.push(await compare(what, side(ours, step), side(peer, step), ROUNDS));
      }
    }
    return rows;
  });
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
