/**
 * Pairs of texts that differs find hard, each just under 1 MiB where its kind has a size. Made up, and the same in
 * every run. The list is that of the comparison of engines by which the differ was designed.
 */
import { type Random, seeded, shuffled } from "./random.ts";

export interface TextPair {
  readonly name: string;
  readonly old: string;
  readonly now: string;
}

/** Below 1 MiB, with room for what an edit adds. */
const BYTES = 1_000_000;

const join = (lines: readonly string[]): string => lines.join("\n").concat("\n");

/** Lines as source code has them: functions of some lines, with braces and empty lines that repeat. */
function code(seed: number, bytes: number): string[] {
  const random = seeded(seed);
  const lines: string[] = [];
  for (let size = 0; size < bytes; ) {
    const one = functionOf(random, seed);
    lines.push(...one);
    size += one.reduce((sum, { length }) => sum + length + 1, 0);
  }
  return lines;
}

function functionOf(random: Random, seed: number): string[] {
  const name = `${seed.toString(36)}_${random(1e6).toString(36)}`;
  const body = Array.from({ length: 2 + random(12) }, () =>
    random(5) === 0 ? "    return undefined;" : `    const ${name}${random(1000)} = compute(${random(100)});`,
  );
  return [`function ${name}(input) {`, "  if (input) {", ...body, "  }", "}", ""];
}

/** As many of `lines` as there are, up to BYTES. */
function fitting(lines: readonly string[]): string[] {
  let size = 0;
  const end = lines.findIndex(({ length }) => {
    size += length + 1;
    return size > BYTES;
  });
  return end === -1 ? [...lines] : lines.slice(0, end);
}

const numbered = (count: number, text: (n: number) => string): string[] =>
  fitting(Array.from({ length: count }, (_, n) => text(n)));

const swapHalves = <T>(items: readonly T[]): T[] => [
  ...items.slice(items.length / 2),
  ...items.slice(0, items.length / 2),
];

/** `lines` with one of them changed in each of `count` places. */
function edited(lines: readonly string[], count: number): string[] {
  const now = [...lines];
  for (let n = 1; n <= count; n++) {
    const at = Math.floor((n * lines.length) / (count + 1));
    now[at] = `${now[at]} // edited`;
  }
  return now;
}

function functionsOf(lines: readonly string[]): string[][] {
  const functions: string[][] = [[]];
  for (const line of lines) {
    functions.at(-1)?.push(line);
    if (line === "") functions.push([]);
  }
  return functions;
}

export function worstCases(): TextPair[] {
  const random = seeded(20);
  const source = fitting(code(1, BYTES * 0.9));
  const long = numbered(22_000, (n) => `line ${n} of a file that has many lines`);
  const indented = fitting(code(2, BYTES * 0.8));
  const even = numbered(20_000, (n) => `line ${n} of a file with every second one`);
  const short = numbered(170_000, (n) => (n + 33 ** 3).toString(33).padStart(5, "0"));
  const bytes = (letters: number) => Array.from({ length: 500_000 }, () => `${random(letters)}`);
  const letters = () => Array.from({ length: 50_000 }, () => "abcdefghij"[random(10)]?.repeat(15) ?? "");
  const oneLine = "x = y + z; ".repeat(BYTES / 11);
  const crlf = source.map((line) => `${line}\r`);
  const pair = (name: string, old: readonly string[], now: readonly string[]): TextPair => ({
    name,
    old: join(old),
    now: join(now),
  });
  return [
    pair("total rewrite", source, fitting(code(3, BYTES))),
    pair(
      "every line changed",
      long,
      long.map((line) => `${line}!`),
    ),
    pair(
      "re-indented",
      indented,
      indented.map((line) => (line === "" ? line : `  ${line}`)),
    ),
    pair(
      "every second line",
      even,
      even.map((line, n) => (n % 2 ? line : `${line}!`)),
    ),
    pair(
      "four of five lines",
      long,
      long.map((line, n) => (n % 5 ? `${line}!` : line)),
    ),
    pair("LF to CRLF", source, fitting(crlf)),
    pair("half of it moved", source, swapHalves(source)),
    pair("functions shuffled", source, shuffled(functionsOf(source), random).flat()),
    pair("lines shuffled", source, shuffled(source, random)),
    pair("lines reversed", source, source.toReversed()),
    pair("50,000 lines of ten", letters(), letters()),
    { name: "one line of 1 MB", old: oneLine, now: oneLine.replace("y", "w") },
    pair("CRLF, six edits", fitting(crlf), edited(fitting(crlf), 6)),
    {
      name: "no final newline, six edits",
      old: join(source).slice(0, -1),
      now: join(edited(source, 6)).slice(0, -1),
    },
    { name: "created", old: "", now: join(source) },
    { name: "deleted", old: join(source), now: "" },
    pair("half of it deleted", source, source.slice(0, source.length / 2)),
    pair(
      "170,000 short lines",
      short,
      short.map((line, n) => (n % 2 ? line : `${line.slice(1)}.`)),
    ),
    pair("500,000 lines of ten", bytes(10), bytes(10)),
    { name: "1,000,000 empty lines", old: "\n".repeat(BYTES), now: "\n".repeat(BYTES - 1000) },
  ];
}
