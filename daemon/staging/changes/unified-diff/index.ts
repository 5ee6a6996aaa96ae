/**
 * unifiedDiff: a diff in git's format, of any number of files, resolved against what the session sees.
 * All of a diff is about one state of the tree: what is renamed or copied is read as it was before; only sections that
 * change one file in place build on each other, as in git. Then what goes, goes, and what comes, comes.
 * Source: git, apply.c (check_patch_list, previous_patch).
 */
import type { ChangeOf } from "../../../../protocol/methods/index.ts";
import { decodeBase64 } from "../../../../protocol/wire/base64.ts";
import { IopipeError } from "../../../../protocol/wire/errors.ts";
import { ABSENT } from "../../../disk/index.ts";
import { findPlace } from "../../places.ts";
import { blobSize, type Context, encode, invalid, put } from "../context.ts";
import { malformed } from "./malformed.ts";
import { type FileDiff, parseDiff } from "./parse.ts";
import { type Arrival, resolveSection } from "./resolve.ts";

export async function unifiedDiff(context: Context, change: ChangeOf<"unifiedDiff">): Promise<void> {
  const { pace } = context;
  const { files, warnings } = await parseDiff(await textOf(context, change), pace);
  if (change.baseHash !== undefined && files.length !== 1)
    throw invalid("baseHash names one content, but the diff has several files.");
  const goes = new Set<string>();
  const comes = new Map<string, Arrival>();
  for (const file of files) {
    await pace();
    const before = inPlace(file, goes, comes);
    const { leaves, arrival } = await resolveSection(context, file, { change, before });
    if (leaves !== undefined) goes.add(leaves);
    if (before) comes.delete(before.path);
    if (arrival) comes.set(arrival.path, arrival);
  }
  for (const path of goes) await put(context, path, ABSENT, {});
  for (const arrival of comes.values()) await arrive(context, arrival, change);
  context.warnings.push(...warnings);
}

const TEXT_FIELDS = ["text", "textBase64", "blob"] as const;

async function textOf(context: Context, change: ChangeOf<"unifiedDiff">): Promise<Buffer> {
  const { text, textBase64, blob } = change;
  if (TEXT_FIELDS.filter((field) => change[field] !== undefined).length !== 1)
    throw invalid("A unifiedDiff takes exactly one of text, textBase64 and blob.");
  if (text !== undefined) return encode(text, undefined, "text");
  if (textBase64 !== undefined) return decodeBase64(textBase64, "textBase64");
  const size = blobSize(context, blob as string);
  return context.view.snapshots.bytes({ exists: true, type: "file", hash: blob, size }, "The diff");
}

const ONE_BY_ONE = "Send one diff after the other, each as its own change.";

/**
 * What an earlier section has made of the file that this one changes in place; undefined where none has.
 *
 * @throws {IopipeError} where two sections are about one path in a way that has no order
 */
function inPlace(
  { from, to, copy, line }: FileDiff,
  goes: ReadonlySet<string>,
  comes: ReadonlyMap<string, Arrival>,
): Arrival | undefined {
  const before = from === undefined ? undefined : comes.get(from);
  if (from !== undefined && (from === to || to === undefined)) {
    if (before || !goes.has(from)) return before;
    throw new IopipeError("FileNotFound", `The diff removes ${from} before it changes it.`, { path: from });
  }
  if (to !== undefined && comes.has(to)) throw malformed(`It makes ${to} twice`, { line, hint: ONE_BY_ONE });
  if (before?.wasThere && !copy)
    throw malformed(`It renames ${from} after it has changed it`, { line, hint: ONE_BY_ONE });
  return undefined;
}

async function arrive(context: Context, arrival: Arrival, change: ChangeOf<"unifiedDiff">): Promise<void> {
  const { path, image, from, match } = arrival;
  const place = await findPlace(context.view, path, { follow: false });
  if (place.type !== "absent")
    throw new IopipeError("FileExists", `${place.path} exists already.`, { path: place.path });
  await put(context, place.path, image, change, { from, match });
}
