/** From bytes to a report: is it text, what do the text checks say, what does the parser. */
import { parse } from "./parsers/index.ts";
import { MAX_FINDINGS, type Report, unknown } from "./report.ts";
import { checkText, readText } from "./text-checks.ts";

/** @throws {unknown} what a parser throws, but for too deep a recursion */
export async function look(bytes: Uint8Array, language: string): Promise<Report> {
  const text = readText(bytes);
  if (text === undefined) return unknown("It is not UTF-8 text.");
  const checked = checkText(text, language);
  const parsed = await parse(text, language).catch((error: unknown) => {
    if (error instanceof RangeError) return unknown("It is nested too deep.");
    throw error;
  });
  return {
    ...checked,
    ...parsed,
    errors: [...checked.errors, ...parsed.errors].slice(0, MAX_FINDINGS),
    warnings: [...checked.warnings, ...(parsed.warnings ?? [])].slice(0, MAX_FINDINGS),
  };
}
