/**
 * A session's view of its tree: what it has staged, over what is on disk. What a session reads is what it edits.
 * Owns the looking up of paths and which pending patches still count: one whose base is gone from the disk does not,
 * and the disk shows again. Following links is places.ts; nothing is recorded here (stage.ts does that).
 * Invariant: within one view a path, staged or on disk, is looked at once, so that a whole call sees one state of it.
 */
import type { Image } from "../../protocol/methods/index.ts";
import { ABSENT, parentOf, type Tree } from "../disk/index.ts";
import type { PatchRow, SessionRow, Store } from "../store/index.ts";
import { type Layer, overlayOf } from "./overlay.ts";
import { isEmptied, lookPast } from "./removals.ts";
import { openSnapshots, type Snapshots } from "./snapshots.ts";
import { findStaleTwice, pathsOf } from "./stale.ts";
import { carryOver } from "./transitions.ts";

export type EntryType = "file" | "symlink" | "directory" | "other" | "absent";

export interface View {
  readonly tree: Tree;
  readonly snapshots: Snapshots;
  /** The session's pending patch on a path, as it was when first asked for. */
  pendingAt(path: string): PatchRow | undefined;
  /** Whether the view went by this patch. */
  hasSeen(patch: PatchRow): boolean;
  /** Pending patches that turned out to be stale. */
  readonly stale: ReadonlySet<PatchRow>;
  /** What the session sees at a path, which leads through no link. A directory is one also when it is emptied. */
  typeOf(path: string): Promise<EntryType>;
  /** Whether everything in a directory is staged to go, and nothing to come: it goes too, and its name is free. */
  isEmptied(directory: string): Promise<boolean>;
  /** The image the session sees; absent for what is no file or link. */
  imageOf(path: string): Promise<Image>;
  /** The image on disk; absent for what is no file or link. */
  baseOf(path: string): Promise<Image>;
  /** What is on disk at a path; absent where something above it is no directory there. */
  diskTypeOf(path: string): Promise<EntryType>;
  /** The mode of a file that nobody gave one: what open(2) would give it there under the daemon's umask. */
  modeOfNewFile(path: string): Promise<number>;
  /** What is staged at a path, where that still counts. */
  layerOf(path: string): Promise<Layer | undefined>;
  /** Stages an image at a path, for this view. */
  put(path: string, layer: Omit<Layer, "patch">): void;
  /** Paths that `put` was called for, in order of the first time. */
  readonly touched: ReadonlySet<string>;
  /** Where pending patches leave something below a directory; what `put` does is not among it. */
  stagedBelow(directory: string): string[];
  /** The paths that were renamed from `path`. */
  renamedFrom(path: string): readonly string[];
}

/** `signal` is heeded while large files are read. */
export function openView(
  store: Store,
  session: Pick<SessionRow, "id">,
  tree: Tree,
  signal?: AbortSignal,
): View {
  const overlay = overlayOf(store.patches, session.id);
  const snapshots = openSnapshots(store, tree, signal);
  const onDisk = new Map<string, Promise<EntryType>>();
  const newModes = new Map<string, Promise<number>>();
  const verified = new Map<string, Promise<void>>();
  const stale = new Set<PatchRow>();
  const touched = new Set<string>();
  const looks = lookPast(tree, tree, (path) => {
    const held = overlay.held(path);
    return held.length > 0 && !held.some((patch) => patch.path === path && patch.after.exists);
  });

  // Asks only below what is a directory on disk, so that staged paths never run into a file or link there.
  const look = async (path: string): Promise<EntryType> => {
    const parent = parentOf(path);
    if (parent !== "" && (await diskType(parent)) !== "directory") return "absent";
    return tree.entry(path);
  };
  const diskType = (path: string): Promise<EntryType> => {
    const known = onDisk.get(path) ?? look(path);
    onDisk.set(path, known);
    return known;
  };
  const modeOfNewFile = async (path: string): Promise<number> => {
    const directory = parentOf(path);
    if (directory !== "" && (await diskType(directory)) !== "directory") return modeOfNewFile(directory);
    const known = newModes.get(directory) ?? tree.modeOfNewFile(directory);
    newModes.set(directory, known);
    return known;
  };
  const baseOf = async (path: string): Promise<Image> => {
    const type = await diskType(path);
    return type === "file" || type === "symlink" ? snapshots.image(path) : ABSENT;
  };

  /** Drops the patch's layers when its base is gone; else gives them what the disk has in aspects it leaves alone. */
  const verify = async (patch: PatchRow): Promise<void> => {
    const layer = overlay.get(patch.path);
    if ((await findStaleTwice(looks, patch)).length > 0) {
      stale.add(patch);
      for (const path of pathsOf(patch)) if (overlay.get(path)?.patch === patch) overlay.delete(path);
    } else if (layer?.patch === patch && layer.image.exists && patch.base.exists) {
      const image = carryOver(patch.base, layer.image, await baseOf(patch.from ?? patch.path));
      overlay.set(patch.path, { ...layer, image });
    }
  };
  const layerOf = async (path: string): Promise<Layer | undefined> => {
    const patch = overlay.get(path)?.patch;
    if (patch) {
      const checked = verified.get(patch.id) ?? verify(patch);
      verified.set(patch.id, checked);
      await checked;
    }
    return overlay.get(path);
  };

  return {
    tree,
    snapshots,
    pendingAt: (path) => overlay.held(path).find((patch) => patch.path === path),
    hasSeen: overlay.hasSeen,
    stale,
    touched,
    baseOf,
    diskTypeOf: diskType,
    modeOfNewFile,
    layerOf,
    typeOf: async (path) => {
      const layer = await layerOf(path);
      if (layer?.image.exists) return layer.image.type ?? "file";
      if (overlay.hasBelow(path)) return "directory";
      return layer ? "absent" : diskType(path);
    },
    isEmptied: async (directory) => {
      if (overlay.hasBelow(directory) || !overlay.hasRemovedBelow(directory)) return false;
      return isEmptied(tree, directory, async (path) => (await layerOf(path))?.image.exists === false);
    },
    imageOf: async (path) => (await layerOf(path))?.image ?? baseOf(path),
    put: (path, layer) => {
      touched.add(path);
      overlay.set(path, layer);
    },
    stagedBelow: (directory) => store.patches.below(session.id, directory),
    renamedFrom: (path) => overlay.renamedFrom(path),
  };
}
