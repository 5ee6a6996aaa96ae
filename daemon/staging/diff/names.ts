/**
 * File names as git writes them in diffs: plain, or in C-style quotes where a control character, a quote or a backslash
 * would be misread. Names beyond ASCII stay readable (as with core.quotePath=false). Source: git, quote.c.
 */

/** Characters by what stands for them behind a backslash. */
export const ESCAPED: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  t: "\t",
  n: "\n",
  v: "\v",
  f: "\f",
  r: "\r",
  '"': '"',
  "\\": "\\",
};

const ESCAPES = new Map(Object.entries(ESCAPED).map(([letter, character]) => [character, `\\${letter}`]));

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what has to be quoted.
const SPECIAL = /[\x00-\x1f\x7f"\\]/g;

/** `name` behind `prefix` ("a/", "b/" or none), quoted as a whole where it must be. */
export function gitName(name: string, prefix = ""): string {
  const escaped = name.replace(SPECIAL, escapeOne);
  return escaped === name ? prefix + name : `"${prefix}${escaped}"`;
}

function escapeOne(character: string): string {
  return ESCAPES.get(character) ?? `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`;
}

/** As on `---` and `+++` lines: a tab ends a name with a space, which would else be taken for a time. */
export function gitNameOnLine(name: string, prefix: string): string {
  const written = gitName(name, prefix);
  return written.startsWith('"') || !name.includes(" ") ? written : `${written}\t`;
}
