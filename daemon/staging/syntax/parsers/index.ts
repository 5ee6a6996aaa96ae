/** Which parser is whose. Each is loaded when first needed: together they take a second and 100 MB. */
import { NO_PARSER, type Parsed } from "../report.ts";

type Parser = (text: string, language: string) => Parsed | Promise<Parsed>;

const javascript = async (): Promise<Parser> => (await import("./javascript.ts")).parseJavaScript;

const none: Parser = () => NO_PARSER;

const PARSERS: Readonly<Record<string, () => Promise<Parser>>> = {
  text: async () => none,
  javascript,
  typescript: javascript,
  tsx: javascript,
  declarations: javascript,
  json: async () => (await import("./data.ts")).parseJson,
  jsonc: async () => (await import("./data.ts")).parseJsonWithComments,
  yaml: async () => (await import("./data.ts")).parseYaml,
  toml: async () => (await import("./data.ts")).parseToml,
  vue: async () => (await import("./vue.ts")).parseVue,
};

/** All others have a grammar. */
const grammar = async (): Promise<Parser> => (await import("./grammar.ts")).parseByGrammar;

/** Parses a text; throws what the parser throws, after which nothing of it is to be trusted. */
export async function parse(text: string, language: string): Promise<Parsed> {
  const parser = await (PARSERS[language] ?? grammar)();
  return await parser(text, language);
}
