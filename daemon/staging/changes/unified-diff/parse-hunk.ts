/**
 * Hunks of a section, as ranges of lines. The counts in a hunk's header are believed where the lines bear them out;
 * else the lines are counted anew, up to what can be no line of a hunk. What may have been cut off is refused.
 * Source: git, apply.c (parse_fragment, recount_diff).
 */
import { PACE_LINES, type Pace } from "../../pace.ts";
import { collectOld, type Hunk, isBlank, type Sign, signOf } from "../hunks/hunk.ts";
import { malformed } from "./malformed.ts";
import { isEnd, isNamePair, isSignature, lineAt, type Reader, skipBlank, startsWith } from "./reader.ts";

const HEADER = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/;

/** What a hunk's header says; nothing in the form without numbers (`@@ ... @@`). */
interface Header {
  readonly oldStart: number;
  readonly old: number;
  readonly now: number;
}

/** All hunks from where the reader is; `onRecount` hears of those whose counts were wrong. */
export async function parseHunks(
  reader: Reader,
  pace: Pace,
  onRecount: (line: number) => void,
): Promise<Hunk[]> {
  const hunks: Hunk[] = [];
  for (;;) {
    const line = skipBlank(reader, reader.at);
    if (!startsWith(reader, line, "@@")) return hunks;
    if (startsWith(reader, line, "@@@"))
      throw malformed("It is the combined diff of a merge", { line, hint: "Diff against one parent." });
    const header = headerAt(reader, line);
    const counted = header && (await countedEnd(reader, line + 1, header, pace));
    const to = counted ?? (await recountedEnd(reader, line + 1, header, pace));
    if (header && counted === undefined) onRecount(line);
    hunks.push(await hunkOf(reader, line + 1, to, header, pace));
    reader.at = to;
  }
}

function headerAt(reader: Reader, line: number): Header | undefined {
  const text = lineAt(reader, line);
  const [whole, oldStart, old = "1", , now = "1"] = HEADER.exec(text) ?? [];
  if (whole !== undefined) return { oldStart: Number(oldStart), old: Number(old), now: Number(now) };
  if (/^@@ -\d/.test(text))
    throw malformed(`${JSON.stringify(text.slice(0, 80))} is no header of a hunk`, { line });
  return undefined;
}

/** Where the hunk ends that has as many lines as its header says; undefined when its lines do not bear that out. */
async function countedEnd(
  reader: Reader,
  from: number,
  { old, now }: Header,
  pace: Pace,
): Promise<number | undefined> {
  const { text } = reader;
  let [olds, nows] = [0, 0];
  let n = from;
  for (; olds < old || nows < now; n++) {
    if (n % PACE_LINES === 0) await pace();
    const sign = isEnd(reader, n) ? "other" : signOf(text, n);
    if (sign === "other") return undefined;
    if (sign === " " || sign === "-") olds++;
    if (sign === " " || sign === "+") nows++;
  }
  if (olds > old || nows > now) return undefined;
  if (!isEnd(reader, n) && signOf(text, n) === "\\") n++;
  return goesOn(reader, n) ? undefined : n;
}

/** Whether what stands at `n` must be more of the hunk: a change, or a line of context right behind. */
function goesOn(reader: Reader, n: number): boolean {
  const next = skipBlank(reader, n);
  if (isEnd(reader, next) || isNamePair(reader, next) || isSignature(reader, next)) return false;
  const sign = signOf(reader.text, next);
  return sign === "+" || sign === "-" || (sign === " " && next === n);
}

/** Where the lines end that can be a hunk's. Blank ones count where more of the hunk follows. */
async function recountedEnd(
  reader: Reader,
  from: number,
  header: Header | undefined,
  pace: Pace,
): Promise<number> {
  const { text } = reader;
  let [olds, nows] = [0, 0];
  let end = from;
  let n = from;
  for (; !isEnd(reader, n) && !isNamePair(reader, n) && !isSignature(reader, n); n++) {
    if (n % PACE_LINES === 0) await pace();
    const sign = signOf(text, n);
    if (sign === "other") break;
    if (sign === " " || sign === "-") olds++;
    if (sign === " " || sign === "+") nows++;
    if (!isBlank(text, n)) end = n + 1;
  }
  const isShort = header !== undefined && (olds < header.old || nows < header.now);
  if (isShort && isEnd(reader, n))
    throw malformed(
      `It ends within a hunk that has ${header.old} old and ${header.now} new lines by its header, and ${olds} and ${nows} here`,
      { line: from - 1, hint: "Send the whole diff; if it is whole, correct the hunk's line counts." },
    );
  return end;
}

/** What a hunk begins or ends with: its outermost line, and the outermost one that the file has already. */
interface Edge {
  sign?: Sign;
  old?: Sign;
}

/** @throws {IopipeError} PatchMalformed for one that changes nothing, or has lines behind a missing final newline */
async function hunkOf(
  { text }: Reader,
  from: number,
  to: number,
  header: Header | undefined,
  pace: Pace,
): Promise<Hunk> {
  const first: Edge = {};
  const last: Edge = {};
  const ended = { old: false, now: false };
  const old = collectOld(to - from);
  let hasChange = false;
  for (let n = from; n < to; n++) {
    if (n % PACE_LINES === 0) await pace();
    const sign = signOf(text, n);
    if (sign === "\\") {
      ended.old ||= last.sign !== "+";
      ended.now ||= last.sign !== "-";
      continue;
    }
    if ((sign !== "+" && ended.old) || (sign !== "-" && ended.now))
      throw malformed("A line follows one that is said to end the file without a newline", { line: n });
    hasChange ||= sign !== " ";
    first.sign ??= sign;
    last.sign = sign;
    if (sign === "+") continue;
    old.add(n);
    first.old ??= sign;
    last.old = sign;
  }
  if (!hasChange) throw malformed("It has a hunk that changes nothing", { line: from - 1 });
  const [opens, closes] = [isOpen(first), isOpen(last)];
  return {
    text,
    from,
    to,
    old: old.all(),
    // Where there are no old lines, git names the line before.
    start: header && Math.max(0, first.old === undefined ? header.oldStart : header.oldStart - 1),
    atStart: opens && header !== undefined && header.oldStart <= 1,
    atEnd: ended.old || ended.now || (closes && header !== undefined),
  };
}

/** Whether lines are added where the hunk shows no neighbour but the file's edge: git shows one where there is one. */
function isOpen({ sign, old }: Edge): boolean {
  return sign === "+" && old === " ";
}
