/**
 * What iopipectl prints: data on stdout, everything else on stderr.
 * Owns colour, and the rule that nothing from a file reaches a terminal unescaped (visible.ts).
 * Invariant: colour only on a terminal and never with NO_COLOR.
 */
import type { WriteStream } from "node:tty";
import { styleText } from "node:util";
import { type Emphasis, emphasise } from "./emphasis.ts";
import { visible } from "./visible.ts";

type Format = Parameters<typeof styleText>[0];
type Stream = NodeJS.WriteStream | WriteStream;

/** Prints one line of data. Parts that come from elsewhere must have gone through visible(). */
export function print(line = ""): void {
  process.stdout.write(`${line}\n`);
}

/** Prints one line beside the data: a hint, a warning, progress made. */
export function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Clears a terminal's line, so that the next text stands in its place. */
export const ERASE_LINE = "\r\u001b[K";

/** Prints a method's result, or one member of a stream of them, as one line of JSON. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Whether a person sees stdout and can answer on stdin. */
export function isInteractive(): boolean {
  return process.stdin.isTTY === true && process.stdout.isTTY === true;
}

function isColoured(stream: Stream): boolean {
  return stream.isTTY === true && process.env.NO_COLOR === undefined && process.env.TERM !== "dumb";
}

/** Colours text where `stream` takes it. */
export function colour(format: Format, text: string, stream: Stream = process.stdout): string {
  return isColoured(stream) ? styleText(format, text, { validateStream: false }) : text;
}

/** Colours a diff whose text is visible already, line by line as git does; `words`: with what changed within lines. */
export function colourDiff(diff: string, { words = false } = {}): string {
  if (!isColoured(process.stdout)) return diff;
  const lines = diff.split("\n");
  const emphases = words ? emphasise(lines) : new Map<number, Emphasis>();
  return lines.map((line, n) => colourLine(line, emphases.get(n))).join("\n");
}

function colourLine(line: string, emphasis: Emphasis | undefined): string {
  const format = formatOf(line);
  if (format === undefined || line === "") return line;
  const style = (formats: Format, text: string) =>
    text === "" ? "" : styleText(formats, text, { validateStream: false });
  if (!emphasis) return style(format, line);
  const { start, end } = emphasis;
  const parts = [line.slice(0, start), line.slice(start, end), line.slice(end)] as const;
  return style(format, parts[0]) + style([format, "inverse"] as Format, parts[1]) + style(format, parts[2]);
}

const DIFF_FORMATS: readonly (readonly [RegExp, Format])[] = [
  [/^(diff --git|index |--- |\+\+\+ |new file|deleted file|old mode|new mode|rename |similarity )/, "bold"],
  [/^@@/, "cyan"],
  [/^\+/, "green"],
  [/^-/, "red"],
];

function formatOf(line: string): Format | undefined {
  return DIFF_FORMATS.find(([pattern]) => pattern.test(line))?.[1];
}

/** "1 file", "2 files". */
export function count(n: number, noun: string, plural = `${noun}s`): string {
  return `${n} ${n === 1 ? noun : plural}`;
}

/** An id as people type it: enough of it to be unique, short enough to read. */
export function short(id: string): string {
  return visible(id.slice(0, 10));
}
