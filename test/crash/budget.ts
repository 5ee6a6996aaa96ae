/**
 * The time that a run may take, shared out among its sweeps: where others use the machine too, each comes to fewer of its
 * points, instead of the last ones to none. What was left out is in the table.
 */

/** Of the quarter of an hour that it must end within. */
export const BUDGET_MS = 11.5 * 60_000;

/** So many are tried whatever the time is. */
const AT_LEAST = 3;

/** Whether there is time for one more point; asked before each. */
export type Fits = () => boolean;

/** For each of `costs` (in any unit), which are run one after the other: what one does not need is the others'. */
export function shareOut(costs: readonly number[], budgetMs: number): Fits[] {
  const [started, total] = [Date.now(), costs.reduce((sum, cost) => sum + cost, 0)];
  let spent = 0;
  return costs.map((cost) => {
    spent += cost;
    const until = started + (budgetMs * spent) / total;
    let begun = 0;
    return () => begun++ < AT_LEAST || Date.now() < until;
  });
}

/** In an order in which the first ones, however many, lie evenly among all. Source: the golden ratio's multiples. */
export function spread<T>(list: readonly T[]): T[] {
  const key = (at: number): number => (at * 0.618_033_988_749_895) % 1;
  return list
    .map((one, at) => ({ one, key: key(at) }))
    .sort((a, b) => a.key - b.key)
    .map(({ one }) => one);
}
