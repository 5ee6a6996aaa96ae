/** Bounded concurrency for work on many patches. */

/** Under way at once: enough to keep the diff workers busy, few enough to hold their bytes in memory. */
const AT_ONCE = 16;

/** Maps in order, `AT_ONCE` at a time; rejects with the first failure. */
export async function inChunks<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += AT_ONCE)
    results.push(...(await Promise.all(items.slice(at, at + AT_ONCE).map(work))));
  return results;
}
