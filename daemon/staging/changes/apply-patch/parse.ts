/**
 * The `*** Begin Patch` form as data: files to add, to delete, to update and to move, an update in chunks that show the
 * lines around a change instead of their numbers. Several patches in one text are one after the other. What stands around
 * them (a shell's here-document) is passed over, but no file's changes.
 * Source: the grammar in openai/codex, codex-rs/apply-patch/apply_patch_tool_instructions.md.
 */
import { IopipeError } from "../../../../protocol/wire/errors.ts";
import type { Lines } from "../../diff/lines.ts";
import type { Pace } from "../../pace.ts";
import { collectOld, type Hunk, isBlank, signOf } from "../hunks/hunk.ts";
import { bytesOf, endOfBody, LF, type Span, spanOf, splitText } from "../hunks/text.ts";

export interface Chunk {
  /** Lines behind `@@`, outermost first, below which the chunk lies. */
  readonly anchors: readonly Span[];
  readonly hunk: Hunk;
}

export type Step =
  | { readonly kind: "add"; readonly path: string; readonly content: Hunk }
  | { readonly kind: "delete"; readonly path: string }
  | {
      readonly kind: "update";
      readonly path: string;
      readonly to?: string;
      readonly chunks: readonly Chunk[];
    };

const BEGIN = "*** Begin Patch";
const END = "*** End Patch";
const END_OF_FILE = "*** End of File";
const FILE = /^\*\*\* (Add|Delete|Update) File: (.*)$/;
const MOVE = /^\*\*\* Move to: (.*)$/;

/** Lines between two looks at the time. */
const PIECE = 512;

interface Reader {
  readonly text: Lines;
  readonly pace: Pace;
  /** The next line, 0-based. */
  at: number;
}

/** @throws {IopipeError} PatchMalformed for what is no complete patch */
export async function parseApplyPatch(bytes: Buffer, pace: Pace): Promise<Step[]> {
  const isWhole = bytes.length === 0 || bytes[bytes.length - 1] === LF;
  const text = await splitText(isWhole ? bytes : Buffer.concat([bytes, Buffer.of(LF)]), pace);
  const reader: Reader = { text, pace, at: 0 };
  if (!(await findBegin(reader))) throw malformed(`It has no line \`${BEGIN}\``);
  const steps: Step[] = [];
  do await readSteps(reader, steps);
  while (await findBegin(reader));
  return steps;
}

/** Goes on behind the next `*** Begin Patch`, if there is one. @throws {IopipeError} PatchMalformed for a file before it */
async function findBegin(reader: Reader): Promise<boolean> {
  for (; reader.at < reader.text.count; reader.at++) {
    if (reader.at % PIECE === 0) await reader.pace();
    const marker = markerAt(reader, reader.at);
    if (FILE.test(marker ?? "")) throw malformed(`A file stands outside of \`${BEGIN}\``, reader.at);
    if (marker !== BEGIN) continue;
    reader.at++;
    return true;
  }
  return false;
}

/** Up to and with `*** End Patch`. */
async function readSteps(reader: Reader, steps: Step[]): Promise<void> {
  const before = steps.length;
  for (;;) {
    skipBlank(reader);
    const line = reader.at;
    const marker = markerAt(reader, line);
    if (marker === END) break;
    const [, kind, path] = FILE.exec(marker ?? "") ?? [];
    if (kind === undefined || path === undefined) throw unexpected(reader, line);
    reader.at++;
    steps.push(await readStep(reader, kind, path));
  }
  if (steps.length === before) throw malformed("It changes no file", reader.at);
  reader.at++;
}

function skipBlank(reader: Reader): void {
  while (reader.at < reader.text.count && isBlank(reader.text, reader.at)) reader.at++;
}

/** Longest marker that is read, in bytes: a path of PATH_MAX and what is before it. */
const MAX_MARKER_BYTES = 8192;

/** A line that begins with `***`, without its end; undefined for any other. */
function markerAt({ text }: Reader, n: number): string | undefined {
  if (n >= text.count) return undefined;
  const span = spanOf(text, n);
  if (text.bytes.toString("latin1", span.from, span.from + 4) !== "*** ") return undefined;
  return text.bytes
    .toString("utf8", span.from, Math.min(endOfBody(span), span.from + MAX_MARKER_BYTES))
    .trimEnd();
}

