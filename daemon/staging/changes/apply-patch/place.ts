/**
 * Where the chunks of an update belong: each below its anchors and behind the chunk before it, where its old lines are
 * once. An anchor is a line that has to be there; what is indented below it is its block, and counts before the rest.
 * Never the first of several places, as others do it: a file that has changed would be patched in the wrong one.
 */
import { IopipeError } from "../../../../protocol/wire/errors.ts";
import type { Lines } from "../../diff/lines.ts";
import type { Pace } from "../../pace.ts";
import { contentOf, type Hunk } from "../hunks/hunk.ts";
import type { Likeness } from "../hunks/likeness.ts";
import { nearestTo } from "../hunks/nearest.ts";
import { openSearch, type Range, type Search } from "../hunks/search.ts";
import type { Placed } from "../hunks/splice.ts";
import { bytesOf, endOf, type Span, sameBytes, spanOf } from "../hunks/text.ts";
import type { Chunk } from "./parse-chunk.ts";

const LIKENESSES: readonly Likeness[] = ["exact", "eol", "trailingSpace"];

/** Lines that an anchor may be; with more of them it tells nothing. */
const MAX_ANCHORED = 100;

interface About {
  readonly path: string;
  readonly pace: Pace;
}

/** @throws {IopipeError} MatchNotFound, MatchAmbiguous, TooLarge */
export async function placeChunks(file: Lines, chunks: readonly Chunk[], about: About): Promise<Placed[]> {
  const search = openSearch(file, { likenesses: LIKENESSES, ...about });
  const placed: Placed[] = [];
  let from = 0;
  for (const [n, chunk] of chunks.entries()) {
    const next = await placeChunk({ file, search, from, ...about }, chunk, n);
    from = next.at + chunk.hunk.old.length;
    placed.push(next);
  }
  return placed;
}

interface Looking extends About {
  readonly file: Lines;
  readonly search: Search;
  /** The line behind the chunk before. */
  readonly from: number;
}

async function placeChunk(looking: Looking, chunk: Chunk, n: number): Promise<Placed> {
  const { file, search, path } = looking;
  const { hunk } = chunk;
  const about = { path, chunk: n, patchLine: hunk.from + 1 };
  if (hunk.old.length === 0) {
    if (hunk.atEnd || file.count === 0) return atEnd(file, hunk);
    throw new IopipeError(
      "MatchAmbiguous",
      `Chunk ${n + 1} for ${path} shows no line of it, so that it fits anywhere.`,
      {
        ...about,
        lines: [],
        hint: "Show the lines around what is added, or say *** End of File.",
      },
    );
  }
  const found =
    (await search.find(hunk, await below(looking, chunk.anchors, about, search.blockEnd))) ??
    (await search.find(hunk, await below(looking, chunk.anchors, about, noEnd)));
  const [at, ...others] = found?.places ?? [];
  if (found === undefined || at === undefined) throw notFound(file, chunk, n, about);
  if (others.length === 0) return { hunk, at, likeness: found.likeness };
  const lines = found.places.map((place) => place + 1);
  throw new IopipeError("MatchAmbiguous", `Chunk ${n + 1} for ${path} fits on lines ${lines.join(", ")}.`, {
    ...about,
    lines,
    hint: "Show more lines around the change, or name the function or class that it is in behind @@.",
  });
}

/** Behind the last line, and ended as that is. */
function atEnd(file: Lines, hunk: Hunk): Placed {
  const at = file.count;
  const isAlike = at === 0 || sameBytes(endOf(spanOf(file, at - 1)), endOf(contentOf(hunk, hunk.from)));
  return { hunk, at, likeness: isAlike ? "exact" : "eol" };
}

type EndOf = (line: number) => Promise<number | undefined>;

const noEnd: EndOf = () => Promise.resolve(undefined);

/**
 * The ranges below each anchor in turn, behind the chunk before: several chunks may have one anchor.
 * `endOf`: where an anchor's block ends, if it has one.
 */
async function below(
  { file, search, from: least, path }: Looking,
  anchors: readonly Span[],
  about: Readonly<Record<string, unknown>>,
  endOf: EndOf,
): Promise<readonly Range[]> {
  let ranges: readonly Range[] = [{ from: 0, to: file.count }];
  for (const anchor of anchors) {
    const lines = await search.linesLike(anchor, MAX_ANCHORED);
    const inside: Range[] = [];
    for (const { from, to } of ranges)
      for (const line of lines)
        if (line >= from && line < to)
          inside.push({ from: line, to: Math.min(to, (await endOf(line)) ?? to) });
    assertAnchored(anchor, inside.length, path, about);
    ranges = inside;
  }
  return ranges.map(({ from, to }) => ({ from: Math.max(from, least), to }));
}

/** Bytes of an anchor that a message shows. */
const MAX_SHOWN = 200;

function assertAnchored(
  anchor: Span,
  count: number,
  path: string,
  about: Readonly<Record<string, unknown>>,
): void {
  const shown = JSON.stringify(bytesOf(anchor).subarray(0, MAX_SHOWN).toString());
  if (count === 0)
    throw new IopipeError("MatchNotFound", `There is no line ${shown} in ${path} where it is looked for.`, {
      ...about,
      hint: "Behind @@ stands a whole line of the file, above the change and in its order.",
    });
  if (count > MAX_ANCHORED)
    throw new IopipeError("MatchAmbiguous", `The line ${shown} is in ${path} too often to tell the way.`, {
      ...about,
      lines: [],
    });
}

function notFound(
  file: Lines,
  { hunk }: Chunk,
  n: number,
  about: { readonly path: string } & Readonly<Record<string, unknown>>,
): IopipeError {
  const nearest = nearestTo(file, hunk);
  const where = nearest === undefined ? "" : `; the nearest line is ${nearest.line}`;
  const edge = hunk.atEnd ? " at its end" : "";
  const fact = `The old lines of chunk ${n + 1} are not in ${about.path}${edge}${where}.`;
  return new IopipeError("MatchNotFound", fact, { ...about, ...(nearest && { nearest }) });
}
