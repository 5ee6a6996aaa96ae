/**
 * Edits by position, in one text. All are about the text as it was; none may overlap another. Pure but for its pace.
 * A byte order mark is not part of the text and stays. Where all lines end alike, lines that come end so too.
 * Source: LSP, "Position", "TextEdit[]".
 */
import { isUtf8 } from "node:buffer";
import type { ChangeOf } from "../../../../protocol/methods/index.ts";
import { IopipeError } from "../../../../protocol/wire/errors.ts";
import type { Pace } from "../../pace.ts";
import { assertSize } from "../../snapshots.ts";
import { encode } from "../context.ts";

type Edits = NonNullable<ChangeOf<"workspaceEdit">["edit"]["changes"]>[string];
export type TextEdit = Extract<Edits[number], { newText: string }>;
type Position = TextEdit["range"]["start"];

const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

/** Edits worked off between two looks at the time. */
const PIECE = 256;

/** `bytes` with all of `edits`. @throws {IopipeError} MatchNotFound, PatchMalformed, TooLarge */
export async function applyTextEdits(
  bytes: Buffer,
  edits: readonly TextEdit[],
  path: string,
  pace: Pace,
): Promise<Buffer> {
  if (!isUtf8(bytes))
    throw new IopipeError("MatchNotFound", `${path} is not UTF-8: its characters cannot be counted.`, {
      path,
      hint: "Stage it with edit or write.",
    });
  const hasMark = bytes.subarray(0, BOM.length).equals(BOM);
  const text = bytes.toString("utf8", hasMark ? BOM.length : 0);
  const lines = await linesOf(text, pace);
  const parts: string[] = [];
  let done = 0;
  for (const [n, { from, to, newText }] of (await located(lines, edits, path, pace)).entries()) {
    if (n % PIECE === 0) await pace();
    parts.push(
      text.slice(done, from),
      newText.replace(/\r\n|\n/g, (end) => lines.end ?? end),
    );
    done = to;
  }
  parts.push(text.slice(done));
  assertSize(
    path,
    parts.reduce((size, part) => size + part.length, 0),
  );
  const made = encode(parts.join(""), path, "newText");
  return hasMark ? Buffer.concat([BOM, made]) : made;
}

interface TextLines {
  readonly text: string;
  /** Where each line begins, in UTF-16 code units. */
  readonly starts: readonly number[];
  /** How all lines end that do; undefined where they differ, or none does. */
  readonly end: string | undefined;
}

async function linesOf(text: string, pace: Pace): Promise<TextLines> {
  const starts = [0];
  const ends = new Set<string>();
  for (const { 0: end, index } of text.matchAll(/\r\n|\n|\r/g)) {
    starts.push(index + end.length);
    ends.add(end);
    if (starts.length % PIECE === 0) await pace();
  }
  const [end, other] = ends;
  return { text, starts, end: other === undefined ? end : undefined };
}

interface Located {
  readonly from: number;
  readonly to: number;
  readonly newText: string;
}

/** In the text's order; insertions at one place in theirs. */
async function located(
  lines: TextLines,
  edits: readonly TextEdit[],
  path: string,
  pace: Pace,
): Promise<Located[]> {
  const found: Located[] = [];
  for (const [n, { range, newText }] of edits.entries()) {
    if (n % PIECE === 0) await pace();
    const [from, to] = [offsetOf(lines, range.start), offsetOf(lines, range.end, lines.text.length)];
    if (from === undefined || to === undefined || from > to) throw nowhere(range, lines, path);
    found.push({ from, to, newText });
  }
  found.sort((a, b) => a.from - b.from);
  const overlapping = found.find(({ from }, n) => from < (found[n - 1]?.to ?? 0));
  if (overlapping)
    throw new IopipeError("PatchMalformed", `Two edits of ${path} overlap.`, {
      path,
      hint: "Edits of one document are all about its text as it was, and must be apart.",
    });
  return found;
}

/** A character behind a line's end is the line's end, as LSP has it; `beyond`: what a line behind the last one is. */
function offsetOf(
  { text, starts }: TextLines,
  { line, character }: Position,
  beyond?: number,
): number | undefined {
  const start = starts[line];
  if (start === undefined) return beyond;
  const next = starts[line + 1] ?? text.length;
  const end = start + text.slice(start, next).replace(/(\r\n|\n|\r)$/, "").length;
  const offset = Math.min(start + character, end);
  return isBetweenSurrogates(text, offset) ? undefined : offset;
}

function isBetweenSurrogates(text: string, offset: number): boolean {
  const isHigh = (text.charCodeAt(offset - 1) & 0xfc00) === 0xd800;
  return offset > 0 && isHigh && (text.charCodeAt(offset) & 0xfc00) === 0xdc00;
}

function nowhere({ start, end }: TextEdit["range"], { starts }: TextLines, path: string): IopipeError {
  const said = `${start.line}:${start.character} to ${end.line}:${end.character}`;
  const fact = `The range ${said} is no part of ${path}, which has ${starts.length} lines.`;
  return new IopipeError("MatchNotFound", fact, { path, line: start.line + 1, range: { start, end } });
}
