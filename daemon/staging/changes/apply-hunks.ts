/**
 * Applying hunks to bytes: exactly, with every context line, where the hunk says, or in the only other place where it
 * fits. Never by likeness, never where it fits twice. The loop turns in between.
 */
import { IopipeError } from "../../../protocol/wire/errors.ts";
import { type Lines, line, splitLines } from "../diff/lines.ts";
import type { Pace } from "../pace.ts";
import type { ByteHunk } from "./parse-diff.ts";

/** @throws {IopipeError} MatchNotFound or MatchAmbiguous, naming the hunk and the lines */
export async function applyHunks(
  bytes: Buffer,
  hunks: readonly ByteHunk[],
  path: string,
  pace: Pace,
): Promise<Buffer> {
  const lines = splitLines(bytes);
  const parts: Buffer[] = [];
  let end = 0;
  let drift = 0;
  for (const [n, hunk] of hunks.entries()) {
    const at = await findPlace(lines, hunk, { from: end, expected: hunk.start + drift, path, n }, pace);
    drift = at - hunk.start;
    parts.push(bytes.subarray(lines.starts[end], lines.starts[at]), ...hunk.now);
    end = at + hunk.old.length;
  }
  return Buffer.concat([...parts, bytes.subarray(lines.starts[end])]);
}

/** Lines compared between two looks at the time. */
const PIECE = 1024;

interface Wanted {
  /** The first line that it may lie at. */
  readonly from: number;
  readonly expected: number;
  readonly path: string;
  /** Its number, for the message. */
  readonly n: number;
}

/** The 0-based line of the hunk's old lines, at or after `from`. */
async function findPlace(
  lines: Lines,
  hunk: ByteHunk,
  { from, expected, path, n }: Wanted,
  pace: Pace,
): Promise<number> {
  await pace();
  if (expected >= from && fits(lines, hunk, expected)) return expected;
  const places: number[] = [];
  // An insertion without context fits everywhere: only its own line proves its place.
  const last = hunk.old.length === 0 ? -1 : lines.count - hunk.old.length;
  const piece = Math.ceil(PIECE / (hunk.old.length + 1));
  for (let at = from; at <= last && places.length <= 1; at++) {
    if (fits(lines, hunk, at)) places.push(at);
    if (at % piece === 0) await pace();
  }
  const [only, other] = places;
  if (only !== undefined && other === undefined) return only;
  const data = { path, hunk: n, line: expected + 1 };
  if (only === undefined)
    throw new IopipeError(
      "MatchNotFound",
      `Hunk ${n + 1} of ${path} does not fit at line ${expected + 1}.`,
      data,
    );
  throw new IopipeError("MatchAmbiguous", `Hunk ${n + 1} of ${path} fits in several places.`, {
    ...data,
    lines: places.map((at) => at + 1),
    hint: "Make the diff again from the content that file/read gives.",
  });
}

function fits(lines: Lines, { old }: ByteHunk, at: number): boolean {
  if (at + old.length > lines.count) return false;
  return old.every((bytes, n) => bytes.equals(line(lines, at + n)));
}
