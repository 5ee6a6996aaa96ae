/**
 * The differ: computes diffs and merges in worker threads, so that none of them stalls the event loop.
 * What a diff is, is diff/content.ts'; what a merge is, merge/contents.ts'; the threads are threads.ts'.
 * Deterministic but for one thing: the time limit is a net below the differ's own budgets, which count steps.
 */
import { Worker } from "node:worker_threads";
import type { BlobSource } from "../store/index.ts";
import type { ContentDiff, DiffJob } from "./diff/content.ts";
import type { Merged, MergeJob } from "./merge/contents.ts";
import { startThreads, type Threads } from "./threads.ts";

/** Far above any measured job under the budgets (some 100 ms for 64 MiB on a slow machine). */
const TIMEOUT_MS = 10_000;

/** What the worker takes. */
export type Job = DiffJob<BlobSource> | MergeJob<BlobSource>;

export interface Differ {
  /** @throws {IopipeError} see Threads.run */
  diff(job: DiffJob<BlobSource>): Promise<ContentDiff>;
  /** @throws {IopipeError} see Threads.run */
  merge(job: MergeJob<BlobSource>): Promise<Merged<Uint8Array>>;
  /** Ends the threads; what is under way fails with ShuttingDown. */
  close(): Promise<void>;
}

/** `start` and `timeoutMs` are for tests. */
export function startDiffer({
  workers,
  start = startWorker,
  timeoutMs = TIMEOUT_MS,
}: {
  workers: number;
  start?: () => Worker;
  timeoutMs?: number;
}): Differ {
  const { run, close }: Threads<Job> = startThreads({ workers, start, timeoutMs });
  return {
    diff: async (job) => (await run(job)) as ContentDiff,
    merge: async (job) => (await run(job)) as Merged<Uint8Array>,
    close,
  };
}

/** Lines that make the differ walk all of its ways for long enough that they are compiled: about 200 ms. */
const WARM_UP_LINES = 10_000;
const WARM_UP_ROUNDS = 4;

/** Diffs of no use but to start a thread and have its code compiled: the first ones take several times as long. */
export async function warmUp(differ: Differ): Promise<void> {
  const content = (step: number): BlobSource => {
    const line = (n: number) => `line ${n % 3 === 0 ? n * step : (n * step) % 50}\n`;
    return { bytes: Buffer.from(Array.from({ length: WARM_UP_LINES }, (_, n) => line(n)).join("")) };
  };
  const job = { old: content(7), now: content(9), detail: "unified", context: 3 } as const;
  for (let round = 0; round < WARM_UP_ROUNDS; round++) await differ.diff(job);
}

function startWorker(): Worker {
  return new Worker(new URL("./diff-worker.ts", import.meta.url));
}
