/** Numbers in flags. */
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
