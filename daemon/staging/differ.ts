/**
 * The differ: computes diffs in worker threads, so that none of them stalls the event loop.
 * Owns the threads and the queue. What a diff is, is diff/content.ts'.
 * Failure: a thread that dies or is silent for TIMEOUT_MS is replaced, and its job is done again coarsely, once.
 * Deterministic but for that: the time limit is a net below the differ's own budgets, which count steps.
 */
import { Worker } from "node:worker_threads";
import { IopipeError } from "../../protocol/wire/errors.ts";
import type { BlobSource } from "../store/index.ts";
import type { ContentDiff, DiffJob } from "./diff/content.ts";

/** Far above any measured job under the budgets (some 100 ms for 64 MiB on a slow machine). */
const TIMEOUT_MS = 10_000;

/** Jobs that wait. Callers keep few under way each; more means too many callers. */
const MAX_QUEUED = 1000;

export type Job = DiffJob<BlobSource>;

export interface Differ {
  /** @throws {IopipeError} Busy with a full queue, Timeout when even the coarse diff took too long */
  diff(job: Job): Promise<ContentDiff>;
  /** Ends the threads; diffs under way fail with ShuttingDown. */
  close(): Promise<void>;
}

interface Task {
  readonly job: Job;
  readonly resolve: (diff: ContentDiff) => void;
  readonly reject: (error: Error) => void;
}

type Answer = { readonly diff: ContentDiff } | { readonly failed: string };

/** `start` and `timeoutMs` are for tests. Threads start with the first jobs and never keep the process alive. */
export function startDiffer({
  workers,
  start = startWorker,
  timeoutMs = TIMEOUT_MS,
}: {
  workers: number;
  start?: () => Worker;
  timeoutMs?: number;
}): Differ {
  const idle: Worker[] = [];
  const busy = new Map<Worker, Task>();
  const queue: Task[] = [];
  let closed = false;

  const next = (): void => {
    while (queue.length > 0 && busy.size < workers) {
      const worker = idle.pop() ?? start();
      run(worker, queue.shift() as Task);
    }
  };

  const run = (worker: Worker, task: Task): void => {
    busy.set(worker, task);
    worker.ref();
    const end = (settle: () => void, reusable: boolean): void => {
      clearTimeout(timer);
      worker.removeAllListeners();
      busy.delete(worker);
      // A thread that nobody listens to would take the process along when it fails.
      worker.on("error", () => undefined);
      if (reusable && !closed) rest(worker);
      else void worker.terminate();
      settle();
      next();
    };
    const again = (kind: "Timeout" | "InternalError", why: string): void =>
      end(() => {
        if (closed) task.reject(shuttingDown());
        else if (task.job.coarse)
          task.reject(new IopipeError(kind, `The diff could not be computed: ${why}.`));
        else queue.unshift({ ...task, job: { ...task.job, coarse: true } });
      }, false);
    const timer = setTimeout(() => again("Timeout", `it took over ${timeoutMs} ms`), timeoutMs);
    worker.once("message", (answer: Answer) => {
      if ("diff" in answer) end(() => task.resolve(answer.diff), true);
      else again("InternalError", answer.failed);
    });
    worker.once("error", (error) => again("InternalError", String(error)));
    worker.once("exit", (code) => again("InternalError", `its thread ended with ${code}`));
    worker.postMessage(task.job);
  };

  const rest = (worker: Worker): void => {
    worker.unref();
    worker.once("exit", () => {
      const at = idle.indexOf(worker);
      if (at !== -1) idle.splice(at, 1);
    });
    idle.push(worker);
  };

  return {
    diff: (job) =>
      new Promise((resolve, reject) => {
        if (closed) return reject(shuttingDown());
        if (queue.length >= MAX_QUEUED)
          return reject(new IopipeError("Busy", `${MAX_QUEUED} diffs are waiting.`));
        queue.push({ job, resolve, reject });
        next();
      }),
    close: async () => {
      closed = true;
      for (const { reject } of queue.splice(0)) reject(shuttingDown());
      await Promise.all([...idle, ...busy.keys()].map((worker) => worker.terminate()));
    },
  };
}

function startWorker(): Worker {
  return new Worker(new URL("./diff-worker.ts", import.meta.url));
}

function shuttingDown(): IopipeError {
  return new IopipeError("ShuttingDown", "The differ is closed.");
}
