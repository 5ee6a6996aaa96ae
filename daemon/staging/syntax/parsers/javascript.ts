/**
 * JavaScript and TypeScript with their JSX forms, by oxc. Native: it may crash the process on deep nesting.
 * For JavaScript with the errors that scopes show, as a name declared twice, without which no engine loads the file
 * either. For TypeScript those would be its checker's too (an abstract method, an overload without its function): no
 * parser's matter.
 */
import { parseSync } from "oxc-parser";
import { type Finding, MAX_FINDINGS, type Parsed, positionAt, unknown } from "../report.ts";

type Lang = "jsx" | "ts" | "tsx" | "dts";
type Source = "module" | "commonjs";

/** Brackets nested deeper overflow oxc's stack (oxc-project/oxc#24375); what it cannot see, the process' end shows. */
const DEEPEST = 1000;

/** How each language is tried: valid is what is valid in one way. A `.js` file may be a module, or have a bare return. */
const WAYS: Readonly<Record<string, readonly (readonly [Lang, Source])[]>> = {
  javascript: [
    ["jsx", "module"],
    ["jsx", "commonjs"],
  ],
  typescript: [["ts", "module"]],
  tsx: [["tsx", "module"]],
  declarations: [["dts", "module"]],
};

/** `language` is one of WAYS'. */
export function parseJavaScript(text: string, language: string): Parsed {
  if (depthOf(text) > DEEPEST) return unknown(`Brackets are nested over ${DEEPEST} deep.`);
  let errors: Finding[] = [];
  for (const [lang, sourceType] of WAYS[language] ?? []) {
    const found = errorsOf(text, lang, sourceType);
    if (found.length === 0) return { parsed: "clean", errors: found };
    // The way that gets furthest is the one that is meant.
    if (placeOf(found) > placeOf(errors)) errors = found;
  }
  // Types in a .js file are Flow's, which nothing here parses.
  const isFlow = language === "javascript" && /@(no)?flow\b/.test(text.slice(0, 2000));
  return { parsed: "broken", errors, ...(isFlow && { dialect: true }) };
}

function errorsOf(text: string, lang: Lang, sourceType: Source): Finding[] {
  const showSemanticErrors = lang === "jsx";
  const { errors } = parseSync(`file.${lang}`, text, { lang, sourceType, showSemanticErrors });
  return errors
    .filter(({ severity }) => severity === "Error")
    .slice(0, MAX_FINDINGS)
    .map(({ message, labels }) => ({
      ...positionAt(text, labels[0]?.start ?? 0),
      message,
      check: "syntax",
    }));
}

/** The line of the first error. */
function placeOf([first]: readonly Finding[]): number {
  return first?.line ?? 0;
}

/** The deepest that brackets are open at once, whatever they stand in. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < text.length; at += 1) {
    const open = CODES.get(text.charCodeAt(at));
    if (open === undefined) continue;
    depth = Math.max(0, depth + open);
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}

const CODES = new Map(
  [
    ...["(", "[", "{"].map((each) => [each, 1] as const),
    ...[")", "]", "}"].map((each) => [each, -1] as const),
  ].map(([each, step]) => [each.charCodeAt(0), step]),
);
