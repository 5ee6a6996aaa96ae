/**
 * Where a diff's hunks belong in a file. A line number is believed where the diff is known to be about these very
 * bytes, or where nothing speaks against it: all hunks fit where they say. Else each hunk must fit in one place alone.
 * Never by likeness beyond line endings, never at the nearest of several places.
 */
import { IopipeError } from "../../../../protocol/wire/errors.ts";
import type { Lines } from "../../diff/lines.ts";
import type { Pace } from "../../pace.ts";
import type { Hunk } from "../hunks/hunk.ts";
import type { Likeness } from "../hunks/likeness.ts";
import { nearestTo } from "../hunks/nearest.ts";
import { openSearch, type Search } from "../hunks/search.ts";
import type { Placed } from "../hunks/splice.ts";
import type { Proof } from "./proof.ts";

const LIKENESSES: readonly Likeness[] = ["exact", "eol"];

interface About {
  readonly path: string;
  /** Whether the diff is about these bytes. */
  readonly proof: Proof;
  readonly pace: Pace;
}

/** The hunks with their places, in the file's order. @throws {IopipeError} MatchNotFound, MatchAmbiguous, TooLarge */
export async function placeHunks(file: Lines, hunks: readonly Hunk[], about: About): Promise<Placed[]> {
  const search = openSearch(file, { likenesses: LIKENESSES, ...about });
  const stated = await asStated(file, hunks, search, about.proof);
  if (stated && about.proof !== "other") return stated;
  const placed: Placed[] = [];
  for (const [n, hunk] of hunks.entries()) placed.push(await only(file, hunk, n, search, about));
  placed.sort((a, b) => a.at - b.at);
  for (const [n, each] of placed.entries())
    if (overlaps(placed[n - 1], each)) throw overlap(each, hunks, about);
  return placed;
}

/** All hunks where they say; undefined where one does not fit there, or nothing is there to tell. */
async function asStated(
  file: Lines,
  hunks: readonly Hunk[],
  search: Search,
  proof: Proof,
): Promise<Placed[] | undefined> {
  const placed: Placed[] = [];
  for (const hunk of hunks) {
    const { start: at } = hunk;
    const likeness = at === undefined ? undefined : await search.fitAt(hunk, at);
    if (at === undefined || likeness === undefined) return undefined;
    const isProven = proof === "base" || file.count === 0 || hunk.old.length > 0;
    const next = { hunk, at, likeness };
    if (!isProven || overlaps(placed.at(-1), next)) return undefined;
    placed.push(next);
  }
  return placed;
}

/** The hunk in the only place where it fits. */
async function only(file: Lines, hunk: Hunk, n: number, search: Search, { path }: About): Promise<Placed> {
  const data = { path, hunk: n, diffLine: hunk.from };
  if (hunk.old.length === 0)
    throw new IopipeError(
      "MatchAmbiguous",
      `Hunk ${n + 1} of ${path} shows no line of it, so that it fits anywhere.`,
      {
        ...data,
        lines: [],
        hint: "Make the diff with lines of context (git diff -U3), or give baseHash.",
      },
    );
  const found = await search.find(hunk, [{ from: 0, to: file.count }]);
  const [at, ...others] = found?.places ?? [];
  if (found === undefined || at === undefined) throw notFound(file, hunk, n, path);
  if (others.length === 0) return { hunk, at, likeness: found.likeness };
  const lines = found.places.map((place) => place + 1);
  throw new IopipeError("MatchAmbiguous", `Hunk ${n + 1} of ${path} fits on lines ${lines.join(", ")}.`, {
    ...data,
    lines,
    hint: "Make the diff again from the content that file/read gives, with more lines of context.",
  });
}

function overlaps(before: Placed | undefined, { at }: Placed): boolean {
  return before !== undefined && at < before.at + before.hunk.old.length;
}

function overlap({ hunk, at }: Placed, hunks: readonly Hunk[], { path }: About): IopipeError {
  const n = hunks.indexOf(hunk);
  return new IopipeError(
    "MatchNotFound",
    `Hunk ${n + 1} of ${path} fits only on line ${at + 1}, which another has.`,
    {
      path,
      hunk: n,
      diffLine: hunk.from,
    },
  );
}

function notFound(file: Lines, hunk: Hunk, n: number, path: string): IopipeError {
  const nearest = nearestTo(file, hunk);
  const { start, atStart, atEnd } = hunk;
  const said = start === undefined ? "" : `, said to be at line ${start + 1},`;
  const edge = atStart ? " at its beginning" : atEnd ? " at its end" : "";
  const where = nearest === undefined ? "" : `; the nearest line is ${nearest.line}`;
  return new IopipeError("MatchNotFound", `Hunk ${n + 1} of ${path}${said} does not fit${edge}${where}.`, {
    path,
    hunk: n,
    diffLine: hunk.from,
    ...(start !== undefined && { line: start + 1 }),
    ...(nearest && { nearest }),
    ...(edge !== "" && { hint: EDGE_HINT }),
  });
}

const EDGE_HINT =
  "A hunk that adds lines without a line of context on one side, or says that no newline follows, is about the file's beginning or end; else show the lines around.";
