/** From bytes to a report: is it text, what do the text checks say, what does the parser. */
import { parse } from "./parsers/index.ts";
import { type Finding, MAX_FINDINGS, type Parsed, type Report, unknown } from "./report.ts";
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
    errors: [...withoutBundles(checked.errors, { text, language, parsed }), ...parsed.errors].slice(
      0,
      MAX_FINDINGS,
    ),
    warnings: [...checked.warnings, ...(parsed.warnings ?? [])].slice(0, MAX_FINDINGS),
  };
}

const BUNDLED = new Set(["javascript", "typescript", "tsx", "declarations"]);

/** A comment that a written-out line end does not end: all of the code behind it is part of it. */
const SWALLOWING = /^\s*(?:\/\/|#!).*\\n/m;

/** A bundle of one line has its strings' line ends written out, as it should; code that is none would not parse. */
function withoutBundles(
  errors: readonly Finding[],
  { text, language, parsed }: { text: string; language: string; parsed: Parsed },
): readonly Finding[] {
  if (parsed.parsed !== "clean" || !BUNDLED.has(language) || SWALLOWING.test(text)) return errors;
  return errors.filter(({ check }) => check !== "escaped-newlines");
}
