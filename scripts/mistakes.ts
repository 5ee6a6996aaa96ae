/**
 * `node scripts/mistakes.ts [--from DIR]… [--mutated N] [--valid N]`: what the syntax check finds of the mistakes that
 * agents make, beside what parsers alone find, and what it finds wrong with valid files. Contents go through the real
 * parser process and the rule. `--from`: where the files are, default what is installed here.
 * Exits with 1 where it is worse than promised: 5 points below expected.ts, or 3 valid files refused.
 */
import path from "node:path";
import { parseArgs } from "node:util";
import { languageOf } from "../daemon/staging/syntax/language.ts";
import { startParserProcess } from "../daemon/staging/syntax/parser-process.ts";
import type { Report } from "../daemon/staging/syntax/report.ts";
import { judge, type Verdict } from "../daemon/staging/syntax/rule.ts";
import { chooseFiles, type Sample } from "./mistakes/corpus.ts";
import { MUTATIONS } from "./mistakes/mutations.ts";
import { randomFor } from "./mistakes/random.ts";
import { type Outcome, reportDetection, reportValid } from "./mistakes/report.ts";

const root = path.dirname(import.meta.dirname);
const SYSTEM = [
  "/usr/lib/python3",
  "/usr/lib/python3.11",
  "/usr/lib/python3.12",
  "/usr/share",
  "/usr/include",
];
const INSTALLED = [path.join(root, "node_modules"), ...SYSTEM];

const { values } = parseArgs({
  options: {
    from: { type: "string", multiple: true, default: INSTALLED },
    mutated: { type: "string", default: "100" },
    valid: { type: "string", default: "250" },
  },
});

const parser = startParserProcess({ jobMs: 20_000 });
const look = (text: string, language: string): Promise<Report> => parser.look(Buffer.from(text), language);
const verdictOn = (file: string, before: Report | undefined, after: Report): Verdict =>
  judge(languageOf(file) ?? { sure: false }, before, after);

/** Every mutation of one valid file, as an edit of it. Undefined where the file itself is not clean. */
async function mutate({ file, language, text }: Sample): Promise<Outcome[] | undefined> {
  const before = await look(text, language);
  if (before.parsed !== "clean" || before.errors.length > 0) return undefined;
  const outcomes: Outcome[] = [];
  for (const { name, only, notIn, mutate: change } of MUTATIONS) {
    if (notIn?.includes(language) || only?.includes(language) === false) continue;
    const mutated = change(text, randomFor(`${name} ${text}`), language);
    if (mutated === undefined || mutated === text) continue;
    const { diagnostics, refused } = verdictOn(file, before, await look(mutated, language));
    outcomes.push({ language, mutation: name, told: diagnostics.length > 0, refused });
  }
  return outcomes;
}

const samples = await chooseFiles(values.from, Number(values.valid));
const valid = [];
for (const sample of samples) {
  const { refused, status, diagnostics } = verdictOn(
    sample.file,
    undefined,
    await look(sample.text, sample.language),
  );
  valid.push({ file: sample.file, language: sample.language, refused, status, diagnostics });
}
const outcomes: Outcome[] = [];
const taken = new Map<string, number>();
for (const sample of samples) {
  const before = taken.get(sample.language) ?? 0;
  const found = before < Number(values.mutated) ? await mutate(sample) : undefined;
  if (!found) continue;
  taken.set(sample.language, before + 1);
  outcomes.push(...found);
}
await parser.close();
const isDetected = reportDetection(outcomes);
const isQuiet = reportValid(valid);
process.exitCode = isDetected && isQuiet ? 0 : 1;
