/** What a change from one image to another is. Pure. */
import type { Image, PatchKind } from "../../protocol/methods/index.ts";
import { FULL_REPLACE_BYTES } from "../../protocol/wire/limits.ts";

/** The kind of a patch from `base` to `after`; undefined where nothing changes. Renames are told by their two paths. */
export function kindOf(base: Image, after: Image): PatchKind | undefined {
  if (!after.exists) return base.exists ? "delete" : undefined;
  const sameContent = base.type === after.type && base.hash === after.hash && base.target === after.target;
  if (after.type === "symlink") return sameContent ? undefined : "symlink";
  if (!base.exists) return "create";
  if (!sameContent) return "update";
  return after.mode === undefined || base.mode === after.mode ? undefined : "chmod";
}

/** New bytes for a file over FULL_REPLACE_BYTES, which an apply wants confirmed. Deleting, renaming or chmod of one replaces nothing. */
export function isFullReplace(base: Image, after: Image): boolean {
  if (after.type !== "file" || base.hash === after.hash) return false;
  return Math.max(base.size ?? 0, after.size ?? 0) > FULL_REPLACE_BYTES;
}
