/**
 * The overlay: what a session has staged over the disk, path by path. Reads nothing of the disk.
 * Pending patches are asked for by the paths that are looked at: a session may have ten thousand.
 * Invariants: a layer that exists makes every path above it a directory. What is pending at a path is asked for once, so
 * that a whole call sees one state of it.
 * RACE: the watcher may move a patch between two questions: at worst a directory of staged files alone is taken to be
 * there, or gone, by a call that ran beside it; promotion refuses what does not fit.
 */
import type { Image, Patch } from "../../protocol/methods/index.ts";
import { ancestorsOf } from "../disk/index.ts";
import type { Patches, PatchRow } from "../store/index.ts";

/** What is staged at one path. */
export interface Layer {
  /** Absent where the path is deleted or renamed away. */
  readonly image: Image;
  /** The path whose file on disk was renamed here. */
  readonly from?: string | undefined;
  readonly breakHardLinks: boolean;
  readonly note?: string | undefined;
  /** How the parts of what it was made of were found. */
  readonly match?: Patch["match"];
  /** The pending patch that staged it before this call; absent where this call did. */
  readonly patch?: PatchRow;
}

export interface Overlay {
  get(path: string): Layer | undefined;
  set(path: string, layer: Layer): void;
  delete(path: string): void;
  /** Whether something that exists is staged below `path`. */
  hasBelow(path: string): boolean;
  /** Whether a removal may be staged below `path`. */
  hasRemovedBelow(path: string): boolean;
  /** The paths whose layers exist and were renamed from `path`. */
  renamedFrom(path: string): readonly string[];
  /** The pending patches that are on `path` or rename from it, as they were when first asked for. */
  held(path: string): readonly PatchRow[];
  /** Whether `held` has given this patch. */
  hasSeen(patch: PatchRow): boolean;
}

/** Of a session's pending patches. A rename also takes its old path away, unless another one has put something there. */
export function overlayOf(patches: Patches, session: string): Overlay {
  const held = new Map<string, readonly PatchRow[]>();
  const seen = new Map<string, PatchRow>();
  const changed = new Map<string, Layer | undefined>();
  const below = new Map<string, number>();
  const [added, removed] = [new Map<string, number>(), new Map<string, number>()];
  const renamed = new Map<string, Set<string>>();

  const heldAt = (path: string): readonly PatchRow[] => {
    const known = held.get(path);
    if (known) return known;
    const rows = patches.holding(session, path).map((row) => seen.get(row.id) ?? row);
    for (const row of rows) seen.set(row.id, row);
    held.set(path, rows);
    return rows;
  };
  const get = (path: string): Layer | undefined =>
    changed.has(path) ? changed.get(path) : layerOf(path, heldAt(path));

  const count = (counts: Map<string, number>, path: string, by: number): void => {
    for (const directory of ancestorsOf(path)) counts.set(directory, (counts.get(directory) ?? 0) + by);
  };
  const change = (path: string, layer: Layer | undefined): void => {
    const before = get(path);
    count(added, path, Number(layer?.image.exists ?? false) - Number(before?.image.exists ?? false));
    if (layer?.image.exists === false) count(removed, path, 1);
    if (before?.from !== undefined) renamed.get(before.from)?.delete(path);
    if (layer?.image.exists && layer.from !== undefined)
      renamed.set(layer.from, (renamed.get(layer.from) ?? new Set()).add(path));
    changed.set(path, layer);
  };
  const countBelow = (path: string): number => {
    const known = below.get(path) ?? patches.countBelow(session, path);
    below.set(path, known);
    return known;
  };
  return {
    get,
    set: change,
    delete: (path) => change(path, undefined),
    hasBelow: (path) => countBelow(path) + (added.get(path) ?? 0) > 0,
    hasRemovedBelow: (path) => removed.has(path) || patches.removesBelow(session, path),
    renamedFrom: (from) => {
      const before = heldAt(from).filter((row) => row.from === from && !changed.has(row.path));
      return [...before.map(({ path }) => path), ...(renamed.get(from) ?? [])];
    },
    held: heldAt,
    hasSeen: ({ id }) => seen.has(id),
  };
}

function layerOf(path: string, held: readonly PatchRow[]): Layer | undefined {
  const patch = held.find((row) => row.path === path);
  if (!patch) return held[0] && { image: { exists: false }, breakHardLinks: false, patch: held[0] };
  const { from, after: image, breakHardLinks, note, findings } = patch;
  return { image, from, breakHardLinks, note, match: findings.match, patch };
}
