/** Vue's single-file components: their blocks and template by Vue's own compiler, their scripts by oxc. */
import { type CompilerError, parse, type SFCBlock } from "@vue/compiler-sfc";
import { broken, CLEAN, type Finding, MAX_FINDINGS, type Parsed } from "../report.ts";
import { parseJavaScript } from "./javascript.ts";

/** By a script block's `lang`; another (CoffeeScript) is not looked into. */
const LANGUAGES: Readonly<Record<string, string>> = {
  js: "javascript",
  jsx: "javascript",
  ts: "typescript",
  tsx: "tsx",
};

export function parseVue(text: string): Parsed {
  const { descriptor, errors } = parse(text, { sourceMap: false });
  const found = errors.slice(0, MAX_FINDINGS).map(toFinding);
  for (const block of [descriptor.script, descriptor.scriptSetup])
    if (block) found.push(...scriptErrors(block));
  return found.length === 0 ? CLEAN : broken(found);
}

function toFinding(error: CompilerError | SyntaxError): Finding {
  const { line, column } = ("loc" in error && error.loc?.start) || { line: 1, column: 1 };
  return { line, column, message: error.message, check: "syntax" };
}

/** Positions in a block count from where its content begins. */
function scriptErrors({ content, lang = "js", loc: { start } }: SFCBlock): readonly Finding[] {
  const language = LANGUAGES[lang];
  if (language === undefined) return [];
  return parseJavaScript(content, language).errors.map((each) => ({
    ...each,
    line: start.line + each.line - 1,
    column: each.line === 1 ? start.column + each.column - 1 : each.column,
  }));
}
