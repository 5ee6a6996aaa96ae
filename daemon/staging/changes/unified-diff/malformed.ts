/** What is wrong with a diff itself, whatever it is about. */
import { IopipeError } from "../../../../protocol/wire/errors.ts";

/** `line`: 0-based, of the diff; told to the sender 1-based, as `diffLine`. */
export function malformed(
  fact: string,
  { line, hint }: { line?: number | undefined; hint?: string } = {},
): IopipeError {
  const where = line === undefined ? "" : ` (line ${line + 1} of the diff)`;
  return new IopipeError("PatchMalformed", `The diff cannot be used: ${fact}${where}.`, {
    ...(line !== undefined && { diffLine: line + 1 }),
    ...(hint !== undefined && { hint }),
  });
}
