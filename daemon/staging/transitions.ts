/**
 * From a patch to the changes of paths that promotion makes. A rename is two: its old path goes, its new one comes.
 * Invariant: where a patch leaves an aspect alone (the mode, or a chmod's content), the transition has the disk's.
 */
import type { Image } from "../../protocol/methods/index.ts";
import { ABSENT } from "../disk/index.ts";
import type { PatchRow } from "../store/index.ts";
import type { Snapshots } from "./snapshots.ts";

/** One path's change, as promotion takes it (the shape is promotion's; neither part knows the other). */
export interface Transition {
  readonly path: string;
  readonly patch?: string;
  /** What must be there, as it was when examined. */
  readonly before: Image;
  /** A file's hash names a blob. */
  readonly after: Image;
  readonly breakHardLinks?: boolean;
}

/** The transitions of `patch`, whose base is on disk. */
export async function transitionsOf(
  { image }: Pick<Snapshots, "image">,
  patch: PatchRow,
): Promise<Transition[]> {
  const { path, from, base, after } = patch;
  const common = { patch: patch.id, ...(patch.breakHardLinks && { breakHardLinks: true }) };
  const before = await image(from ?? path);
  const carried = carryOver(base, after, before);
  if (from === undefined) return [{ ...common, path, before, after: carried }];
  return [
    { ...common, path: from, before, after: ABSENT },
    { ...common, path, before: ABSENT, after: carried },
  ];
}

/** `after`, with the disk's bytes or mode where they are the same in `base` and `after`. */
export function carryOver(base: Image, after: Image, disk: Image): Image {
  if (!after.exists || after.type !== "file" || disk.type !== "file" || base.type !== "file") return after;
  const content = base.hash === after.hash ? disk : after;
  const { hash, size } = content;
  const mode = base.mode === after.mode ? disk.mode : after.mode;
  return {
    exists: true,
    type: "file",
    ...(hash && { hash }),
    size: size ?? 0,
    ...(mode !== undefined && { mode }),
  };
}
