/**
 * Diffing two images: their contents go to the differ as blobs, a symlink's as its target.
 * Owns the limit above which a content is not looked into.
 */
import type { Image } from "../../protocol/methods/index.ts";
import type { BlobSource, Store } from "../store/index.ts";
import type { ContentDiff, Detail } from "./diff/content.ts";
import type { Differ } from "./differ.ts";

/** Contents above this are not read into a worker's memory; they count as binary, and their diff is TooLarge. */
export const MAX_DIFFED_BYTES = 16 * 1024 * 1024;

export interface Images {
  readonly before: Image;
  readonly after: Image;
}

const UNREAD: ContentDiff = { added: 0, removed: 0, binary: true, coarse: true };

/** `body` is absent from the answer where the contents are too large to be looked into. */
export async function diffImages(
  { store, differ }: { store: Pick<Store, "blobs">; differ: Differ },
  { before, after }: Images,
  { detail, context }: { detail: Detail; context: number },
): Promise<ContentDiff> {
  if ((before.size ?? 0) > MAX_DIFFED_BYTES || (after.size ?? 0) > MAX_DIFFED_BYTES) return UNREAD;
  return differ.diff({ old: sourceOf(store, before), now: sourceOf(store, after), detail, context });
}

function sourceOf({ blobs }: Pick<Store, "blobs">, image: Image): BlobSource {
  if (image.type === "symlink") return { bytes: Buffer.from(image.target ?? "") };
  return image.hash === undefined ? { bytes: Buffer.alloc(0) } : blobs.locate(image.hash);
}
