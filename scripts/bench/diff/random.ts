/** Numbers that look random and are the same in every run. */

/** A whole number from 0 up to, not including, `below`. */
export type Random = (below: number) => number;

/** mulberry32. */
export function seeded(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** `items` in another order. */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const order = [...items];
  for (let n = order.length - 1; n > 0; n--) {
    const other = random(n + 1);
    [order[n], order[other]] = [order[other] as T, order[n] as T];
  }
  return order;
}