async function readStep(reader: Reader, kind: string, path: string): Promise<Step> {
  if (kind === "Delete") return { kind: "delete", path };
  if (kind === "Add") return { kind: "add", path, content: await readAdded(reader) };
  const [, to] = MOVE.exec(markerAt(reader, reader.at) ?? "") ?? [];
  if (to !== undefined) reader.at++;
  const line = reader.at;
  const chunks = await readChunks(reader);
  if (chunks.length === 0 && to === undefined) throw malformed(`It says nothing about ${path}`, line);
  return { kind: "update", path, chunks, ...(to !== undefined && { to }) };
}

async function readAdded(reader: Reader): Promise<Hunk> {
  const { text, pace } = reader;
  const from = reader.at;
  for (; reader.at < text.count && signOf(text, reader.at) === "+"; reader.at++)
    if (reader.at % PIECE === 0) await pace();
  return { text, from, to: reader.at, old: new Uint32Array(0) };
}

async function readChunks(reader: Reader): Promise<Chunk[]> {
  const chunks: Chunk[] = [];
  for (;;) {
    skipBlank(reader);
    const marker = markerAt(reader, reader.at);
    if (reader.at >= reader.text.count || (marker !== undefined && marker !== END_OF_FILE)) return chunks;
    chunks.push(await readChunk(reader));
  }
}

async function readChunk(reader: Reader): Promise<Chunk> {
  const anchors: Span[] = [];
  for (let anchor = anchorAt(reader); anchor; anchor = anchorAt(reader)) {
    if (anchor.to > anchor.from) anchors.push(anchor);
    reader.at++;
  }
  const { text, pace } = reader;
  const from = reader.at;
  const old = collectOld(text.count - from);
  let to = from;
  let hasChange = false;
  for (; reader.at < text.count; reader.at++) {
    if (reader.at % PIECE === 0) await pace();
    if (markerAt(reader, reader.at) !== undefined || anchorAt(reader)) break;
    const sign = signOf(text, reader.at);
    if (sign === "other" || sign === "\\") throw unexpected(reader, reader.at);
    hasChange ||= sign !== " ";
    if (sign !== "+") old.add(reader.at);
    // Blank lines before what comes next are no lines of context.
    if (!isBlank(text, reader.at)) to = reader.at + 1;
  }
  if (!hasChange) throw malformed("It has a chunk that changes nothing", from);
  const atEnd = markerAt(reader, reader.at) === END_OF_FILE;
  if (atEnd) reader.at++;
  return { anchors, hunk: { text, from, to, old: old.all().filter((n) => n < to), atEnd } };
}

const AT = 0x40;
const SPACE = 0x20;

/** What stands behind `@@` on the next line; empty for `@@` alone, undefined where there is none. */
function anchorAt({ text, at }: Reader): Span | undefined {
  if (at >= text.count) return undefined;
  const span = spanOf(text, at);
  const { bytes, from } = span;
  if (bytes[from] !== AT || bytes[from + 1] !== AT) return undefined;
  const to = endOfBody(span);
  return { bytes, from: Math.min(to, from + (bytes[from + 2] === SPACE ? 3 : 2)), to };
}

/** Of a line that is quoted in a message, in bytes. */
const MAX_QUOTED_BYTES = 80;

function unexpected({ text }: Reader, line: number): IopipeError {
  if (line >= text.count)
    return malformed(
      `It ends without \`${END}\``,
      undefined,
      "Send the whole patch; it may have been cut off.",
    );
  const span = spanOf(text, line);
  const shown = bytesOf({ ...span, to: Math.min(endOfBody(span), span.from + MAX_QUOTED_BYTES) });
  return malformed(`This line has no place here: ${JSON.stringify(shown.toString())}`, line, LINES_HINT);
}

const LINES_HINT =
  "Lines of a file begin with a space, `-` or `+`; between files stand `*** Add File: `, `*** Delete File: ` or `*** Update File: ` with a path.";

/** `line`: 0-based; told 1-based, as `patchLine`. */
function malformed(fact: string, line?: number, hint?: string): IopipeError {
  const where = line === undefined ? "" : ` (line ${line + 1} of the patch)`;
  return new IopipeError("PatchMalformed", `The patch cannot be used: ${fact}${where}.`, {
    ...(line !== undefined && { patchLine: line + 1 }),
    ...(hint !== undefined && { hint }),
  });
}
