/**
 * The `*** Begin Patch` form as data: files to add, to delete, to update and to move, an update in chunks that show the
 * lines around a change instead of their numbers. Several patches in one text are one after the other. What stands around
 * them (a shell's here-document) is passed over, but no file's changes.
 * Source: the grammar in openai/codex, codex-rs/apply-patch/apply_patch_tool_instructions.md.
 */
import { PACE_LINES, type Pace } from "../../pace.ts";
import { type Hunk, signOf } from "../hunks/hunk.ts";
import { LF, splitText } from "../hunks/text.ts";
import { type Chunk, readChunks } from "./parse-chunk.ts";
import { END, malformed, markerAt, type Reader, skipBlank, unexpected } from "./reader.ts";

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
const FILE = /^\*\*\* (Add|Delete|Update) File: (.*)$/;
const MOVE = /^\*\*\* Move to: (.*)$/;

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
    if (reader.at % PACE_LINES === 0) await reader.pace();
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
    if (reader.at % PACE_LINES === 0) await pace();
  return { text, from, to: reader.at, old: new Uint32Array(0) };
}
