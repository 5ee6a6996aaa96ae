/**
 * Makes text from files, titles and notes safe for a terminal: what could move the cursor, reorder or hide text is
 * shown as an escape. Owns the set of characters; whether a terminal reads it is output.ts.
 * Source: trojansource.codes (bidirectional controls); ECMA-48 (C0 and C1 controls).
 */

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this is about.
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|\p{Surrogate}/gu;

/** One line: every control character is escaped. */
export function visible(text: string): string {
  return text.replace(CONTROLS, escaped);
}

/** Several lines: newlines and tabs stay. */
export function visibleLines(text: string): string {
  return text.replace(CONTROLS, (character) =>
    character === "\n" || character === "\t" ? character : escaped(character),
  );
}

const NAMED = new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

function escaped(character: string): string {
  const code = character.charCodeAt(0);
  const hex = code.toString(16);
  return NAMED.get(character) ?? (code < 0x100 ? `\\x${hex.padStart(2, "0")}` : `\\u${hex.padStart(4, "0")}`);
}
