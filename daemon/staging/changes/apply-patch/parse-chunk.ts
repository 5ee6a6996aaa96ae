/** The chunks of an update: lines behind `@@` that lead to a place, and the lines around a change. */
import { PACE_LINES } from "../../pace.ts";
import { collectOld, type Hunk, isBlank, signOf } from "../hunks/hunk.ts";
import { endOfBody, type Span, spanOf } from "../hunks/text.ts";
import { malformed, markerAt, type Reader, skipBlank, unexpected } from "./reader.ts";

export interface Chunk {
  /** Lines behind `@@`, outermost first, below which the chunk lies. */
  readonly anchors: readonly Span[];
  readonly hunk: Hunk;
}

const END_OF_FILE = "*** End of File";

/** All up to the next file or the end. @throws {IopipeError} PatchMalformed for a line that has no place there */
export async function readChunks(reader: Reader): Promise<Chunk[]> {
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
    if (reader.at % PACE_LINES === 0) await pace();
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
