/**
 * Realistic edits: what a person or an agent does to a source file in a few places, made up from the file's own lines.
 * The same for the same numbers.
 */
import type { Random } from "./random.ts";

type Edit = (lines: string[], at: number, random: Random) => void;

/** Replaces words, adds lines, takes lines away, copies a block, moves one. */
const EDITS: readonly Edit[] = [
  (lines, at) => {
    lines[at] = `${lines[at]}`.replace(/\w+|$/, "edited");
  },
  (lines, at, random) => {
    for (let n = random(6); n >= 0; n--) lines.splice(at, 0, `  added(${random(1000)});`);
  },
  (lines, at, random) => void lines.splice(at, 1 + random(8)),
  (lines, at, random) => {
    const length = 1 + random(8);
    lines.splice(
      at,
      length,
      ...lines.slice(at, at + length).map((line) => line.replace(/\w+/g, "rewritten")),
    );
  },
  (lines, at, random) => void lines.splice(at, 0, ...lines.slice(at, at + 1 + random(10))),
  (lines, at, random) => {
    const block = lines.splice(at, 1 + random(10));
    lines.splice(random(lines.length + 1), 0, ...block);
  },
];

/** `text` after `count` edits in places anywhere in it. */
export function editText(text: string, count: number, random: Random): string {
  const lines = text.split("\n");
  for (let n = 0; n < count; n++) EDITS[random(EDITS.length)]?.(lines, random(lines.length), random);
  return lines.join("\n");
}
