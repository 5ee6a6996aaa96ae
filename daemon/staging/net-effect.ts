/**
 * The net effect: what a view's changes come to against the disk, as one patch per path.
 * Creating and deleting again is nothing; so is writing a file back to its base. A rename stays one only while its old
 * path stays empty, its new one was empty, and nobody else came from there: then it is one patch; else each of its
 * paths has a patch of its own.
 * Invariant: paths that this call neither touched nor reinterpreted keep their pending patches.
 */
import type { Image, Patch, PatchKind } from "../../protocol/methods/index.ts";
import { ABSENT } from "../disk/index.ts";
import type { PatchRow } from "../store/index.ts";
import { kindOf } from "./images.ts";
import type { Layer } from "./overlay.ts";
import type { View } from "./view.ts";

/** A patch as it is to be staged. */
export interface Wanted {
  readonly path: string;
  readonly kind: PatchKind;
  readonly from?: string;
  readonly base: Image;
  readonly after: Image;
  readonly breakHardLinks: boolean;
  readonly note?: string;
  readonly match?: Patch["match"];
}

export interface NetEffect {
  /** In order of each path's first change. */
  readonly wanted: Wanted[];
  /** Pending patches that these replace, or that came to nothing. */
  readonly superseded: PatchRow[];
  readonly warnings: string[];
}

export async function netEffect(view: View): Promise<NetEffect> {
  const effect: NetEffect = { wanted: [], superseded: [], warnings: [] };
  for (const path of affectedPaths(view)) {
    const wanted = await wantedAt(view, path);
    const now = standingAt(view, path);
    if (now && wanted && !view.touched.has(path) && isSame(now, wanted)) continue;
    if (now) effect.superseded.push(now);
    if (wanted) effect.wanted.push(wanted);
    else if (view.touched.has(path) && (await isBackToBase(view, path)))
      effect.warnings.push(`no change: ${path} is as on disk`);
  }
  return effect;
}

/** The pending patch on a path, unless it turned out to be stale. */
function standingAt(view: View, path: string): PatchRow | undefined {
  const patch = view.pendingAt(path);
  return patch && !view.stale.has(patch) ? patch : undefined;
}

/** What was touched, and every path whose rename may have become one or ceased to be one. */
function affectedPaths(view: View): Set<string> {
  const paths = new Set(view.touched);
  for (const path of view.touched) {
    const { from } = standingAt(view, path) ?? {};
    for (const source of from === undefined ? [path] : [path, from]) {
      paths.add(source);
      for (const renamed of view.renamedFrom(source)) paths.add(renamed);
    }
  }
  return paths;
}

async function wantedAt(view: View, path: string): Promise<Wanted | undefined> {
  const layer = await view.layerOf(path);
  if (!layer) return undefined;
  const common = {
    path,
    breakHardLinks: layer.breakHardLinks,
    ...(layer.note !== undefined && { note: layer.note }),
    ...(layer.match && { match: layer.match }),
  };
  const from = await renameSource(view, path, layer);
  const base = await view.baseOf(from ?? path);
  const after = recorded(layer.image);
  if (from !== undefined) return { ...common, kind: "rename", from, base, after };
  if (!after.exists && (await isRenamedAway(view, path))) return undefined;
  const kind = kindOf(base, after);
  return kind && { ...common, kind, base, after };
}

/** Where the file at `path` was renamed from, as long as that is what happened all in all. */
async function renameSource(view: View, path: string, { from, image }: Layer): Promise<string | undefined> {
  if (from === undefined || from === path || view.renamedFrom(from).length > 1) return undefined;
  const isGone = (await view.layerOf(from))?.image.exists === false;
  const isNew = !(await view.baseOf(path)).exists;
  const sameType = (await view.baseOf(from)).type === image.type;
  return isGone && isNew && sameType ? from : undefined;
}

async function isRenamedAway(view: View, path: string): Promise<boolean> {
  for (const renamed of view.renamedFrom(path)) {
    const layer = await view.layerOf(renamed);
    if (layer && (await renameSource(view, renamed, layer)) === path) return true;
  }
  return false;
}

/** What of an image a patch's outcome has: no times, and nothing that a symlink or an absent file lacks. */
function recorded({ exists, type, hash, size, mode, target }: Image): Image {
  if (!exists) return ABSENT;
  return type === "symlink" ? { exists, type, target } : { exists, type, hash, size, mode };
}

function isSame(row: PatchRow, wanted: Wanted): boolean {
  const parts = ({ kind, from, base, after }: Wanted | PatchRow) =>
    JSON.stringify([kind, from, { ...base, mtimeNs: undefined }, recorded(after)]);
  return parts(row) === parts(wanted);
}

async function isBackToBase(view: View, path: string): Promise<boolean> {
  const base = await view.baseOf(path);
  const image = await view.imageOf(path);
  return base.exists && image.exists && kindOf(base, recorded(image)) === undefined;
}
