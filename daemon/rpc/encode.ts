/**
 * Encoding: answers as JSON, in UTF-8.
 * A large one is encoded in pieces, and the loop turns between them: several megabytes at once are some 30 ms in which no
 * other client is answered.
 * INVARIANT: the bytes are those of JSON.stringify, but that a surrogate pair on the border of two pieces is escaped, which
 * every parser reads as the same.
 */
import { setImmediate as turnOfTheLoop } from "node:timers/promises";

/** In characters: what is encoded in one go takes about half a millisecond. */
const LARGE = 128 * 1024;
/** Of a long string at once, and in one buffer. */
const PIECE = 64 * 1024;
/** Worked between two turns of the loop. */
const SLICE_MS = 4;
/** What a member counts beside its characters. */
const MEMBER = 8;

/** @throws what JSON.stringify does: of a bigint */
export async function encodeJson(value: unknown): Promise<readonly Buffer[]> {
  if (!isLarge(value)) return [Buffer.from(JSON.stringify(value))];
  const buffers: Buffer[] = [];
  let text = "";
  let began = performance.now();
  for (const piece of piecesOf(value)) {
    text += piece;
    if (text.length < PIECE) continue;
    buffers.push(Buffer.from(text));
    text = "";
    if (performance.now() - began < SLICE_MS) continue;
    await turnOfTheLoop();
    began = performance.now();
  }
  return [...buffers, Buffer.from(text)];
}

function* piecesOf(value: unknown): Generator<string> {
  if (typeof value === "string" && value.length > PIECE) yield* piecesOfString(value);
  else if (typeof value !== "object" || value === null || !isLarge(value))
    yield JSON.stringify(value) ?? "null";
  else if (Array.isArray(value)) yield* piecesOfArray(value);
  else yield* piecesOfObject(value);
}

function* piecesOfString(text: string): Generator<string> {
  yield '"';
  for (let at = 0; at < text.length; at += PIECE)
    yield JSON.stringify(text.slice(at, at + PIECE)).slice(1, -1);
  yield '"';
}

function* piecesOfArray(members: readonly unknown[]): Generator<string> {
  let before = "[";
  for (const member of members) {
    yield before;
    yield* piecesOf(member);
    before = ",";
  }
  yield "]";
}

function* piecesOfObject(value: object): Generator<string> {
  let before = "{";
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined) continue;
    yield `${before}${JSON.stringify(name)}:`;
    yield* piecesOf(member);
    before = ",";
  }
  yield "}";
}

function isLarge(value: unknown): boolean {
  return leftOf(LARGE, value) < 0;
}

/** `left` less the size of `value`; negative, and no more of it is looked at, where it is larger. */
function leftOf(left: number, value: unknown): number {
  if (typeof value === "string") return left - value.length;
  if (typeof value !== "object" || value === null) return left - MEMBER;
  let rest = left;
  for (const member of Array.isArray(value) ? value : Object.values(value)) {
    rest = leftOf(rest - MEMBER, member);
    if (rest < 0) break;
  }
  return rest;
}
