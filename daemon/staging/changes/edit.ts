/**
 * edit: literal replacements in a file, in order, each on the result of the one before.
 * Bytes are searched and replaced, never decoded: line endings, BOM, invalid UTF-8 and a missing final newline come
 * through. Nothing is matched by guess: a text that is there but for its line endings is replaced with the file's kept,
 * and said to be so; so are those of lines that come into a file of CRLF. What does not match says where it nearly did (nearest.ts).
 * Bounded: so many occurrences, so large a result; the loop turns in between.
 */
import type { ChangeOf } from "../../../protocol/methods/index.ts";
import { IopipeError } from "../../../protocol/wire/errors.ts";
import type { Pace } from "../pace.ts";
import { assertThere, findPlace } from "../places.ts";
import { assertSize } from "../snapshots.ts";
import { assertBaseHash, assertUnlinked, type Context, encode, matchesOf, put } from "./context.ts";
import type { Likeness } from "./hunks/likeness.ts";
import { type Match, matchAt } from "./hunks/match.ts";
import { CR, LF } from "./hunks/text.ts";
import { linesOf, nearestLine } from "./nearest.ts";

type Edit = ChangeOf<"edit">["edits"][number];

/** Lines that a MatchAmbiguous names at most, and that are told of one edit. */
const MAX_LINES_NAMED = 100;

/** Occurrences that are counted where one is wanted. */
const MAX_COUNTED = 1000;
/** Occurrences that one edit replaces. */
const MAX_REPLACED = 1_000_000;
/** Of them, handled between two looks at the time. */
const PIECE = 1024;

export async function edit(context: Context, change: ChangeOf<"edit">): Promise<void> {
  const { view, pace } = context;
  const place = await findPlace(view, change.path, { follow: true });
  assertThere(place);
  await assertBaseHash(context, place.path, change);
  await assertUnlinked(context, place.path, change);
  const image = await view.imageOf(place.path);
  const match = [...(await matchesOf(context, place.path))];
  let bytes = await view.snapshots.bytes(image, place.path);
  for (const [n, each] of change.edits.entries()) {
    const found = await find(bytes, each, place.path, n, pace);
    const { length } = found.old;
    match.push(...matchesIn(bytes, found));
    const size = bytes.length + found.places.length * (found.now.length - length);
    assertSize(place.path, size);
    bytes = await spliced(bytes, { ...found, length, size }, pace);
  }
  const hash = await view.snapshots.keep(bytes);
  await put(context, place.path, { ...image, hash, size: bytes.length, mtimeNs: undefined }, change, {
    match,
  });
}

/** Two texts as bytes, and how alike the first one is to what was sent. */
interface Pair {
  readonly old: Buffer;
  readonly now: Buffer;
  readonly likeness: Likeness;
}

interface Found extends Pair {
  /** Offsets of the old text, ascending. */
  readonly places: readonly number[];
}

async function find(bytes: Buffer, edit: Edit, path: string, n: number, pace: Pace): Promise<Found> {
  await pace();
  const { oldText, replaceAll = false } = edit;
  const limit = replaceAll ? MAX_REPLACED : MAX_COUNTED;
  for (const pair of pairsOf(edit, path, n)) {
    const step = replaceAll ? pair.old.length : 1;
    const places = await occurrences(bytes, pair.old, { step, limit }, pace);
    if (places.length === 0) continue;
    if (places.length > 1 && !replaceAll) throw ambiguous(bytes, places, path, n);
    if (places.length > limit) throw tooMany(path, n);
    return { ...asLinesEnd(bytes, pair, places[0] as number), places };
  }
  throw notFound(bytes, oldText, path, n);
}

