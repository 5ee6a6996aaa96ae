/** Numbers and times in flags. */
import { UsageError } from "./failure.ts";

/** A flag's value as a whole number; undefined where it was not given. @throws {UsageError} outside `min`–`max`. */
export function wholeNumber(
  flag: string,
  text: string | undefined,
  min: number,
  max: number,
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new UsageError(`--${flag} ${text} is no whole number from ${min} to ${max}.`, "Give such a number.");
}

const UNITS_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
const LONGEST_MS = 86_400_000;

/** A flag's span of time in milliseconds; a number alone is of the unit `bare`. @throws {UsageError} outside `min` ms to a day */
export function duration(
  flag: string,
  text: string | undefined,
  { bare, min }: { bare: keyof typeof UNITS_MS; min: number },
): number | undefined {
  if (text === undefined) return undefined;
  const [, digits, unit = bare] = /^(\d{1,9})(ms|s|m|h)?$/.exec(text) ?? [];
  const value = Number(digits) * UNITS_MS[unit as keyof typeof UNITS_MS];
  if (value >= min && value <= LONGEST_MS) return value;
  throw new UsageError(`--${flag} ${text} is no time up to a day.`, "Say it as 500ms, 90s, 10m or 2h.");
}
