/**
 * Hunks put into a file: what stays is the file's own bytes, what comes is the patch's.
 * Where the file's lines end otherwise than the patch's, a line that comes ends as its neighbour in the file does: line
 * endings are kept, unless the patch is about them. The loop turns in between.
 */
import type { Lines } from "../../diff/lines.ts";
import type { Pace } from "../../pace.ts";
import { assertSize } from "../../snapshots.ts";
import { contentOf, type Hunk, signOf } from "./hunk.ts";
import type { Likeness } from "./likeness.ts";
import { endOf, endOfBody, isTerminated, type Span, sameBytes, spanOf } from "./text.ts";

export interface Placed {
  readonly hunk: Hunk;
  /** 0-based line of the file at which the old lines begin. */
  readonly at: number;
  readonly likeness: Likeness;
}

/** Pieces put together between two looks at the time. */
const PIECE = 512;

/** The new content. `placed` ascend and do not overlap. @throws {IopipeError} TooLarge */
export async function splice(
  file: Lines,
  placed: readonly Placed[],
  path: string,
  pace: Pace,
): Promise<Buffer> {
  let size = 0;
  let pieces = 0;
  for (const { from, to } of spansOf(file, placed)) {
    size += to - from;
    if (++pieces % PIECE === 0) await pace();
  }
  assertSize(path, size);
  const result = Buffer.allocUnsafe(size);
  let at = 0;
  for (const { bytes, from, to } of spansOf(file, placed)) {
    at += bytes.copy(result, at, from, to);
    if (++pieces % PIECE === 0) await pace();
  }
  return result;
}

function* spansOf(file: Lines, placed: readonly Placed[]): Generator<Span> {
  const { bytes, starts, count } = file;
  let done = 0;
  for (const each of placed) {
    yield { bytes, from: starts[done] as number, to: starts[each.at] as number };
    done = yield* hunkOf(file, each);
  }
  yield { bytes, from: starts[done] as number, to: starts[count] as number };
}

/** One hunk's part of the new content; the line of the file behind it. */
function* hunkOf(file: Lines, { hunk, at, likeness }: Placed): Generator<Span, number> {
  const { text, from, to } = hunk;
  let neighbour = likeness === "exact" ? undefined : firstPair(file, hunk, at);
  let line = at;
  for (let n = from; n < to; n++) {
    const sign = signOf(text, n);
    if (sign === "+") yield* incoming(contentOf(hunk, n), neighbour);
    if (sign !== " " && sign !== "-") continue;
    const inFile = spanOf(file, line++);
    if (sign === " ") yield inFile;
    if (neighbour && isTerminated(inFile)) neighbour = { inFile, inPatch: contentOf(hunk, n) };
  }
  return line;
}

/** An old line as the patch and as the file have it. */
interface Pair {
  readonly inPatch: Span;
  readonly inFile: Span;
}

/** Of a hunk without old lines, which stands at the file's end: the line before, against what comes behind it. */
function firstPair(file: Lines, hunk: Hunk, at: number): Pair {
  for (let n = hunk.from; n < hunk.to; n++) {
    const sign = signOf(hunk.text, n);
    if (sign === " " || sign === "-") return { inPatch: contentOf(hunk, n), inFile: spanOf(file, at) };
  }
  return { inPatch: contentOf(hunk, hunk.from), inFile: spanOf(file, at - 1) };
}

/** A line that comes, with its neighbour's line ending where it has the one that the patch has there. */
function* incoming(span: Span, neighbour: Pair | undefined): Generator<Span> {
  if (neighbour && sameBytes(endOf(span), endOf(neighbour.inPatch))) {
    yield { ...span, to: endOfBody(span) };
    yield endOf(neighbour.inFile);
  } else yield span;
}
