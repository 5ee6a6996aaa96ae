/** The operations of a workspace edit on whole files: create, rename, delete, with LSP's options. Folders become files. */
import type { ChangeOf } from "../../../../protocol/methods/index.ts";
import { IopipeError } from "../../../../protocol/wire/errors.ts";
import { findPlace, type Place } from "../../places.ts";
import { assertUnlinked, type Common, type Context, put } from "../context.ts";
import { remove, rename } from "../entries.ts";
import { filesBelow } from "./files-below.ts";
import { pathOfUri } from "./uri.ts";

type DocumentChange = NonNullable<ChangeOf<"workspaceEdit">["edit"]["documentChanges"]>[number];
export type Resource = Extract<DocumentChange, { kind: string }>;

type Resources = {
  [K in Resource["kind"]]: (
    context: Context,
    resource: Extract<Resource, { kind: K }>,
    common: Common,
  ) => Promise<void>;
};

export const RESOURCES: Resources = {
  create: async (context, { uri, options }, common) => {
    const { view } = context;
    const place = await placeOf(context, uri);
    if (!mayTake(place, options)) return;
    await assertUnlinked(context, place.path, common);
    const hash = await view.snapshots.keep(Buffer.alloc(0));
    const mode = (await view.imageOf(place.path)).mode ?? (await view.modeOfNewFile(place.path));
    await put(context, place.path, { exists: true, type: "file", hash, size: 0, mode }, common);
  },
  rename: async (context, { oldUri, newUri, options }, common) => {
    const [from, to] = [await placeOf(context, oldUri), await placeOf(context, newUri)];
    if (from.type === "absent") throw missing(from);
    if (from.path === to.path || !mayTake(to, options)) return;
    if (to.type !== "absent") await remove(context, { kind: "delete", path: to.path });
    const paths =
      from.type === "directory" ? await filesBelow(context.view, from.path, context.pace) : [from.path];
    for (const path of paths)
      await rename(context, { ...common, kind: "rename", path, to: to.path + path.slice(from.path.length) });
  },
  delete: async (context, { uri, options }, common) => {
    const place = await placeOf(context, uri);
    if (place.type === "absent") {
      if (options?.ignoreIfNotExists) return;
      throw missing(place);
    }
    if (place.type === "directory" && !options?.recursive)
      throw new IopipeError("NotAFile", `${place.path} is a directory.`, {
        path: place.path,
        hint: "Say recursive to delete what is in it.",
      });
    const isDirectory = place.type === "directory";
    const paths = isDirectory ? await filesBelow(context.view, place.path, context.pace) : [place.path];
    for (const path of paths) await remove(context, { ...common, kind: "delete", path });
  },
};

function placeOf({ view }: Context, uri: string): Promise<Place> {
  return findPlace(view, pathOfUri(uri, view.tree.root), { follow: false });
}

/** Whether the name is to be taken; false where it is to be left alone. @throws {IopipeError} FileExists, NotAFile */
function mayTake(
  { path, type }: Place,
  options: Extract<Resource, { kind: "create" }>["options"] = {},
): boolean {
  if (type === "absent") return true;
  if (options.overwrite && type === "directory")
    throw new IopipeError("NotAFile", `${path} is a directory, and no file takes its place.`, { path });
  if (options.overwrite) return true;
  if (options.ignoreIfExists) return false;
  throw new IopipeError("FileExists", `${path} exists already.`, {
    path,
    hint: "Say overwrite or ignoreIfExists, or choose another path.",
  });
}

function missing({ path }: Place): IopipeError {
  return new IopipeError("FileNotFound", `There is no ${path}`, { path });
}
