/**
 * Applying hunks to bytes: exactly, with every context line, where the hunk says, or in the only other place where it
 * fits. Never by likeness, never where it fits twice.
 */
import { IopipeError } from "../../../protocol/wire/errors.ts";
import { type Lines, line, splitLines } from "../diff/lines.ts";
import type { ByteHunk } from "./parse-diff.ts";

/** @throws {IopipeError} MatchNotFound or MatchAmbiguous, naming the hunk and the lines */
export function applyHunks(bytes: Buffer, hunks: readonly ByteHunk[], path: string): Buffer {
  const lines = splitLines(bytes);
  const parts: Buffer[] = [];
  let end = 0;
  let drift = 0;
  for (const [n, hunk] of hunks.entries()) {
    const at = findPlace(lines, hunk, end, hunk.start + drift, path, n);
    drift = at - hunk.start;
    parts.push(bytes.subarray(lines.starts[end], lines.starts[at]), ...hunk.now);
    end = at + hunk.old.length;
  }
  return Buffer.concat([...parts, bytes.subarray(lines.starts[end])]);
}

/** The 0-based line of the hunk's old lines, at or after `from`. */
function findPlace(
  lines: Lines,
  hunk: ByteHunk,
  from: number,
  expected: number,
  path: string,
  n: number,
): number {
  if (expected >= from && fits(lines, hunk, expected)) return expected;
  const places: number[] = [];
  // An insertion without context fits everywhere: only its own line proves its place.
  const last = hunk.old.length === 0 ? -1 : lines.count - hunk.old.length;
  for (let at = from; at <= last && places.length <= 1; at++) if (fits(lines, hunk, at)) places.push(at);
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
