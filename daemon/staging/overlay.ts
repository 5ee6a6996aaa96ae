/**
 * The overlay: what a session has staged over the disk, path by path. Pure; reads nothing.
 * Invariant: a layer that exists makes every path above it a directory.
 */
import type { Image } from "../../protocol/methods/index.ts";
import { ancestorsOf } from "../disk/index.ts";
import type { PatchRow } from "../store/index.ts";

/** What is staged at one path. */
export interface Layer {
  /** Absent where the path is deleted or renamed away. */
  readonly image: Image;
  /** The path whose file on disk was renamed here. */
  readonly from?: string | undefined;
  readonly breakHardLinks: boolean;
  readonly note?: string | undefined;
  /** The pending patch that staged it before this call; absent where this call did. */
  readonly patch?: PatchRow;
}

export interface Overlay {
  get(path: string): Layer | undefined;
  set(path: string, layer: Layer): void;
  delete(path: string): void;
  /** Whether something that exists is staged below `path`. */
  hasBelow(path: string): boolean;
  /** Whether a removal is staged below `path`. */
  hasRemovedBelow(path: string): boolean;
  /** Every path with a layer, in no order. */
  paths(): Iterable<string>;
  /** The paths whose layers exist and were renamed from `path`. */
  renamedFrom(path: string): readonly string[];
}

function makeOverlay(): Overlay {
  const layers = new Map<string, Layer>();
  const below = new Map<string, number>();
  const removedBelow = new Map<string, number>();
  const renamed = new Map<string, Set<string>>();

  const account = (path: string, { image, from }: Layer, by: 1 | -1): void => {
    const counts = image.exists ? below : removedBelow;
    for (const directory of ancestorsOf(path)) counts.set(directory, (counts.get(directory) ?? 0) + by);
    if (!image.exists || from === undefined) return;
    const paths = renamed.get(from) ?? new Set();
    renamed.set(from, paths);
    if (by === 1) paths.add(path);
    else paths.delete(path);
  };
  const remove = (path: string): void => {
    const layer = layers.get(path);
    if (layer) account(path, layer, -1);
    layers.delete(path);
  };
  return {
    get: (path) => layers.get(path),
    set: (path, layer) => {
      remove(path);
      layers.set(path, layer);
      account(path, layer, 1);
    },
    delete: remove,
    hasBelow: (path) => (below.get(path) ?? 0) > 0,
    hasRemovedBelow: (path) => (removedBelow.get(path) ?? 0) > 0,
    paths: () => layers.keys(),
    renamedFrom: (path) => [...(renamed.get(path) ?? [])],
  };
}

/** The overlay of pending patches. A rename also takes its old path away, unless another patch has put something there. */
export function overlayOf(patches: readonly PatchRow[]): Overlay {
  const overlay = makeOverlay();
  for (const patch of patches) {
    const { path, from, after: image, breakHardLinks, note } = patch;
    overlay.set(path, { image, from, breakHardLinks, note, patch });
  }
  for (const patch of patches) {
    if (patch.from !== undefined && !overlay.get(patch.from))
      overlay.set(patch.from, { image: { exists: false }, breakHardLinks: false, patch });
  }
  return overlay;
}
