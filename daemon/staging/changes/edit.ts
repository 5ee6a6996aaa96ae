/**
 * edit: literal replacements in a file, in order, each on the result of the one before.
 * Bytes are searched and replaced, never decoded: line endings, BOM, invalid UTF-8 and a missing final newline come
 * through. Nothing is matched by guess; what does not match says where it nearly did (nearest.ts).
 */
import type { ChangeOf } from "../../../protocol/methods/index.ts";
import { IopipeError } from "../../../protocol/wire/errors.ts";
import { assertThere, findPlace } from "../places.ts";
import { assertBaseHash, assertUnlinked, type Context, encode, put } from "./context.ts";
import { lineOf, nearestLine } from "./nearest.ts";

type Edit = ChangeOf<"edit">["edits"][number];

/** Lines that a MatchAmbiguous names at most. */
const MAX_LINES_NAMED = 100;

export async function edit(context: Context, change: ChangeOf<"edit">): Promise<void> {
  const { view } = context;
  const place = await findPlace(view, change.path, { follow: true });
  assertThere(place);
  await assertBaseHash(context, place.path, change);
  await assertUnlinked(context, place.path, change);
  const image = await view.imageOf(place.path);
  let bytes = await view.snapshots.bytes(image.hash ?? "");
  for (const [n, each] of change.edits.entries()) bytes = replace(bytes, each, place.path, n);
  const hash = await view.snapshots.keep(bytes);
  await put(context, place.path, { ...image, hash, size: bytes.length, mtimeNs: undefined }, change);
}

function replace(
  bytes: Buffer,
  { oldText, newText, replaceAll = false }: Edit,
  path: string,
  n: number,
): Buffer {
  const old = encode(oldText, path, `edits[${n}].oldText`);
  const now = encode(newText, path, `edits[${n}].newText`);
  const places = occurrences(bytes, old, replaceAll ? old.length : 1);
  if (places.length === 0) throw notFound(bytes, oldText, path, n);
  if (places.length > 1 && !replaceAll) throw ambiguous(bytes, places, path, n);
  const parts: Buffer[] = [];
  let end = 0;
  for (const at of places) {
    parts.push(bytes.subarray(end, at), now);
    end = at + old.length;
  }
  return Buffer.concat([...parts, bytes.subarray(end)]);
}

/** Offsets of `text`, each at least `step` after the one before: 1 also finds those that overlap. */
function occurrences(bytes: Buffer, text: Buffer, step: number): number[] {
  const found: number[] = [];
  for (let at = bytes.indexOf(text); at !== -1; at = bytes.indexOf(text, at + step)) found.push(at);
  return found;
}

function notFound(bytes: Buffer, oldText: string, path: string, n: number): IopipeError {
  const nearest = nearestLine(bytes, oldText);
  const where = nearest === undefined ? "" : `; the nearest line is ${nearest.line}`;
  return new IopipeError("MatchNotFound", `The text of edit ${n} is not in ${path}${where}.`, {
    path,
    edit: n,
    ...(nearest && { nearest }),
    ...(otherLineEndings(bytes, oldText) && {
      hint: "The file's lines end with CRLF; send oldText and newText with \\r\\n.",
    }),
  });
}

/** Whether the text would match if its lines ended as the file's do. */
function otherLineEndings(bytes: Buffer, oldText: string): boolean {
  return oldText.includes("\n") && bytes.includes(oldText.replace(/\r?\n/g, "\r\n"));
}

function ambiguous(bytes: Buffer, places: readonly number[], path: string, n: number): IopipeError {
  const lines = places.slice(0, MAX_LINES_NAMED).map((at) => lineOf(bytes, at));
  const message = `The text of edit ${n} is ${places.length} times in ${path}, on lines ${lines.join(", ")}.`;
  return new IopipeError("MatchAmbiguous", message, { path, edit: n, matches: places.length, lines });
}
