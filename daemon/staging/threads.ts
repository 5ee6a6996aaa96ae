/**
 * Worker threads for jobs that would stall the event loop.
 * Owns the threads and the queue. What a job is, is the worker's and differ.ts'.
 * Failure: a thread that dies or is silent for too long is replaced, and its job is done again coarsely, once.
 */
import type { Worker } from "node:worker_threads";
import { IopipeError } from "../../protocol/wire/errors.ts";

/** Jobs that wait. Callers keep few under way each; more means too many callers. */
const MAX_QUEUED = 1000;

/** What a worker takes. One that is coarse takes no time to speak of, whatever it is about. */
export interface ThreadJob {
  readonly coarse?: boolean;
}

export interface Threads<Job extends ThreadJob> {
  /**
   * The worker's answer.
   *
   * @throws {IopipeError} Busy with a full queue, Timeout or InternalError when the coarse job too came to nothing,
   * ShuttingDown when closed
   */
  run(job: Job): Promise<unknown>;
  close(): Promise<void>;
}

export interface ThreadOptions {
  /** How many, at most; they start with the first jobs, and never keep the process alive. */
  readonly workers: number;
  readonly start: () => Worker;
  readonly timeoutMs: number;
}

interface Task<Job> {
  readonly job: Job;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

type Answer = { readonly result: unknown } | { readonly failed: string };

interface Thread<Job> {
  readonly worker: Worker;
  /** Under way; absent while it rests. */
  task?: Task<Job> | undefined;
  timer?: NodeJS.Timeout | undefined;
}

export function startThreads<Job extends ThreadJob>({
  workers,
  start,
  timeoutMs,
}: ThreadOptions): Threads<Job> {
  const threads = new Set<Thread<Job>>();
  const queue: Task<Job>[] = [];
  let closed = false;

  const next = (): void => {
    while (queue.length > 0) {
      const free = [...threads].find(({ task }) => task === undefined);
      if (!free && threads.size >= workers) return;
      work(free ?? startThread(), queue.shift() as Task<Job>);
    }
  };
  const work = (thread: Thread<Job>, task: Task<Job>): void => {
    thread.task = task;
    thread.timer = setTimeout(() => replace(thread, "Timeout", `it took over ${timeoutMs} ms`), timeoutMs);
    thread.worker.ref();
    thread.worker.postMessage(task.job);
  };
  const rest = (thread: Thread<Job>): Task<Job> | undefined => {
    const { task } = thread;
    clearTimeout(thread.timer);
    thread.task = undefined;
    thread.worker.unref();
    return task;
  };
  /** Gives up a thread; its job is tried once more, coarsely. */
  const replace = (thread: Thread<Job>, kind: "Timeout" | "InternalError", why: string): void => {
    if (!threads.delete(thread)) return;
    const task = rest(thread);
    void thread.worker.terminate();
    if (task && closed) task.reject(shuttingDown());
    else if (task?.job.coarse) task.reject(new IopipeError(kind, `The diff could not be computed: ${why}.`));
    else if (task) queue.unshift({ ...task, job: { ...task.job, coarse: true } });
    if (!closed) next();
  };
  const startThread = (): Thread<Job> => {
    const thread: Thread<Job> = { worker: start() };
    threads.add(thread);
    thread.worker.on("message", (answer: Answer) => {
      if ("failed" in answer) return replace(thread, "InternalError", answer.failed);
      rest(thread)?.resolve(answer.result);
      next();
    });
    thread.worker.on("error", (error) => replace(thread, "InternalError", String(error)));
    thread.worker.on("exit", (code) => replace(thread, "InternalError", `its thread ended with ${code}`));
    return thread;
  };

  return {
    run: (job) =>
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

function shuttingDown(): IopipeError {
  return new IopipeError("ShuttingDown", "The differ is closed.");
}
