/** The tables that scripts/mistakes.ts prints, and whether they are what was promised. */
import type { Verdict } from "../../daemon/staging/syntax/rule.ts";
import { EXPECTED, GROUPS, groupOf } from "./expected.ts";
import { MUTATIONS } from "./mutations.ts";

export interface Outcome {
  readonly language: string;
  readonly mutation: string;
  /** Anything was said of it, to whoever stages. */
  readonly told: boolean;
  /** An apply is refused. */
  readonly refused: boolean;
}

export interface Valid extends Verdict {
  readonly file: string;
  readonly language: string;
}

/** Points that one seed of so few files may be below. */
const TOLERANCE = 5;
const MOST_REFUSED = 3;

/**
 * Prints what was found of the mutations. False where a share is more than TOLERANCE below the best parser's; of a range,
 * where a language's share is so much below the worst of those languages.
 */
export function reportDetection(outcomes: readonly Outcome[]): boolean {
  const languages = new Set(outcomes.map(({ language }) => language));
  print(
    `${outcomes.length} mutated files in ${languages.size} languages: told of, in % (refused); the best parser alone`,
  );
  print(row("", ...GROUPS));
  for (const { name } of MUTATIONS) {
    const cells = GROUPS.map((group, at) => {
      const some = outcomes.filter((each) => each.mutation === name && groupOf(each.language) === group);
      return cellOf(some, EXPECTED[name]?.[at]);
    });
    print(row(name, ...cells));
  }
  print("");
  printLanguages(outcomes, languages);
  const below = [...languages].flatMap((language) => belowOf(outcomes, language));
  print(`more than ${TOLERANCE} points below: ${below.length === 0 ? "none" : below.join(", ")}`);
  return below.length === 0;
}

/** The mutations of which too few are told; those of the languages of one group together. */
function belowOf(outcomes: readonly Outcome[], language: string): string[] {
  const group = groupOf(language);
  return MUTATIONS.flatMap(({ name }) => {
    const expected = EXPECTED[name]?.[GROUPS.indexOf(group)];
    const isOne = typeof expected === "number";
    const least = isOne ? expected : expected?.[0];
    const some = outcomes.filter(
      (each) =>
        each.mutation === name && (isOne ? groupOf(each.language) === group : each.language === language),
    );
    return least !== undefined && some.length > 0 && toldOf(some) < least - TOLERANCE
      ? `${name} (${language})`
      : [];
  });
}

function cellOf(
  outcomes: readonly Outcome[],
  expected: number | readonly [number, number] | undefined,
): string {
  if (outcomes.length === 0) return "–";
  const beside = expected === undefined ? "–" : typeof expected === "number" ? expected : expected.join("–");
  return `${shares(outcomes)}  ${beside}`;
}

function printLanguages(outcomes: readonly Outcome[], languages: ReadonlySet<string>): void {
  print(row("by language", ...MUTATIONS.map(({ name }) => name)));
  for (const language of languages) {
    const cells = MUTATIONS.map(({ name }) => {
      const some = outcomes.filter((each) => each.mutation === name && each.language === language);
      return some.length === 0 ? "–" : shares(some);
    });
    print(row(language, ...cells));
  }
}

function shares(outcomes: readonly Outcome[]): string {
  return `${Math.round(toldOf(outcomes))} (${Math.round(share(outcomes, ({ refused }) => refused))})`;
}

function toldOf(outcomes: readonly Outcome[]): number {
  return share(outcomes, ({ told }) => told);
}

function share(outcomes: readonly Outcome[], is: (outcome: Outcome) => boolean): number {
  return (100 * outcomes.filter(is).length) / outcomes.length;
}

/** Prints what valid files, staged as new ones, are called. False where MOST_REFUSED or more would be refused. */
export function reportValid(files: readonly Valid[]): boolean {
  print(`\n${files.length} valid files as new ones`);
  print(row("", "files", "ok", "told of", "refused"));
  for (const language of new Set(files.map((each) => each.language))) {
    const some = files.filter((each) => each.language === language);
    const told = some.filter(({ diagnostics }) => diagnostics.length > 0).length;
    const count = (is: (each: Valid) => boolean) => some.filter(is).length;
    print(
      row(
        language,
        some.length,
        count(({ status }) => status === "ok"),
        told,
        count(({ refused }) => refused),
      ),
    );
  }
  const refused = files.filter((each) => each.refused);
  print(`refused although valid: ${refused.length} of ${files.length}`);
  for (const { file, diagnostics } of refused)
    print(`  ${file}:${diagnostics[0]?.line}: ${diagnostics[0]?.check}: ${diagnostics[0]?.message}`);
  return refused.length < MOST_REFUSED;
}

const COLUMN = 19;

function row(first: string, ...cells: readonly (string | number)[]): string {
  return [first.padEnd(COLUMN), ...cells.map((cell) => String(cell).padEnd(COLUMN))].join(" ").trimEnd();
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
