/**
 * applyPatch: the `*** Begin Patch` form, file by file, each on what the one before has left.
 * Adding a file over another or moving one there is an error, and not, as elsewhere, the other one's end.
 * The form cannot say how lines end nor that the last one does not: what the file has is kept.
 */
import type { ChangeOf } from "../../../../protocol/methods/index.ts";
import { IopipeError } from "../../../../protocol/wire/errors.ts";
import { assertThere, findPlace } from "../../places.ts";
import { assertBaseHash, assertUnlinked, type Context, encode, invalid, matchesOf, put } from "../context.ts";
import { remove, rename } from "../entries.ts";
import { matchAt } from "../hunks/match.ts";
import { splice } from "../hunks/splice.ts";
import { CR, LF, splitText } from "../hunks/text.ts";
import { parseApplyPatch, type Step } from "./parse.ts";
import type { Chunk } from "./parse-chunk.ts";
import { placeChunks } from "./place.ts";

type Change = ChangeOf<"applyPatch">;

export async function applyPatch(context: Context, change: Change): Promise<void> {
  const { pace } = context;
  const steps = await parseApplyPatch(encode(change.text, undefined, "text"), pace);
  if (change.baseHash !== undefined && steps.length !== 1)
    throw invalid("baseHash names one content, but the patch has several files.");
  for (const step of steps) {
    await pace();
    await STEPS[step.kind](context, step as never, change);
  }
}

type Steps = {
  [K in Step["kind"]]: (context: Context, step: Extract<Step, { kind: K }>, change: Change) => Promise<void>;
};

const STEPS: Steps = {
  add: async (context, { path, content }, change) => {
    const { view, pace } = context;
    const place = await findPlace(view, path, { follow: false });
    if (place.type !== "absent")
      throw new IopipeError("FileExists", `${place.path} exists already.`, {
        path: place.path,
        hint: "Update it with *** Update File, or choose another path.",
      });
    await assertBaseHash(context, place.path, change);
    const nothing = await splitText(Buffer.alloc(0), pace);
    const bytes = await splice(nothing, [{ hunk: content, at: 0, likeness: "exact" }], path, pace);
    const hash = await view.snapshots.keep(bytes);
    const mode = await view.modeOfNewFile(place.path);
    await put(context, place.path, { exists: true, type: "file", hash, size: bytes.length, mode }, change);
  },
  delete: (context, { path }, { text: _, ...common }) => remove(context, { ...common, kind: "delete", path }),
  update: async (context, { path, to, chunks }, change) => {
    // A link that is moved moves itself; what it leads to would stay behind, changed.
    const place = await findPlace(context.view, path, { follow: to === undefined });
    assertThere(place);
    await assertBaseHash(context, place.path, change);
    if (chunks.length > 0) await update(context, place.path, chunks, change);
    const { baseHash: _, text: __, ...common } = change;
    if (to !== undefined) await rename(context, { ...common, kind: "rename", path, to });
  },
};

async function update(
  context: Context,
  path: string,
  chunks: readonly Chunk[],
  change: Change,
): Promise<void> {
  const { view, pace } = context;
  const image = await view.imageOf(path);
  if (image.type !== "file")
    throw new IopipeError("NotAFile", `${path} is a symlink, and has no lines.`, { path });
  await assertUnlinked(context, path, change);
  const bytes = await view.snapshots.bytes(image, path);
  const end = missingEnd(bytes);
  const file = await splitText(end === "" ? bytes : Buffer.concat([bytes, Buffer.from(end)]), pace);
  const placed = await placeChunks(file, chunks, { path, pace });
  const made = await splice(file, placed, path, pace);
  const now = end === "" ? made : withoutEnd(made);
  const match = [
    ...(await matchesOf(context, path)),
    ...placed.map(({ at, likeness }) => matchAt(at + 1, likeness, false)),
  ];
  const hash = await view.snapshots.keep(now);
  await put(context, path, { ...image, hash, size: now.length, mtimeNs: undefined }, change, { match });
}

/** The newline that a file's last line lacks, as its first line has it; "" where there is one. */
function missingEnd(bytes: Buffer): string {
  if (bytes.length === 0 || bytes[bytes.length - 1] === LF) return "";
  return bytes[bytes.indexOf(LF) - 1] === CR ? "\r\n" : "\n";
}

/** `bytes` without the newline at its end. */
function withoutEnd(bytes: Buffer): Buffer {
  if (bytes[bytes.length - 1] !== LF) return bytes;
  return bytes.subarray(0, bytes[bytes.length - 2] === CR ? -2 : -1);
}
