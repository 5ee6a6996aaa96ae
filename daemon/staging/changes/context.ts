/** What the kinds of changes have in common: where they act, what they may use, the checks that several make. */
import type { Change, Image } from "../../../protocol/methods/index.ts";
import { IopipeError } from "../../../protocol/wire/errors.ts";
import { now } from "../../store/index.ts";
import { assertOneLink } from "../hard-links.ts";
import type { Layer } from "../overlay.ts";
import type { Pace } from "../pace.ts";
import { staleError } from "../stale.ts";
import type { View } from "../view.ts";
import type { Match } from "./hunks/match.ts";

export interface Context {
  readonly view: View;
  /** A blob's size, where the caller may use it. */
  sizeOfBlob(hash: string): number | undefined;
  readonly warnings: string[];
  /** Ends the work of a call that nobody waits for any more. */
  readonly pace: Pace;
}

/** The fields that every kind of change may carry. */
export type Common = Pick<Change, "baseHash" | "breakHardLinks" | "note">;

interface Provenance {
  /** The path on disk that it is renamed from. */
  readonly from?: string | undefined;
  /** How what made it was found; what an edit builds on is kept beside it (matchesOf). */
  readonly match?: readonly Match[] | undefined;
}

/**
 * Stages `image` at `path` for the rest of this call. What was renamed there keeps where it came from, unless it is
 * gone now.
 */
export async function put(
  { view }: Context,
  path: string,
  image: Image,
  { breakHardLinks, note }: Common,
  { from, match = [] }: Provenance = {},
): Promise<void> {
  const layer = await view.layerOf(path);
  const origin = from ?? (layer?.image.exists ? layer.from : undefined);
  view.put(path, {
    image,
    ...(image.exists && origin !== undefined && { from: origin }),
    breakHardLinks: breakHardLinks ?? layer?.breakHardLinks ?? false,
    ...(note !== undefined && { note }),
    ...(image.exists && match.length > 0 && { match: [...bounded(match)] }),
  } satisfies Omit<Layer, "patch">);
}

/** Matches of one patch that are kept: what was found inexactly before what was found exactly. */
const MAX_MATCHES = 1000;

function bounded(match: readonly Match[]): readonly Match[] {
  if (match.length <= MAX_MATCHES) return match;
  const isExact = ({ exactness }: Match): boolean => exactness === "exact";
  return [...match.filter((each) => !isExact(each)), ...match.filter(isExact)].slice(0, MAX_MATCHES);
}

/** How the staged content at `path`, which a change builds on, was come by. */
export async function matchesOf({ view }: Context, path: string): Promise<readonly Match[]> {
  return (await view.layerOf(path))?.match ?? [];
}

/** @throws {IopipeError} Stale when the session sees other bytes at `path` than the caller read */
export async function assertBaseHash({ view }: Context, path: string, { baseHash }: Common): Promise<void> {
  if (baseHash === undefined) return;
  const actual = await view.imageOf(path);
  if (actual.hash === baseHash) return;
  throw staleError([{ path, expected: { exists: true, type: "file", hash: baseHash }, actual, at: now() }]);
}

/** @throws {IopipeError} HardLinked when the file on disk has other names, and the change does not break them */
export async function assertUnlinked(
  { view }: Context,
  path: string,
  { breakHardLinks }: Common,
): Promise<void> {
  const layer = await view.layerOf(path);
  if (breakHardLinks ?? layer?.breakHardLinks) return;
  const place = layer?.from ?? path;
  if ((await view.baseOf(place)).type === "file") await assertOneLink(view.tree, place);
}

/** InvalidParams; `message` names `path`, where there is one. */
export function invalid(message: string, path?: string): IopipeError {
  return new IopipeError("InvalidParams", message, { ...(path !== undefined && { path }) });
}

/** UTF-8 of `text`. @throws {IopipeError} InvalidParams for a lone surrogate, which has no bytes */
export function encode(text: string, path: string | undefined, field: string): Buffer {
  const name = path === undefined ? field : `${field} of ${path}`;
  if (!text.isWellFormed())
    throw invalid(`The ${name} holds a lone surrogate; send such bytes in base64.`, path);
  return Buffer.from(text, "utf8");
}

/** The size of a blob that the caller may use. @throws {IopipeError} BlobNotFound; `path` is what it is for */
export function blobSize(context: Context, blob: string, path?: string): number {
  const size = context.sizeOfBlob(blob);
  if (size !== undefined) return size;
  throw new IopipeError("BlobNotFound", `There is no blob ${blob}.`, {
    blob,
    ...(path !== undefined && { path }),
  });
}
