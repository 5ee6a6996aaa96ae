/** Watching over a daemon while it works for somebody else: how long its status takes, and its memory (observer.ts). */
import { Worker } from "node:worker_threads";

export interface Observer {
  /** The slowest answer since this was last asked, in ms. */
  slowest(): Promise<number>;
  /** By how many bytes the daemon's memory has grown at most, from the observer's start. */
  growth(): number;
  stop(): Promise<void>;
}

/** Asks for the daemon's status all the time, on a connection and in a thread of its own. */
export async function startObserver(env: NodeJS.ProcessEnv): Promise<Observer> {
  const seen = new Float64Array(new SharedArrayBuffer(4 * Float64Array.BYTES_PER_ELEMENT));
  const worker = new Worker(new URL("./observer.ts", import.meta.url), { workerData: { env, seen } });
  const asked = async (times: number): Promise<void> => {
    const until = (seen[3] as number) + times;
    while ((seen[3] as number) < until) await new Promise((resolve) => setTimeout(resolve, 2));
  };
  await asked(1);
  return {
    slowest: async () => {
      await asked(2);
      const [slowest = 0] = seen;
      seen[0] = 0;
      return slowest;
    },
    growth: () => (seen[2] as number) - (seen[1] as number),
    stop: async () => void (await worker.terminate()),
  };
}
