/** One section of a diff, resolved: what leaves its path and what arrives at one, with the bytes that it then has. */
import type { ChangeOf, Image } from "../../../../protocol/methods/index.ts";
import { IopipeError } from "../../../../protocol/wire/errors.ts";
import { assertThere, findPlace } from "../../places.ts";
import type { View } from "../../view.ts";
import { assertBaseHash, assertUnlinked, type Context, matchesOf } from "../context.ts";
import { assertTarget, originOf } from "../entries.ts";
import { type Match, matchAt } from "../hunks/match.ts";
import { contentAfter, contentOfNew } from "./content.ts";
import { malformed } from "./malformed.ts";
import { isSymlink, modeIn, permissions } from "./modes.ts";
import type { FileDiff } from "./parse.ts";

/** What is at a path when the whole diff is applied. */
export interface Arrival {
  readonly path: string;
  readonly image: Image;
  /** The path on disk that it is renamed from. */
  readonly from?: string | undefined;
  readonly match: readonly Match[];
  /** Whether it was at this path before, and changed there. */
  readonly wasThere: boolean;
}

export interface Effect {
  readonly leaves?: string;
  readonly arrival?: Arrival;
}

interface Given {
  readonly change: ChangeOf<"unifiedDiff">;
  /** What an earlier section made of this file. */
  readonly before: Arrival | undefined;
}

export async function resolveSection(context: Context, file: FileDiff, given: Given): Promise<Effect> {
  const { change, before } = given;
  const { from, to } = file;
  if (from === undefined) return { arrival: await created(context, file, to as string) };
  const path = before?.path ?? (await pathOf(context, file, from, change));
  const old = before?.image ?? (await context.view.imageOf(path));
  const known = before?.match ?? (await matchesOf(context, path));
  assertType(file, old, path);
  const { bytes, match: found } = await contentAfter(context, file, { old, path, change });
  if (to === undefined) {
    if (bytes.length === 0) return { leaves: path };
    throw malformed(`It deletes ${path} but leaves ${bytes.length} bytes of it`, { line: file.line });
  }
  const image = await imageOf(context.view, to, { bytes, mode: file.newMode ?? modeIn(old), old });
  const match = [...known, ...found];
  if (file.copy) return { arrival: { path: to, image, match, wasThere: false } };
  const wasThere = from === to;
  const origin = before ? before.from : await sourceOf(context, path, wasThere);
  const arrival = { path: wasThere ? path : to, image, from: origin, match, wasThere };
  return { leaves: path, arrival };
}

async function pathOf(
  context: Context,
  { to, copy }: FileDiff,
  from: string,
  change: ChangeOf<"unifiedDiff">,
): Promise<string> {
  const place = await findPlace(context.view, from, { follow: false });
  assertThere(place);
  await assertBaseHash(context, place.path, change);
  // What goes, or stays beside its copy, keeps its other names as they are.
  if (to !== undefined && !copy) await assertUnlinked(context, place.path, change);
  return place.path;
}

/** Where what is at `path` came from on disk, when it stays there or goes elsewhere. */
async function sourceOf(context: Context, path: string, stays: boolean): Promise<string | undefined> {
  return stays ? (await context.view.layerOf(path))?.from : originOf(context, path);
}

async function created(context: Context, file: FileDiff, path: string): Promise<Arrival> {
  const { newMode: mode = 0o100644, hunks } = file;
  const bytes = await contentOfNew(file, path, context.pace);
  const image = await imageOf(context.view, path, { bytes, mode, old: undefined });
  return { path, image, match: hunks.map(() => matchAt(1, "exact", false)), wasThere: false };
}

/** What is about a file is not applied to a link's target, nor the other way round. */
function assertType({ oldMode, line }: FileDiff, old: Image, path: string): void {
  if (oldMode === undefined || isSymlink(oldMode) === isSymlink(modeIn(old))) return;
  const [is, said] = old.type === "symlink" ? ["a symlink", "a file"] : ["a file", "a symlink"];
  throw new IopipeError("MatchNotFound", `${path} is ${is}, and the diff is about ${said}.`, {
    path,
    diffLine: line + 1,
  });
}

interface New {
  readonly bytes: Buffer;
  /** git's. */
  readonly mode: number;
  readonly old: Image | undefined;
}

async function imageOf(view: View, path: string, { bytes, mode, old }: New): Promise<Image> {
  if (isSymlink(mode)) return { exists: true, type: "symlink", target: targetOf(bytes, path) };
  const hash = await view.snapshots.keep(bytes);
  return {
    exists: true,
    type: "file",
    hash,
    size: bytes.length,
    mode: await permissions(view, path, mode, old?.mode),
  };
}

/** Images hold text: a target that is none would become another one. */
function targetOf(bytes: Buffer, path: string): string {
  const target = bytes.toString("utf8");
  if (!Buffer.from(target).equals(bytes)) throw malformed(`The target of ${path} is not UTF-8`);
  if (target === "") throw malformed(`The target of ${path} is empty`);
  assertTarget(target, path);
  return target;
}
