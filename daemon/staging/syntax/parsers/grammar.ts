/**
 * Languages by their tree-sitter grammars (../grammar-file.ts), each loaded when first met.
 * INVARIANT: no TreeCursor is made: one that is not deleted corrupts the WASM heap of web-tree-sitter 0.27.
 * Time: a text that takes over PARSE_MS is given up as unknown. A trap throws, after which the process is not to go on.
 */
import { Language, type Node, Parser } from "web-tree-sitter";
import { readGrammar } from "../grammar-file.ts";
import { broken, CLEAN, type Finding, MAX_FINDINGS, type Parsed, unknown } from "../report.ts";
import { misplaced } from "./python.ts";

/** Below the limit that the process as a whole has for a job. */
const PARSE_MS = 1500;

const parsers = new Map<string, Promise<Parser>>();

export async function parseByGrammar(text: string, language: string): Promise<Parsed> {
  if (language === "bash" && !isBash(text)) return unknown("It is for another shell.");
  const parser = await parserOf(language);
  const until = performance.now() + PARSE_MS;
  const tree = parser.parse(text, null, { progressCallback: () => performance.now() > until });
  if (!tree) {
    parser.reset();
    return unknown(`Parsing it took over ${PARSE_MS} ms.`);
  }
  try {
    const errors = tree.rootNode.hasError ? errorsIn(tree.rootNode) : [];
    if (errors.length === 0 && language === "python") errors.push(...misplaced(tree.rootNode));
    return errors.length === 0 ? CLEAN : broken(errors);
  } finally {
    tree.delete();
  }
}

function parserOf(language: string): Promise<Parser> {
  const known = parsers.get(language) ?? load(language);
  parsers.set(language, known);
  return known;
}

let initialised: Promise<void> | undefined;

async function load(language: string): Promise<Parser> {
  initialised ??= Parser.init();
  await initialised;
  const grammar = await Language.load(await readGrammar(language));
  const parser = new Parser();
  parser.setLanguage(grammar);
  return parser;
}

/** A script may say that another shell runs it: zsh, fish, which the grammar does not parse. */
function isBash(text: string): boolean {
  const shebang = /^#!.*/.exec(text)?.[0];
  return shebang === undefined || /\b(ba|da|k)?sh\b/.test(shebang);
}

/** What the parser could not place (ERROR) or had to invent (MISSING), from the top. */
function errorsIn(root: Node): Finding[] {
  const found: Finding[] = [];
  const waiting = [root];
  while (waiting.length > 0 && found.length < MAX_FINDINGS) {
    const node = waiting.pop() as Node;
    if (node.isError || node.isMissing) found.push(toFinding(node));
    else if (node.hasError)
      waiting.push(...node.children.filter((child) => child.hasError || child.isMissing).reverse());
  }
  return found;
}

const SHOWN_CHARACTERS = 40;

function toFinding(node: Node): Finding {
  const { row, column } = node.startPosition;
  const [shown = ""] = node.text.slice(0, SHOWN_CHARACTERS).split("\n");
  const message = node.isMissing ? `${node.type} is missing.` : `Not understood from here: ${shown}`;
  return { line: row + 1, column: column + 1, message, check: "syntax" };
}
