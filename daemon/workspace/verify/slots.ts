/** Slots: at most so many works at once, the others in their order of asking. Owns no work. */

export type Slots = <T>(work: () => Promise<T>, signal: AbortSignal) => Promise<T>;

/** `signal` gives up the wait; what a work makes of it is its own. */
export function slots(limit: number): Slots {
  const waiting: (() => void)[] = [];
  let free = limit;
  const wait = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const abort = (): void => {
        waiting.splice(waiting.indexOf(go), 1);
        reject(signal.reason as Error);
      };
      const go = (): void => {
        signal.removeEventListener("abort", abort);
        resolve();
      };
      waiting.push(go);
      signal.addEventListener("abort", abort, { once: true });
    });
  return async (work, signal) => {
    signal.throwIfAborted();
    if (free > 0) free -= 1;
    else await wait(signal);
    try {
      return await work();
    } finally {
      // Handed on, so that nobody who comes now is before those who wait.
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
}
