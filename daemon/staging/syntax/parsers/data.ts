/** Languages of data: JSON with and without comments, YAML, TOML. In JavaScript; what nests too deep throws. */
import { type ParseError, parse as parseJsonc, printParseErrorCode } from "jsonc-parser";
import { parse as parseTomlText, TomlError } from "smol-toml";
import { parseAllDocuments, type YAMLError } from "yaml";
import { broken, CLEAN, type Finding, MAX_FINDINGS, type Parsed, positionAt } from "../report.ts";

export function parseJson(text: string): Parsed {
  try {
    JSON.parse(text);
    return CLEAN;
  } catch (error) {
    const found: ParseError[] = [];
    parseJsonc(text, found, { disallowComments: true });
    if (found.length === 0)
      return broken([{ line: 1, column: 1, message: (error as Error).message, check: "syntax" }]);
    const isCommented = found.some(isComment) && jsoncErrors(text).length === 0;
    return broken(jsonFindings(text, found), isCommented);
  }
}

export function parseJsonWithComments(text: string): Parsed {
  const errors = jsoncErrors(text);
  return errors.length === 0 ? CLEAN : broken(jsonFindings(text, errors));
}

function jsoncErrors(text: string): ParseError[] {
  const errors: ParseError[] = [];
  parseJsonc(text, errors, { allowTrailingComma: true, allowEmptyContent: true });
  return errors;
}

function isComment({ error }: ParseError): boolean {
  return printParseErrorCode(error) === "InvalidCommentToken";
}

function jsonFindings(text: string, errors: readonly ParseError[]): Finding[] {
  return errors.slice(0, MAX_FINDINGS).map(({ error, offset }) => {
    // "CommaExpected" as "Comma expected".
    const words = printParseErrorCode(error).replaceAll(
      /(?<!^)[A-Z]/g,
      (letter) => ` ${letter.toLowerCase()}`,
    );
    return { ...positionAt(text, offset), message: `${words}.`, check: "syntax" };
  });
}

/** Helm, Jinja and the like make YAML, and are none. */
const TEMPLATE = /\{\{|\{%|<%/;

export function parseYaml(text: string): Parsed {
  const found = parseAllDocuments(text, { logLevel: "silent", prettyErrors: true });
  const problems = Array.isArray(found) ? found.flatMap(({ errors }) => errors) : [];
  const tooDeep = problems.find(({ message }) => /call stack|Stack overflow/.test(message));
  if (tooDeep) throw new RangeError(tooDeep.message);
  const [doubled, errors] = [problems.filter(isDoubled), problems.filter((each) => !isDoubled(each))];
  const warnings = doubled.slice(0, MAX_FINDINGS).map(yamlFinding);
  if (errors.length === 0) return { ...CLEAN, warnings };
  return { ...broken(errors.slice(0, MAX_FINDINGS).map(yamlFinding), TEMPLATE.test(text)), warnings };
}

/** YAML forbids a key twice; most of its parsers take the last. */
function isDoubled({ code }: YAMLError): boolean {
  return code === "DUPLICATE_KEY";
}

function yamlFinding({ message, linePos }: YAMLError): Finding {
  const { line, col: column } = linePos?.[0] ?? { line: 1, col: 1 };
  // Its first line is the fact, "… at line 2, column 3:"; the rest shows the text.
  const [fact = ""] = message.split("\n");
  return { line, column, message: fact.replace(/ at line \d+, column \d+:?$/, "."), check: "syntax" };
}

export function parseToml(text: string): Parsed {
  try {
    parseTomlText(text);
    return CLEAN;
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [fact = ""] = error.message.split("\n");
    if (fact.includes("excessively nested")) throw new RangeError(fact);
    return broken([{ line: error.line, column: error.column, message: fact, check: "syntax" }]);
  }
}
