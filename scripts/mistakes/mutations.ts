/**
 * The mistakes that agents and merges make, done to a valid file. Pure; `undefined` where a file has no room for one.
 * Source: the mutations that the parsers were chosen by, and their shares of detection by parsers alone (expected.ts).
 */

type Random = (below: number) => number;

export interface Mutation {
  readonly name: string;
  /** The languages it is done to; default all. */
  readonly only?: readonly string[];
  /** Languages that use it for nothing. */
  readonly notIn?: readonly string[];
  mutate(text: string, random: Random, language: string): string | undefined;
}

export const MUTATIONS: readonly Mutation[] = [
  { name: "missing }", notIn: ["html", "yaml"], mutate: (text, random) => without(text, "}", random) },
  {
    name: "missing )",
    notIn: ["html", "css", "json", "jsonc", "yaml", "toml"],
    mutate: (text, random) => without(text, ")", random),
  },
  { name: "cut off in a line", mutate: cutOff },
  { name: "conflict markers", mutate: conflict },
  { name: "fences around it", mutate: (text, _, language) => `\`\`\`${language}\n${text}\`\`\`\n` },
  { name: "a fence after it", mutate: (text) => `${text}\`\`\`\n` },
  {
    name: "diff's + prefixes",
    mutate: (text) =>
      linesOf(text)
        .map((line) => `+${line}\n`)
        .join(""),
  },
  { name: "literal \\n", mutate: (text) => linesOf(text).join("\\n") },
  { name: "elided code", mutate: elide },
  { name: "wrong indentation", only: ["python", "yaml"], mutate: indent },
];

function linesOf(text: string): string[] {
  return text.replace(/\n$/, "").split("\n");
}

/** What begins a line that no parser looks into: a comment, a preprocessor's directive. */
const COMMENT = /^\s*(\/\/|\/?\*|#|--|;|<!--|\(\*)/;

/** Without one of the pieces in its code; one in a comment is missed by nobody. */
function without(text: string, piece: string, random: Random): string | undefined {
  const places: number[] = [];
  let start = 0;
  for (const line of text.split("\n")) {
    if (!COMMENT.test(line))
      for (let at = line.indexOf(piece); at >= 0; at = line.indexOf(piece, at + 1)) places.push(start + at);
    start += line.length + 1;
  }
  const at = places[random(Math.max(1, places.length))];
  return at === undefined ? undefined : text.slice(0, at) + text.slice(at + 1);
}

/** Somewhere in the second half, within a line. */
function cutOff(text: string, random: Random): string | undefined {
  const lines = linesOf(text);
  const at = Math.floor(lines.length / 2) + random(Math.ceil(lines.length / 2));
  const line = (lines[at] ?? "").trimEnd();
  if (line.length < 4) return undefined;
  return [...lines.slice(0, at), line.slice(0, 2 + random(line.length - 3))].join("\n");
}

/** Both sides of a merge for up to five lines. */
function conflict(text: string, random: Random): string {
  const lines = linesOf(text);
  const at = random(lines.length);
  const side = lines.slice(at, at + 1 + random(5));
  const both = ["<<<<<<< HEAD", ...side, "=======", ...side, ">>>>>>> theirs"];
  return `${[...lines.slice(0, at), ...both, ...lines.slice(at + side.length)].join("\n")}\n`;
}

const COMMENTS: Readonly<Record<string, (text: string) => string>> = {
  python: (text) => `# ${text}`,
  ruby: (text) => `# ${text}`,
  bash: (text) => `# ${text}`,
  yaml: (text) => `# ${text}`,
  toml: (text) => `# ${text}`,
  julia: (text) => `# ${text}`,
  lua: (text) => `-- ${text}`,
  haskell: (text) => `-- ${text}`,
  html: (text) => `<!-- ${text} -->`,
  vue: (text) => `<!-- ${text} -->`,
  css: (text) => `/* ${text} */`,
  ocaml: (text) => `(* ${text} *)`,
  ocaml_interface: (text) => `(* ${text} *)`,
};

/** A third of the file, from anywhere, as a comment that says so. */
function elide(text: string, random: Random, language: string): string | undefined {
  const lines = linesOf(text);
  const count = Math.ceil(lines.length / 3);
  if (lines.length < 6) return undefined;
  const at = 1 + random(lines.length - count);
  const comment = (COMMENTS[language] ?? ((words: string) => `// ${words}`))("... existing code ...");
  return `${[...lines.slice(0, at), comment, ...lines.slice(at + count)].join("\n")}\n`;
}

/** One indented line by one to three columns more or less. */
function indent(text: string, random: Random): string | undefined {
  const lines = linesOf(text);
  const places = lines.flatMap((line, at) => (/^ {4,}\S/.test(line) ? at : []));
  const at = places[random(Math.max(1, places.length))];
  if (at === undefined) return undefined;
  const line = lines[at] as string;
  const by = 1 + random(3);
  lines[at] = random(2) === 0 ? line.slice(by) : `${" ".repeat(by)}${line}`;
  return `${lines.join("\n")}\n`;
}
