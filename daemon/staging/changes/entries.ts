/** delete, rename, chmod, symlink: changes of an entry as a whole. All but chmod act on a link itself. */
import type { ChangeOf } from "../../../protocol/methods/index.ts";
import { IopipeError } from "../../../protocol/wire/errors.ts";
import { ABSENT } from "../../disk/index.ts";
import { assertNoDirectory, assertThere, findPlace } from "../places.ts";
import { assertBaseHash, assertUnlinked, type Context, encode, invalid, matchesOf, put } from "./context.ts";

export async function remove(context: Context, change: ChangeOf<"delete">): Promise<void> {
  const place = await findPlace(context.view, change.path, { follow: false });
  assertThere(place);
  await assertBaseHash(context, place.path, change);
  await put(context, place.path, ABSENT, change);
}

export async function rename(context: Context, change: ChangeOf<"rename">): Promise<void> {
  const { view } = context;
  const { path, type } = await findPlace(view, change.path, { follow: false });
  assertThere({ path, type });
  await assertBaseHash(context, path, change);
  await assertUnlinked(context, path, change);
  const origin = await originOf(context, path);
  const image = await view.imageOf(path);
  const { breakHardLinks = (await view.layerOf(path))?.breakHardLinks, note } = change;
  const match = await matchesOf(context, path);
  await put(context, path, ABSENT, {});
  // Looked up only now: the new path may lead through the old one.
  const to = await findPlace(view, change.to, { follow: false });
  if (to.path === path) throw invalid(`A rename's two paths are the same: ${path}`, path);
  if (to.type !== "absent")
    throw new IopipeError("FileExists", `${to.path} exists already.`, { path: to.path });
  await put(context, to.path, image, { breakHardLinks, note }, { from: origin, match });
}

/** The path on disk that the file at `path` is renamed from, all in all; undefined for one that the session created. */
export async function originOf({ view }: Context, path: string): Promise<string | undefined> {
  const layer = await view.layerOf(path);
  if (layer?.from !== undefined) return layer.from;
  const isTaken = view.renamedFrom(path).length > 0;
  return !isTaken && (await view.baseOf(path)).exists ? path : undefined;
}

export async function chmod(context: Context, change: ChangeOf<"chmod">): Promise<void> {
  const { view } = context;
  const place = await findPlace(view, change.path, { follow: true });
  assertThere(place);
  await assertBaseHash(context, place.path, change);
  await assertUnlinked(context, place.path, change);
  const image = await view.imageOf(place.path);
  const match = await matchesOf(context, place.path);
  await put(context, place.path, { ...image, mode: change.mode }, change, { match });
}

export async function symlink(context: Context, change: ChangeOf<"symlink">): Promise<void> {
  const { path, target } = change;
  const place = await findPlace(context.view, path, { follow: false });
  assertNoDirectory(place);
  await assertBaseHash(context, place.path, change);
  assertTarget(target, path);
  await put(context, place.path, { exists: true, type: "symlink", target }, change);
}

/** Longest target in bytes: PATH_MAX without its NUL (symlink(2)). */
const MAX_TARGET_BYTES = 4095;

/** @throws {IopipeError} InvalidParams, NameTooLong for what symlink(2) does not take */
export function assertTarget(target: string, path: string): void {
  const { length } = encode(target, path, "target");
  if (target.includes("\0")) throw invalid(`The target of ${path} holds a NUL.`, path);
  if (length > MAX_TARGET_BYTES)
    throw new IopipeError("NameTooLong", `The target of ${path} has ${length} bytes.`, { path });
}
