/**
 * Merging onto the disk: changes that were made on a base which may be gone, put into a view on top of what is there now.
 * Owns the order and the places; what a merge is, is images.ts' and contents.ts'. Nothing is recorded (stage.ts does that).
 * Invariant: what collides is left out of the view and answered with all three sides, which are kept as blobs.
 */
import type { Conflicted, Image } from "../../../protocol/methods/index.ts";
import { IopipeError } from "../../../protocol/wire/errors.ts";
import { FULL_REPLACE_BYTES } from "../../../protocol/wire/limits.ts";
import { ABSENT, DiskError, inParallel } from "../../disk/index.ts";
import type { Store } from "../../store/index.ts";
import type { Differ } from "../differ.ts";
import { findPlace } from "../places.ts";
import type { View } from "../view.ts";
import type { Merged } from "./contents.ts";
import { mergeImages, type ThreeImages } from "./images.ts";
import { regionToWire } from "./regions.ts";

/** A change of one path from `base` to `after`, whatever is there now. */
export interface Proposal {
  readonly path: string;
  /** The path it is renamed from: the base's. */
  readonly from?: string | undefined;
  readonly base: Image;
  readonly after: Image;
  readonly breakHardLinks?: boolean;
  readonly note?: string | undefined;
}

export interface MergedOnto {
  /** In order of the proposals. */
  readonly merged: string[];
  readonly conflicted: Conflicted[];
}

interface Deps {
  readonly store: Store;
  readonly differ: Differ;
}

/** Removals go first: what comes may need their places. */
export async function mergeOntoDisk(
  deps: Deps,
  view: View,
  proposals: readonly Proposal[],
): Promise<MergedOnto> {
  const conflicted = new Map<Proposal, Conflicted>();
  for (const comes of [false, true]) {
    const these = proposals.filter(({ after }) => after.exists === comes);
    // What a removal leaves is looked at when all of them are made.
    await inParallel(these, async (proposal) => {
      const conflict = await mergeOne(deps, view, proposal);
      if (conflict) conflicted.set(proposal, conflict);
    });
  }
  return {
    merged: proposals.filter((proposal) => !conflicted.has(proposal)).map(({ path }) => path),
    conflicted: proposals.flatMap((proposal) => conflicted.get(proposal) ?? []),
  };
}

async function mergeOne(deps: Deps, view: View, proposal: Proposal): Promise<Conflicted | undefined> {
  const { path, from, base, after: ours, breakHardLinks = false, note } = proposal;
  const theirs = await view.baseOf(from ?? path);
  const sides = { base, ours, theirs };
  const collide = (reason: Conflicted["reason"], regions: Conflicted["regions"] = []): Conflicted => ({
    path,
    ...hashesOf(sides),
    reason,
    regions,
  });
  if (!(await isFree(view, proposal))) return collide("place");
  const merged = mergeImages(sides);
  if ("reason" in merged) return collide(merged.reason);
  let { image } = merged;
  if (merged.mergeBytes) {
    const contents = await mergeBytes(deps, view, from ?? path, sides);
    if (!contents.clean)
      return collide(contents.reason, "regions" in contents ? contents.regions.map(regionToWire) : []);
    const bytes = Buffer.from(contents.bytes);
    image = { ...image, hash: await view.snapshots.keep(bytes), size: bytes.length };
  }
  if (from !== undefined) view.put(from, { image: ABSENT, breakHardLinks: false });
  view.put(path, {
    image,
    breakHardLinks,
    ...(from !== undefined && image.exists && { from }),
    ...(note !== undefined && { note }),
  });
  return undefined;
}

/** Whether nothing but a file or link stands at the path and above it only directories; for a rename, nothing at all. */
async function isFree(view: View, { path, from }: Proposal): Promise<boolean> {
  try {
    const place = await findPlace(view, path, { follow: false });
    if (place.path !== path) return false;
    return (
      place.type === "absent" || (from === undefined && (place.type === "file" || place.type === "symlink"))
    );
  } catch (error) {
    if ((error instanceof DiskError || error instanceof IopipeError) && BLOCKED.has(error.kind)) return false;
    throw error;
  }
}

const BLOCKED: ReadonlySet<string> = new Set(["NotAFile", "PathEscape"]);

async function mergeBytes(
  { store, differ }: Deps,
  view: View,
  path: string,
  { base, ours, theirs }: ThreeImages,
): Promise<Merged<Uint8Array>> {
  // What the differ would only compare coarsely need not be read.
  if ([base, ours, theirs].some(({ size = 0 }) => size > FULL_REPLACE_BYTES))
    return { clean: false, reason: "coarse" };
  const blob = ({ hash = "" }: Image) => store.blobs.locate(hash);
  return differ.merge({
    base: blob(base),
    ours: blob(ours),
    theirs: { bytes: await view.snapshots.bytes(theirs, path) },
  });
}

function hashesOf(sides: ThreeImages): Pick<Conflicted, "base" | "ours" | "theirs"> {
  const hashes = Object.entries(sides).flatMap(([side, { hash }]) =>
    hash === undefined ? [] : [[side, hash]],
  );
  return Object.fromEntries(hashes);
}
