/** Bounded concurrency: for work on many files that mostly waits, for the disk, for an fsync, for a worker. */

/** Under way at once: enough to keep the disk and the workers busy, few enough to hold a piece of each file in memory. */
const AT_ONCE = 16;

/**
 * Maps in order, `AT_ONCE` at a time.
 *
 * After a failure nothing more is begun, and it rejects with the first one once all that was begun has ended: whoever
 * cleans up then finds nobody still at work.
 */
export async function inParallel<T, R>(items: readonly T[], work: (item: T) => R | Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const failures: unknown[] = [];
  let next = 0;
  const workOff = async (): Promise<void> => {
    while (next < items.length && failures.length === 0) {
      const at = next++;
      try {
        results[at] = await work(items[at] as T);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, workOff));
  if (failures.length > 0) throw failures[0];
  return results;
}
