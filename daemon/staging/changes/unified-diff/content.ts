/**
 * The content of one section: what its hunks or its binary payload make of a file's bytes.
 * A place is believed as far as the diff's ids prove what it is about (proof.ts); a payload only where they prove it all.
 */
import type { ChangeOf, Image } from "../../../../protocol/methods/index.ts";
import { IopipeError } from "../../../../protocol/wire/errors.ts";
import type { Pace } from "../../pace.ts";
import type { Context } from "../context.ts";
import { type Match, matchAt } from "../hunks/match.ts";
import { splice } from "../hunks/splice.ts";
import { splitText } from "../hunks/text.ts";
import { applyBinary } from "./binary.ts";
import { malformed } from "./malformed.ts";
import type { FileDiff } from "./parse.ts";
import { placeHunks } from "./place.ts";
import { hasId, isWholeId, type Proof, proofOf } from "./proof.ts";

interface Content {
  readonly bytes: Buffer;
  readonly match: readonly Match[];
}

interface Old {
  readonly old: Image;
  readonly path: string;
  readonly change: ChangeOf<"unifiedDiff">;
}

/** Of a file or link that is there. @throws {IopipeError} MatchNotFound, MatchAmbiguous, PatchMalformed, TooLarge */
export async function contentAfter(
  { view, pace }: Context,
  file: FileDiff,
  { old, path, change }: Old,
): Promise<Content> {
  const bytes =
    old.type === "symlink" ? Buffer.from(old.target ?? "") : await view.snapshots.bytes(old, path);
  if (file.binary) {
    const match = [matchAt(1, "exact", false)];
    return { bytes: await binaryAfter(file, bytes, path, pace), match };
  }
  const isNamed = change.baseHash !== undefined;
  const proof = isNamed ? "base" : await proofOf(bytes, file.ids?.[0], pace);
  return hunksAfter(bytes, file, path, proof, pace);
}

/** Of a file that comes. @throws {IopipeError} as contentAfter */
export async function contentOfNew(file: FileDiff, path: string, pace: Pace): Promise<Buffer> {
  const nothing = Buffer.alloc(0);
  if (file.binary) return binaryAfter(file, nothing, path, pace);
  return (await hunksAfter(nothing, file, path, "unknown", pace)).bytes;
}

async function hunksAfter(
  bytes: Buffer,
  { hunks }: FileDiff,
  path: string,
  proof: Proof,
  pace: Pace,
): Promise<Content> {
  if (hunks.length === 0) return { bytes, match: [] };
  const lines = await splitText(bytes, pace);
  const placed = await placeHunks(lines, hunks, { path, proof, pace });
  const match = placed.map(({ hunk, at, likeness }) => matchAt(at + 1, likeness, at !== hunk.start));
  return { bytes: await splice(lines, placed, path, pace), match };
}

/** As in git, a binary patch is taken only where whole ids say what it is from and to, and the bytes bear them out. */
async function binaryAfter(
  { ids, binary, line }: FileDiff,
  old: Buffer,
  path: string,
  pace: Pace,
): Promise<Buffer> {
  const [from, to] = ids ?? [];
  if (!binary || from === undefined || to === undefined || !isWholeId(from) || !isWholeId(to))
    throw malformed(`The binary patch of ${path} has no index line with whole ids`, {
      line,
      hint: "Use git diff --binary, or stage the file with write and contentBase64 or blob.",
    });
  if (!(await isContent(old, from, pace)))
    throw new IopipeError(
      "MatchNotFound",
      `The binary patch of ${path} is about other bytes than those there.`,
      {
        path,
        expected: from,
        diffLine: line + 1,
        hint: "Make the diff again from the content that file/read gives, or stage the file with write.",
      },
    );
  const bytes = await applyBinary(binary, old, path, pace);
  if (await isContent(bytes, to, pace)) return bytes;
  throw malformed(`The binary patch of ${path} does not give the bytes that its index line names`, { line });
}

/** An id of zeros is of no content: that of a file before it is made, and after it is deleted. */
async function isContent(bytes: Buffer, id: string, pace: Pace): Promise<boolean> {
  return /^0+$/.test(id) ? bytes.length === 0 : hasId(bytes, id, pace);
}
