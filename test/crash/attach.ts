/**
 * Tracing a whole process: strace on those of its threads that matter, and what came of it.
 * Owns which threads these are. One strace is strace.ts.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Call, changes, type Injection, type Thread, trace } from "./strace.ts";

export interface Tortured {
  /** Where strace's output goes. */
  readonly scratch: string;
  /** Changes below these count. */
  readonly state: string;
  readonly root: string;
}

export interface Met {
  /** What was asked to happen and did not. */
  readonly missed: readonly Injection[];
  /** Every changing call in order, after the injected error where there is one. Only where they are recorded. */
  readonly calls: readonly Call[];
}

const THREADS: readonly Thread[] = ["main", "pool"];

/** Attaches to the threads for which something is injected, or to all to record them. `end` waits for the process's end. */
export async function attach(
  pid: number,
  { scratch, state, root }: Tortured,
  injections: readonly Injection[],
  record: boolean,
): Promise<{ end(): Promise<Met> }> {
  const tids = threadsOf(pid);
  const wanted = THREADS.map((thread) => ({
    thread,
    own: injections.filter((one) => one.thread === thread),
  }));
  const tracers = await Promise.all(
    wanted
      .filter(({ own }) => record || own.length > 0)
      .map(({ thread, own }) =>
        trace({
          thread,
          tid: tids[thread],
          file: join(scratch, `${thread}.strace`),
          injections: own,
          record,
        }),
      ),
  );
  const end = async (): Promise<Met> => {
    const traced = await Promise.all(tracers.map((tracer) => tracer.end()));
    const happened = new Set(traced.flatMap((one) => one.happened));
    const calls = traced.flatMap((one) => one.calls).sort((a, b) => a.at - b.at);
    const injected = calls.findIndex(({ line }) => line.includes("(INJECTED)"));
    return {
      missed: injections.filter((one) => !happened.has(one)),
      calls: record ? calls.slice(injected + 1).filter((call) => changes(call, [state, root])) : [],
    };
  };
  return { end };
}

/** Thread ids. @throws where the pool has not exactly one thread (UV_THREADPOOL_SIZE=1, and started) */
function threadsOf(pid: number): Readonly<Record<Thread, number>> {
  const tasks = `/proc/${pid}/task`;
  const pool = readdirSync(tasks).filter(
    (tid) => readFileSync(`${tasks}/${tid}/comm`, "utf8").trim() === "libuv-worker",
  );
  if (pool.length !== 1)
    throw new Error(`Process ${pid} has ${pool.length} threads named libuv-worker, not 1.`);
  return { main: pid, pool: Number(pool[0]) };
}

/** Makes calls countable: in one thread of the pool, and none of them by way of io_uring. */
export const COUNTABLE = { UV_USE_IO_URING: "0", UV_THREADPOOL_SIZE: "1" };
