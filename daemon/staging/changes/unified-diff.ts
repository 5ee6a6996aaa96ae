/**
 * unifiedDiff: a diff in git's format, of any number of files, resolved against what the session sees.
 * Every old content is read before the first file changes, for all of a diff is about one state of the tree; then what
 * goes, goes, and what comes, comes. Parsing is parse-diff.ts, fitting apply-hunks.ts.
 */
import type { ChangeOf, Image } from "../../../protocol/methods/index.ts";
import { decodeBase64 } from "../../../protocol/wire/base64.ts";
import { IopipeError } from "../../../protocol/wire/errors.ts";
import { ABSENT } from "../../disk/index.ts";
import { type Pace, startPace } from "../pace.ts";
import { assertThere, findPlace } from "../places.ts";
import type { View } from "../view.ts";
import { applyHunks } from "./apply-hunks.ts";
import { assertBaseHash, assertUnlinked, type Context, encode, invalid, put } from "./context.ts";
import { assertTarget, originOf } from "./entries.ts";
import { type FileDiff, malformed, parseDiff } from "./parse-diff.ts";

/** What one file of the diff does. */
interface Effect {
  readonly removes?: string;
  readonly puts?: { readonly path: string; readonly image: Image; readonly from?: string | undefined };
}

export async function unifiedDiff(context: Context, change: ChangeOf<"unifiedDiff">): Promise<void> {
  const files = parseDiff(textOf(change));
  if (change.baseHash !== undefined && files.length !== 1)
    throw invalid("baseHash names one content, but the diff has several files.", files[0]?.to ?? "");
  const effects: Effect[] = [];
  const pace = startPace();
  for (const file of files) effects.push(await resolve(context, file, change, pace));
  refuseTwice(effects);
  for (const { removes } of effects) if (removes !== undefined) await put(context, removes, ABSENT, {});
  for (const { puts } of effects) {
    if (!puts) continue;
    const place = await findPlace(context.view, puts.path, { follow: false });
    if (place.type !== "absent")
      throw new IopipeError("FileExists", `${place.path} exists already.`, { path: place.path });
    await put(context, place.path, puts.image, change, puts.from);
  }
}

/** Sections about one file would each be about its old content: which of them is meant to hold, nobody can tell. */
function refuseTwice(effects: readonly Effect[]): void {
  const paths = new Set<string>();
  for (const { puts } of effects) {
    if (!puts) continue;
    if (paths.has(puts.path))
      throw malformed(
        `It changes ${puts.path} twice`,
        "Send one diff after the other, each as its own change.",
      );
    paths.add(puts.path);
  }
}

function textOf({ text, textBase64 }: ChangeOf<"unifiedDiff">): Buffer {
  if (text !== undefined && textBase64 === undefined) return encode(text, "", "text");
  if (textBase64 !== undefined && text === undefined) return decodeBase64(textBase64, "textBase64");
  throw invalid("A unifiedDiff takes exactly one of text and textBase64.", "");
}

async function resolve(
  context: Context,
  file: FileDiff,
  change: ChangeOf<"unifiedDiff">,
  pace: Pace,
): Promise<Effect> {
  const { view } = context;
  if (file.from === undefined)
    return { puts: { path: file.to ?? "", image: await created(context, file, pace) } };
  const place = await findPlace(view, file.from, { follow: false });
  assertThere(place);
  const { path } = place;
  await assertBaseHash(context, path, change);
  const old = await view.imageOf(path);
  const bytes = await applyHunks(await contentOf(context, old, path), file.hunks, path, pace);
  if (file.to === undefined) {
    if (bytes.length > 0) throw malformed(`It deletes ${path} but leaves ${bytes.length} bytes of it`);
    return { removes: path };
  }
  await assertUnlinked(context, path, change);
  const image = await imageWith(context, file.to, bytes, file.mode ?? modeIn(old), old);
  if (file.copy) return { puts: { path: file.to, image } };
  const to = file.to === file.from ? path : file.to;
  const from = to === path ? (await view.layerOf(path))?.from : await originOf(context, path);
  return { removes: path, puts: { path: to, image, from } };
}

async function created(
  context: Context,
  { hunks, mode = 0o100644, to = "" }: FileDiff,
  pace: Pace,
): Promise<Image> {
  return imageWith(context, to, await applyHunks(Buffer.alloc(0), hunks, to, pace), mode, undefined);
}

async function contentOf({ view }: Context, image: Image, path: string): Promise<Buffer> {
  return image.type === "symlink" ? Buffer.from(image.target ?? "") : view.snapshots.bytes(image, path);
}

/** The mode as git would have it. */
function modeIn({ type, mode = 0 }: Image): number {
  return type === "symlink" ? 0o120000 : 0o100000 | mode;
}

async function imageWith(
  { view }: Context,
  path: string,
  bytes: Buffer,
  mode: number,
  old: Image | undefined,
): Promise<Image> {
  if ((mode & 0o170000) === 0o120000) return { exists: true, type: "symlink", target: targetOf(bytes, path) };
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
