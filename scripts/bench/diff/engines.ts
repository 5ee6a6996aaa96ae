/**
 * The differ in its worker, and its peers: each gives the times of some runs of one pair, in milliseconds. Ours also
 * gives the processor's time, threads included: on a busy machine that is what it would take on a quiet one.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { Differ } from "../../../daemon/staging/differ.ts";
import { git } from "../../scratch/git.ts";
import type { TextPair } from "./worst.ts";

/** Runs of ours: each is computed anew, there is no cache. */
const RUNS = 5;
const GIT_RUNS = 3;

/** As the store gives contents to the worker: larger ones as files. */
const IN_MEMORY_BYTES = 256 * 1024;

export interface Times {
  readonly wall: readonly number[];
  /** Of this process alone. */
  readonly cpu: readonly number[];
}

export type Engine = (pair: TextPair, directory: string) => Promise<Times>;

export const ours =
  (differ: Differ): Engine =>
  (pair, directory) => {
    const { old, now } = layOut(pair, directory);
    const source = (path: string, text: string) =>
      Buffer.byteLength(text) > IN_MEMORY_BYTES ? { path } : { bytes: Buffer.from(text) };
    return times(RUNS, () =>
      differ.diff({ old: source(old, pair.old), now: source(now, pair.now), detail: "unified", context: 3 }),
    );
  };

export const gitDiff: Engine = (pair, directory) => {
  const { old, now } = layOut(pair, directory);
  const differs = { 1: true };
  return times(GIT_RUNS, () =>
    git(directory, ["diff", "--no-index", old, now]).catch((error: { code?: keyof typeof differs }) => {
      if (!error.code || !differs[error.code]) throw error;
    }),
  );
};

/** One run, given up after `capMs`: that is its time then. */
export const structuredPatch =
  (capMs: number): Engine =>
  ({ old, now }) =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL("./structured-patch.ts", import.meta.url), {
        workerData: { old, now },
      });
      const end = (time: number): void => {
        clearTimeout(timer);
        void worker.terminate();
        resolve({ wall: [time], cpu: [] });
      };
      const timer = setTimeout(() => end(capMs), capMs);
      worker.once("message", end).once("error", reject);
    });

function layOut(pair: TextPair, directory: string): { old: string; now: string } {
  const files = { old: join(directory, "old"), now: join(directory, "now") };
  writeFileSync(files.old, pair.old);
  writeFileSync(files.now, pair.now);
  return files;
}

async function times(runs: number, run: () => Promise<unknown>): Promise<Times> {
  const [wall, cpu]: [number[], number[]] = [[], []];
  for (let n = 0; n < runs; n++) {
    const [began, used] = [performance.now(), process.cpuUsage()];
    await run();
    wall.push(performance.now() - began);
    const { user, system } = process.cpuUsage(used);
    cpu.push((user + system) / 1000);
  }
  return { wall, cpu };
}
