/**
 * How many columns a text takes on a terminal, and as much of it as fits. Pure; the text is visible already.
 * Characters as a person sees them are never cut in two. Wide are the scripts and symbols that Unicode calls so
 * (UAX #11); terminals differ about the newest symbols, and then a column is off by one.
 */

const WIDE =
  /\p{Script=Han}|\p{Script=Hangul}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Emoji_Presentation}|\ufe0f|[\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]/u;
/** Takes no column of its own; a soft hyphen does. */
const WIDTHLESS = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;
/** Most text; it needs no closer look. */
const PLAIN = /^[ -~\u00a0-\u00ac\u00ae-\u02ff]*$/;

const characters = new Intl.Segmenter(undefined, { granularity: "grapheme" });

export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const { segment } of characters.segment(text)) width += columnsOf(segment);
  return width;
}

/** `text` in exactly so many columns: padded, or cut with an ellipsis. */
export function toWidth(text: string, columns: number): string {
  const missing = columns - widthOf(text);
  return missing >= 0 ? text + " ".repeat(missing) : cut(text, columns);
}

function cut(text: string, columns: number): string {
  let [shown, width] = ["", 0];
  for (const { segment } of characters.segment(text)) {
    const next = width + columnsOf(segment);
    if (next > columns - 1) break;
    shown += segment;
    width = next;
  }
  return `${shown}…${" ".repeat(Math.max(0, columns - 1 - width))}`;
}

function columnsOf(character: string): number {
  if (WIDTHLESS.test(character) && character !== "\u00ad") return 0;
  return WIDE.test(character) ? 2 : 1;
}
