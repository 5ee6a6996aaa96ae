/**
 * Merging images: what two sides made of one path, aspect by aspect. Where both changed the bytes of a file, these are
 * left to be merged (contents.ts). Pure.
 * Invariant: what only one side changed is as that side has it; what both changed alike is so; anything else collides.
 */
import type { Image } from "../../../protocol/methods/index.ts";
import { ABSENT, sameAspects } from "../../disk/index.ts";

/** Why two sides of a path cannot both be had. */
type ImageReason = "created" | "changed" | "deleted" | "type" | "target" | "mode";

export interface ThreeImages {
  readonly base: Image;
  readonly ours: Image;
  readonly theirs: Image;
}

/** `mergeBytes`: the image has to get the bytes that are merged of all three. */
export type MergedImage =
  | { readonly image: Image; readonly mergeBytes?: true }
  | { readonly reason: ImageReason };

export function mergeImages({ base, ours, theirs }: ThreeImages): MergedImage {
  if (!ours.exists)
    return base.exists && theirs.exists && !isSame(base, theirs) ? { reason: "changed" } : { image: ABSENT };
  if (!base.exists) return mergeCreated(ours, theirs);
  if (!theirs.exists) return { reason: "deleted" };
  const mode = mergeMode({ base, ours, theirs });
  if (mode === COLLIDES) return { reason: "mode" };
  const content = mergeContent({ base, ours, theirs });
  if ("reason" in content) return content;
  const { image, ...rest } = content;
  return { image: image.type === "file" && mode !== undefined ? { ...image, mode } : image, ...rest };
}

function isSame(a: Image, b: Image): boolean {
  return sameAspects(a, b, ["existence", "type", "content"]);
}

function mergeCreated(ours: Image, theirs: Image): MergedImage {
  if (!theirs.exists) return { image: ours };
  const isAlike = isSame(ours, theirs) && (ours.mode === undefined || ours.mode === theirs.mode);
  return isAlike ? { image: theirs } : { reason: "created" };
}

/** Type and bytes, or target, are one thing: whoever made a link of a file has changed both. */
function mergeContent({ base, ours, theirs }: ThreeImages): MergedImage {
  if (isSame(base, ours)) return { image: theirs };
  if (isSame(base, theirs) || isSame(ours, theirs)) return { image: ours };
  const types = new Set([base.type, ours.type, theirs.type]);
  if (types.size > 1) return { reason: "type" };
  return ours.type === "file" ? { image: ours, mergeBytes: true } : { reason: "target" };
}

const COLLIDES = Symbol("collides");

/** A mode that is left open is not changed. */
function mergeMode({ base, ours, theirs }: ThreeImages): number | undefined | typeof COLLIDES {
  const wanted = ours.mode ?? base.mode;
  if (wanted === base.mode || wanted === theirs.mode) return theirs.mode;
  return theirs.mode === base.mode ? wanted : COLLIDES;
}
