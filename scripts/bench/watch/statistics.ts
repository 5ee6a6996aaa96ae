/** Of a list of times: percentiles by the nearest rank, and how many were lost (Infinity). */

export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}

export const lost = (values: readonly number[]): number =>
  values.filter((value) => value === Number.POSITIVE_INFINITY).length;
