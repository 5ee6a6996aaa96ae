/**
 * A diff in git's format as data: which file becomes which, and its content's hunks or binary payload.
 * What stands around it (a mail, prose, a fence) is passed over; what has the look of a change and cannot be taken whole
 * is refused, never dropped. The loop turns in between.
 * Own, and not the library `diff`: that one decodes text, drops binary payloads, refuses wrong counts, and reads a text
 * of any size in one go.
 */
import type { Lines } from "../../diff/lines.ts";
import { PACE_LINES, type Pace } from "../../pace.ts";
import { type Hunk, signOf } from "../hunks/hunk.ts";
import { LF, splitText } from "../hunks/text.ts";
import { type Payload, parseBinary } from "./binary.ts";
import { malformed } from "./malformed.ts";
import { parseHunks } from "./parse-hunk.ts";
import { isEnd, lineAt, type Reader, startsWith } from "./reader.ts";
import { type Headers, type Names, namesOf, readHeaders } from "./section.ts";

export interface FileDiff extends Names {
  /** The file at `from` stays. */
  readonly copy: boolean;
  /** git's modes, type and permissions, where the diff says them. */
  readonly oldMode?: number | undefined;
  readonly newMode?: number | undefined;
  /** git's ids of the two contents, often abbreviated; all zeros for none. */
  readonly ids?: readonly [old: string, now: string] | undefined;
  readonly hunks: readonly Hunk[];
  readonly binary?: Payload | undefined;
  /** Where it begins in the diff, 0-based. */
  readonly line: number;
}

export interface Diff {
  readonly files: readonly FileDiff[];
  readonly warnings: readonly string[];
}

/** @throws {IopipeError} PatchMalformed for what is no complete diff, or holds what cannot be taken */
export async function parseDiff(bytes: Buffer, pace: Pace): Promise<Diff> {
  const isWhole = bytes.length === 0 || bytes[bytes.length - 1] === LF;
  const text = await splitText(isWhole ? bytes : Buffer.concat([bytes, Buffer.of(LF)]), pace);
  const reader: Reader = { text, at: 0 };
  const files: FileDiff[] = [];
  const warnings: string[] = [];
  while (!isEnd(reader, reader.at)) {
    if (reader.at % PACE_LINES === 0) await pace();
    const headers = readHeaders(reader);
    if (headers) files.push(await readSection(reader, headers, warnings, pace));
    else refuseHomeless(reader);
    if (!headers) reader.at++;
  }
  if (files.length === 0) throw malformed("It holds no diff of any file");
  if (!isWhole) refuseCutLine(files.at(-1)?.hunks.at(-1), text);
  return { files, warnings };
}

/** A last line without its newline may be half a line. What the file has already it can prove, what comes it cannot. */
function refuseCutLine(hunk: Hunk | undefined, text: Lines): void {
  const last = text.count - 1;
  if (hunk?.to !== text.count || signOf(text, last) !== "+") return;
  throw malformed("Its last line adds something and has no newline, so that it may have been cut off", {
    line: last,
    hint: "End the diff with a newline.",
  });
}

/** What belongs to a change but stands in no file's section. */
const HOMELESS: readonly (readonly [RegExp, fact: string, hint?: string])[] = [
  [/^@@ -\d/, "It has a hunk without the name of a file"],
  [/^(diff --(cc|combined) |@@@ )/, "It is the combined diff of a merge", "Diff against one parent."],
  [/^GIT binary patch$/, "It has a binary patch without the name of a file"],
  [
    /^(Binary files|Files) .+ differ$/,
    "It says that binary files differ, and not how",
    "Use git diff --binary.",
  ],
  [/^Only in .+: .+$/, "It says that a file is only on one side, and not what is in it", "Use diff -N."],
];

function refuseHomeless(reader: Reader): void {
  const line = lineAt(reader, reader.at);
  const [, fact, hint] = HOMELESS.find(([pattern]) => pattern.test(line)) ?? [];
  if (fact !== undefined) throw malformed(fact, { line: reader.at, ...(hint !== undefined && { hint }) });
}

async function readSection(
  reader: Reader,
  headers: Headers,
  warnings: string[],
  pace: Pace,
): Promise<FileDiff> {
  const { line, moves, oldMode, newMode, ids } = headers;
  const names = namesOf(headers);
  const path = names.to ?? names.from ?? "";
  const isBinary = startsWith(reader, reader.at, "GIT binary patch");
  const binary = isBinary ? await parseBinary(reader, pace) : undefined;
  if (!isBinary && startsWith(reader, reader.at, "Binary files "))
    throw malformed(`It says that ${path} is binary and has changed, and not how`, {
      line: reader.at,
      hint: "Use git diff --binary, or stage the file with write and contentBase64 or blob.",
    });
  const onRecount = (at: number) =>
    warnings.push(
      `${path}: the line counts of the hunk on line ${at + 1} of the diff are wrong; counted anew`,
    );
  const hunks = isBinary ? [] : await parseHunks(reader, pace, onRecount);
  const section = { ...names, copy: moves === "copy", oldMode, newMode, ids, hunks, binary, line };
  if (saysNothing(headers, section)) throw malformed(`It says nothing about ${path}`, { line });
  if (isCutOff(section))
    throw malformed(`It says that the content of ${path} changes, and not how`, { line });
  return section;
}

/** A section of names alone: what it should have said has been cut off. */
function saysNothing(
  { creates, deletes, moves, newMode, minus }: Headers,
  { hunks, binary }: FileDiff,
): boolean {
  if (hunks.length > 0 || binary) return false;
  return minus !== undefined || !(creates || deletes || moves !== undefined || newMode !== undefined);
}

/** git's ids of the empty content, by SHA-1 and by SHA-256. */
const EMPTY = [
  "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
  "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
];

/** An index line with two ids, and no content behind it: only an empty file has none. */
function isCutOff({ ids, hunks, binary }: FileDiff): boolean {
  if (!ids || ids[0] === ids[1] || hunks.length > 0 || binary) return false;
  return !ids.every((id) => /^0+$/.test(id) || EMPTY.some((empty) => empty.startsWith(id)));
}
