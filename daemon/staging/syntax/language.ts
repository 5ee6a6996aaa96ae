/**
 * Which language a path is in, by its name alone, and what is known of each language's parser.
 * Owns the table. How a language is parsed is parsers/'.
 */

export interface Language {
  readonly name: string;
  /**
   * Whether the parser accepted every valid file it was tried on, so that a new file which it rejects is wrong. Where it
   * did not (macros, dialects, newer syntax), only a file that parsed before says anything.
   */
  readonly sure: boolean;
}

/** Extensions, and whole names, of each language. Names are matched first. */
const SURE: Readonly<Record<string, string>> = {
  javascript: ".js .mjs .cjs .jsx",
  typescript: ".ts .mts .cts",
  tsx: ".tsx",
  declarations: ".d.ts .d.mts .d.cts",
  json: ".json .webmanifest .geojson .jsonld composer.lock flake.lock Pipfile.lock",
  jsonc:
    ".jsonc .code-workspace .eslintrc.json .swcrc .jshintrc tslint.json devcontainer.json " +
    ".devcontainer.json api-extractor.json angular.json nx.json deno.json language-configuration.json",
  yaml: ".yaml .yml .clang-format .clang-tidy .yamllint",
  toml: ".toml Cargo.lock poetry.lock uv.lock Pipfile",
  vue: ".vue",
  python: ".py .pyi .pyw",
  go: ".go",
  java: ".java",
  ruby: ".rb .rake .gemspec Gemfile Rakefile",
  php: ".php",
  lua: ".lua .rockspec",
};

const UNSURE: Readonly<Record<string, string>> = {
  // Their programs read YAML and JSON5 there as well.
  jsonc: ".eslintrc .babelrc",
  rust: ".rs",
  c: ".c",
  // A header is either; most of C parses as C++.
  cpp: ".h .hh .hpp .hxx .cc .cpp .cxx",
  c_sharp: ".cs",
  bash: ".sh .bash .bashrc .bash_profile",
  css: ".css",
  html: ".html .htm",
  scala: ".scala",
  haskell: ".hs",
  julia: ".jl",
  ocaml: ".ml",
  ocaml_interface: ".mli",
  kotlin: ".kt .kts",
  zig: ".zig",
};

const byName = new Map<string, Language>([...rowsOf(SURE, true), ...rowsOf(UNSURE, false)]);

function rowsOf(table: Readonly<Record<string, string>>, sure: boolean): [string, Language][] {
  return Object.entries(table).flatMap(([name, names]) => {
    const language = { name, sure };
    return names.split(" ").map((each): [string, Language] => [each, language]);
  });
}

/** Whatever has no parser; only what is wrong in any text is found there. */
export const TEXT: Language = { name: "text", sure: false };

/** JSON by name that is read with comments and trailing commas: by its program, or by the folder it lies in. */
const JSONC_PATHS = /(^|\/)((ts|js)config[^/]*\.json|\.(vscode|devcontainer|zed)\/[^/]*\.json)$/;

/**
 * Folders of packages that were fetched. Of their files nobody is the author who might mend them, and some are published
 * broken: an install is not to be refused for them.
 */
const FETCHED = /(^|\/)(node_modules|bower_components|site-packages|vendor|third_party)\//;

/** The language of the file at `path`; undefined where none is known. */
export function languageOf(path: string): Language | undefined {
  const language = languageByName(path);
  return language?.sure && FETCHED.test(path) ? { ...language, sure: false } : language;
}

function languageByName(path: string): Language | undefined {
  if (JSONC_PATHS.test(path)) return byName.get(".jsonc");
  const name = path.slice(path.lastIndexOf("/") + 1);
  const whole = byName.get(name);
  if (whole) return whole;
  const extensions = /(\.[^.]+)?(\.[^.]+)$/.exec(name.toLowerCase());
  return byName.get(extensions?.[0] ?? "") ?? byName.get(extensions?.[2] ?? "");
}
