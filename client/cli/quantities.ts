/** Times and sizes as a person reads them. */

const TIMES: readonly (readonly [ms: number, unit: string])[] = [
  [86_400_000, "day"],
  [3_600_000, "hour"],
  [60_000, "minute"],
  [1000, "second"],
];

/** A span of time in the largest unit that it has at least two of, else its one: "30 days", "24 hours". */
export function span(ms: number): string {
  const [size, unit] = TIMES.find(([each]) => ms >= 2 * each) ??
    TIMES.find(([each]) => ms >= each) ?? [1, "ms"];
  const value = Math.round(ms / size);
  return unit === "ms" ? `${value} ms` : `${value} ${unit}${value === 1 ? "" : "s"}`;
}

const SIZES: readonly (readonly [bytes: number, unit: string])[] = [
  [2 ** 30, "GiB"],
  [2 ** 20, "MiB"],
  [2 ** 10, "KiB"],
];

/** Bytes with at most one decimal: "1 GiB", "12.5 KiB", "3 B". */
export function volume(bytes: number): string {
  const [size, unit] = SIZES.find(([each]) => bytes >= each) ?? [1, "B"];
  return `${Math.round((bytes / size) * 10) / 10} ${unit}`;
}

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};

/** Bytes of a size as people write it: `500MiB`; undefined where it is none. */
export function parseVolume(text: string): number | undefined {
  const [, digits, unit = ""] = /^(\d{1,15})([KMGT]iB|B)?$/.exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits) * (UNITS[unit] as number);
}
