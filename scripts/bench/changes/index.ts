/**
 * Changes of 1 to 1,000 files. `changes` is what a client waits for over the socket: staging and diffing against git,
 * applying against git and against ways of writing files (writers.ts). `promotion` is the engine alone against the same.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { openStore } from "../../../daemon/store/index.ts";
import { makeDirectory } from "../../scratch/directory.ts";
import { withDaemon } from "../daemon.ts";
import { compareWithAll, type Row, type Side } from "../measure.ts";
import { engineSteps } from "./engine.ts";
import { gitSteps } from "./git.ts";
import { iopipeSteps } from "./iopipe.ts";
import type { Step, Steps } from "./steps.ts";
import { WRITERS, writerSteps } from "./writers.ts";

const CHANGED = [1, 10, 100];
const PROMOTED = [1, 10, 100, 1000];
const ROUNDS = 7;
/** For one file beside the least that a durable write takes: as warm as a daemon that has run for a while. */
const WARM_ROUNDS = 401;

export function changes(): Promise<Row[]> {
  return withDaemon(async ({ directory, connection }) => {
    const rows: Row[] = [];
    for (const count of CHANGED) {
      const ours = await iopipeSteps(count, join(directory, `ours-${count}`), connection);
      const [git, ...writers] = peersOf(count, directory) as [Steps, ...Steps[]];
      for (const step of ["stage", "diff"] as const) rows.push(...(await rowsOf(step, count, ours, [git])));
      rows.push(...(await rowsOf("apply", count, ours, [git, ...writers])));
    }
    return rows;
  });
}

export async function promotion(): Promise<Row[]> {
  const directory = makeDirectory();
  const state = join(directory, "state");
  mkdirSync(state);
  const store = openStore(state);
  const rows: Row[] = [];
  for (const count of PROMOTED) {
    const ours = engineSteps(count, join(directory, `ours-${count}`), store);
    const peers = peersOf(count, directory);
    // By themselves: what others leave unsynced, every fsync of one file has to write as well, and one of the two has more.
    if (count === 1) rows.push(...(await rowsOf("apply", count, ours, [peers.pop() as Steps], WARM_ROUNDS)));
    rows.push(...(await rowsOf("apply", count, ours, peers)));
  }
  store.close();
  return rows.map((row) => ({ ...row, what: row.what.replace("apply", "promote") }));
}

function peersOf(count: number, directory: string): Steps[] {
  const writers = WRITERS.map((writer, n) =>
    writerSteps(writer, count, join(directory, `writer-${n}-${count}`)),
  );
  return [gitSteps(count, join(directory, `git-${count}`)), ...writers];
}

function rowsOf(
  step: Step,
  count: number,
  ours: Steps,
  peers: readonly Steps[],
  rounds = ROUNDS,
): Promise<Row[]> {
  const what = `${step} ${count} file${count === 1 ? "" : "s"}`;
  return compareWithAll(
    what,
    side(ours, step),
    peers.map((peer) => side(peer, step)),
    rounds,
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
