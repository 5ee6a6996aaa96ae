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

type Job = DiffJob<BlobSource>;

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

interface Thread {
  readonly worker: Worker;
  /** Under way; absent while it rests. */
  task?: Task | undefined;
  timer?: NodeJS.Timeout | undefined;
}

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
  const threads = new Set<Thread>();
  const queue: Task[] = [];
  let closed = false;

  const next = (): void => {
    while (queue.length > 0) {
      const free = [...threads].find(({ task }) => task === undefined);
      if (!free && threads.size >= workers) return;
      run(free ?? startThread(), queue.shift() as Task);
    }
  };
  const run = (thread: Thread, task: Task): void => {
    thread.task = task;
    thread.timer = setTimeout(() => replace(thread, "Timeout", `it took over ${timeoutMs} ms`), timeoutMs);
    thread.worker.ref();
    thread.worker.postMessage(task.job);
  };
  const rest = (thread: Thread): Task | undefined => {
    const { task } = thread;
    clearTimeout(thread.timer);
    thread.task = undefined;
    thread.worker.unref();
    return task;
  };
  /** Gives up a thread; its job is tried once more, coarsely. */
  const replace = (thread: Thread, kind: "Timeout" | "InternalError", why: string): void => {
    if (!threads.delete(thread)) return;
    const task = rest(thread);
    void thread.worker.terminate();
    if (task && closed) task.reject(shuttingDown());
    else if (task?.job.coarse) task.reject(new IopipeError(kind, `The diff could not be computed: ${why}.`));
    else if (task) queue.unshift({ ...task, job: { ...task.job, coarse: true } });
    if (!closed) next();
  };
  const startThread = (): Thread => {
    const thread: Thread = { worker: start() };
    threads.add(thread);
    thread.worker.on("message", (answer: Answer) => {
      if ("failed" in answer) return replace(thread, "InternalError", answer.failed);
      rest(thread)?.resolve(answer.diff);
      next();
    });
    thread.worker.on("error", (error) => replace(thread, "InternalError", String(error)));
    thread.worker.on("exit", (code) => replace(thread, "InternalError", `its thread ended with ${code}`));
    return thread;
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
      await Promise.all([...threads].map(({ worker }) => worker.terminate()));
    },
  };
}

/** Lines that make the differ walk all of its ways for long enough that they are compiled: about 200 ms. */
const WARM_UP_LINES = 10_000;
const WARM_UP_ROUNDS = 4;

/** Diffs of no use but to start a thread and have its code compiled: the first ones take several times as long. */
export async function warmUp(differ: Differ): Promise<void> {
  const content = (step: number) =>
    Array.from({ length: WARM_UP_LINES }, (_, n) => `line ${n % 3 === 0 ? n * step : (n * step) % 50}\n`);
  const [old, now] = [content(7), content(9)].map((lines) => ({ bytes: Buffer.from(lines.join("")) })) as [
    BlobSource,
    BlobSource,
  ];
  for (let round = 0; round < WARM_UP_ROUNDS; round++)
    await differ.diff({ old, now, detail: "unified", context: 3 });
}

function startWorker(): Worker {
  return new Worker(new URL("./diff-worker.ts", import.meta.url));
}

function shuttingDown(): IopipeError {
  return new IopipeError("ShuttingDown", "The differ is closed.");
}