/** What is looked for, the strictest first: the text as it was sent, then with the other line endings in both texts. */
function pairsOf({ oldText, newText }: Edit, path: string, n: number): Pair[] {
  const old = encode(oldText, path, `edits[${n}].oldText`);
  const now = encode(newText, path, `edits[${n}].newText`);
  const pairs: Pair[] = [{ old, now, likeness: "exact" }];
  for (const end of oldText.includes("\n") ? ["\r\n", "\n"] : []) {
    const [otherOld, otherNow] = [oldText, newText].map((text) => Buffer.from(text.replace(/\r?\n/g, end)));
    if (otherOld && otherNow && !otherOld.equals(old))
      pairs.push({ old: otherOld, now: otherNow, likeness: "eol" });
  }
  return pairs;
}

/** What comes in place of a part of a line brings lines that end as that one does: few know of CRLF where they see none. */
function asLinesEnd(bytes: Buffer, pair: Pair, at: number): Pair {
  const { old, now } = pair;
  if (old.includes(LF) || old.includes(CR) || !now.includes(LF) || !endsInCrlf(bytes, at)) return pair;
  const ended = Buffer.from(now.toString("latin1").replace(/(?<!\r)\n/g, "\r\n"), "latin1");
  return ended.equals(now) ? pair : { old, now: ended, likeness: "eol" };
}

/** Whether the line at offset `at` does, or the one before it where that is the last one and has no end. */
function endsInCrlf(bytes: Buffer, at: number): boolean {
  const next = bytes.indexOf(LF, at);
  const end = next === -1 ? bytes.lastIndexOf(LF, at) : next;
  return bytes[end - 1] === CR;
}

function matchesIn(bytes: Buffer, { places, likeness }: Found): Match[] {
  return linesOf(bytes, places.slice(0, MAX_LINES_NAMED)).map((line) => matchAt(line, likeness, false));
}

/** Offsets of `text`, each at least `step` after the one before: 1 also finds those that overlap. One beyond `limit`. */
async function occurrences(
  bytes: Buffer,
  text: Buffer,
  { step, limit }: { step: number; limit: number },
  pace: Pace,
): Promise<number[]> {
  const found: number[] = [];
  for (
    let at = bytes.indexOf(text);
    at !== -1 && found.length <= limit;
    at = bytes.indexOf(text, at + step)
  ) {
    found.push(at);
    if (found.length % PIECE === 0) await pace();
  }
  return found;
}

/** `bytes` with `now` in place of the `length` bytes at each of `places`: `size` bytes in all. */
async function spliced(
  bytes: Buffer,
  { places, length, now, size }: { places: readonly number[]; length: number; now: Buffer; size: number },
  pace: Pace,
): Promise<Buffer> {
  const result = Buffer.allocUnsafe(size);
  let from = 0;
  let to = 0;
  for (const [n, at] of places.entries()) {
    to += bytes.copy(result, to, from, at);
    to += now.copy(result, to);
    from = at + length;
    if (n % PIECE === 0) await pace();
  }
  bytes.copy(result, to, from);
  return result;
}

function notFound(bytes: Buffer, oldText: string, path: string, n: number): IopipeError {
  const nearest = nearestLine(bytes, oldText);
  const where = nearest === undefined ? "" : `; the nearest line is ${nearest.line}`;
  return new IopipeError("MatchNotFound", `The text of edit ${n} is not in ${path}${where}.`, {
    path,
    edit: n,
    ...(nearest && { nearest }),
  });
}

function ambiguous(bytes: Buffer, places: readonly number[], path: string, n: number): IopipeError {
  const lines = linesOf(bytes, places.slice(0, MAX_LINES_NAMED));
  const times = places.length > MAX_COUNTED ? `over ${MAX_COUNTED}` : `${places.length}`;
  const message = `The text of edit ${n} is ${times} times in ${path}, on lines ${lines.join(", ")}.`;
  return new IopipeError("MatchAmbiguous", message, { path, edit: n, matches: places.length, lines });
}

function tooMany(path: string, n: number): IopipeError {
  const fact = `The text of edit ${n} is more than ${MAX_REPLACED} times in ${path}.`;
  const hint = "Stage the whole file with write.";
  return new IopipeError("TooLarge", fact, { path, edit: n, limit: MAX_REPLACED, hint });
}
