/** One section of a diff, resolved: what leaves its path and what arrives at one, with the bytes that it then has. */
import type { ChangeOf, Image } from "../../../../protocol/methods/index.ts";
import { IopipeError } from "../../../../protocol/wire/errors.ts";
import type { Pace } from "../../pace.ts";
import { assertThere, findPlace } from "../../places.ts";
import type { View } from "../../view.ts";
import { assertBaseHash, assertUnlinked, type Context, matchesOf } from "../context.ts";
import { assertTarget, originOf } from "../entries.ts";
import { type Match, matchAt } from "../hunks/match.ts";
import { splice } from "../hunks/splice.ts";
import { splitText } from "../hunks/text.ts";
import { applyBinary } from "./binary.ts";
import { malformed } from "./malformed.ts";
import type { FileDiff } from "./parse.ts";
import { placeHunks } from "./place.ts";
import { hasId, isWholeId, type Proof, proofOf } from "./proof.ts";

/** What is at a path when the whole diff is applied. */
export interface Arrival {
  readonly path: string;
  readonly image: Image;
  /** The path on disk that it is renamed from. */
  readonly from?: string | undefined;
  readonly match: readonly Match[];
  /** Whether it was at this path before, and changed there. */
  readonly wasThere: boolean;
}

export interface Effect {
  readonly leaves?: string;
  readonly arrival?: Arrival;
}

interface Given {
  readonly change: ChangeOf<"unifiedDiff">;
  /** What an earlier section made of this file. */
  readonly before: Arrival | undefined;
  readonly pace: Pace;
}

export async function resolveSection(context: Context, file: FileDiff, given: Given): Promise<Effect> {
  const { change, before, pace } = given;
  const { from, to } = file;
  if (from === undefined) return { arrival: await created(context, file, to as string, pace) };
  const path = before?.path ?? (await pathOf(context, file, from, change));
  const old = before?.image ?? (await context.view.imageOf(path));
  const known = before?.match ?? (await matchesOf(context, path));
  assertType(file, old, path);
  const { bytes, match: found } = await contentAfter(context, file, { old, path, change, pace });
  if (to === undefined) {
    if (bytes.length === 0) return { leaves: path };
    throw malformed(`It deletes ${path} but leaves ${bytes.length} bytes of it`, { line: file.line });
  }
  const image = await imageOf(context.view, to, { bytes, mode: file.newMode ?? modeIn(old), old });
  const match = [...known, ...found];
  if (file.copy) return { arrival: { path: to, image, match, wasThere: false } };
  const wasThere = from === to;
  const origin = before ? before.from : await sourceOf(context, path, wasThere);
  const arrival = { path: wasThere ? path : to, image, from: origin, match, wasThere };
  return { leaves: path, arrival };
}

async function pathOf(
  context: Context,
  { to, copy }: FileDiff,
  from: string,
  change: ChangeOf<"unifiedDiff">,
): Promise<string> {
  const place = await findPlace(context.view, from, { follow: false });
  assertThere(place);
  await assertBaseHash(context, place.path, change);
  // What goes, or stays beside its copy, keeps its other names as they are.
  if (to !== undefined && !copy) await assertUnlinked(context, place.path, change);
  return place.path;
}

/** Where what is at `path` came from on disk, when it stays there or goes elsewhere. */
async function sourceOf(context: Context, path: string, stays: boolean): Promise<string | undefined> {
  return stays ? (await context.view.layerOf(path))?.from : originOf(context, path);
}

async function created(context: Context, file: FileDiff, path: string, pace: Pace): Promise<Arrival> {
  const { newMode: mode = 0o100644, hunks, binary } = file;
  const nothing = Buffer.alloc(0);
  const bytes = binary
    ? await binaryAfter(file, nothing, path, pace)
    : (await hunksAfter(nothing, file, path, "unknown", pace)).bytes;
  const image = await imageOf(context.view, path, { bytes, mode, old: undefined });
  return { path, image, match: hunks.map(() => matchAt(1, "exact", false)), wasThere: false };
}

interface Content {
  readonly bytes: Buffer;
  readonly match: readonly Match[];
}

interface Old {
  readonly old: Image;
  readonly path: string;
  readonly change: ChangeOf<"unifiedDiff">;
  readonly pace: Pace;
}

async function contentAfter(
  { view }: Context,
  file: FileDiff,
  { old, path, change, pace }: Old,
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

const TYPE = 0o170000;
const SYMLINK = 0o120000;

/** The mode as git would have it. */
function modeIn({ type, mode = 0 }: Image): number {
  return type === "symlink" ? SYMLINK : 0o100000 | mode;
}

/** What is about a file is not applied to a link's target, nor the other way round. */
function assertType({ oldMode, line }: FileDiff, old: Image, path: string): void {
  if (oldMode === undefined || (oldMode & TYPE) === (modeIn(old) & TYPE)) return;
  const [is, said] = old.type === "symlink" ? ["a symlink", "a file"] : ["a file", "a symlink"];
  throw new IopipeError("MatchNotFound", `${path} is ${is}, and the diff is about ${said}.`, {
    path,
    diffLine: line + 1,
  });
}

interface New {
  readonly bytes: Buffer;
  /** git's. */
  readonly mode: number;
  readonly old: Image | undefined;
}

async function imageOf(view: View, path: string, { bytes, mode, old }: New): Promise<Image> {
  if ((mode & TYPE) === SYMLINK) return { exists: true, type: "symlink", target: targetOf(bytes, path) };
  const hash = await view.snapshots.keep(bytes);
  return {
    exists: true,
    type: "file",
    hash,
    size: bytes.length,
    mode: await permissions(view, path, mode & 0o7777, old?.mode),
  };
}

/** Images hold text: a target that is none would become another one. */
function targetOf(bytes: Buffer, path: string): string {
  const target = bytes.toString("utf8");
  if (!Buffer.from(target).equals(bytes)) throw malformed(`The target of ${path} is not UTF-8`);
  if (target === "") throw malformed(`The target of ${path} is empty`);
  assertTarget(target, path);
  return target;
}

/** git knows two modes and leaves the rest to the umask, or to the file; others are meant as they are. */
async function permissions(view: View, path: string, mode: number, old: number | undefined): Promise<number> {
  if (mode === old || (mode !== 0o644 && mode !== 0o755)) return mode;
  const plain = old === undefined ? await view.modeOfNewFile(path) : old & ~0o111;
  return mode === 0o644 ? plain : plain | ((plain & 0o444) >> 2);
}
