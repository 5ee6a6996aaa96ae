/**
 * Turns: work that must not interleave runs one after the other, in the order it was asked for.
 * Owns no work and no timeout; a work that fails does not stop the next.
 */

export type Serial = <T>(work: () => Promise<T>, signal?: AbortSignal) => Promise<T>;

/** A queue of its own. `signal` gives up the wait, never a work that has begun. */
export function serial(): Serial {
  let tail: Promise<unknown> = Promise.resolve();
  return (work, signal) => {
    const turn = tail.then(() => {
      signal?.throwIfAborted();
      return work();
    });
    tail = turn.catch(() => undefined);
    return turn;
  };
}

/** One queue a key; a queue is forgotten when it is empty. */
export function serialBy(): <T>(key: string, work: () => Promise<T>, signal?: AbortSignal) => Promise<T> {
  const queues = new Map<string, { run: Serial; waiting: number }>();
  return async (key, work, signal) => {
    const queue = queues.get(key) ?? { run: serial(), waiting: 0 };
    queues.set(key, queue);
    queue.waiting++;
    try {
      return await queue.run(work, signal);
    } finally {
      if (--queue.waiting === 0) queues.delete(key);
    }
  };
}
