/**
 * Some hunks of a patch: the base with those hunks' lines replaced, byte for byte.
 * Hunks are named as session/diff names them with its default context; their ids are of content and place, so that one
 * that was looked at cannot mean another.
 */
import type { Change, Hunk } from "../../protocol/methods/index.ts";
import { IopipeError } from "../../protocol/wire/errors.ts";
import type { PatchRow } from "../store/index.ts";
import { type Lines, splitLines } from "./diff/lines.ts";
import { DEFAULT_CONTEXT } from "./diff.ts";
import { diffImages } from "./pairs.ts";
import type { Deps } from "./stage.ts";

/**
 * The change that stages what `ids` leave of the patch.
 *
 * @throws {IopipeError} IllegalState where it has no such hunk, or none that could be kept apart
 */
export async function keepHunks(deps: Deps, patch: PatchRow, ids: readonly string[]): Promise<Change> {
  const { store } = deps;
  const { base, after, path } = patch;
  if (base.hash === undefined || after.hash === undefined || patch.binary || patch.fullReplace)
    throw illegal(patch, `${path} has no hunks to choose among.`);
  const images = { before: base, after };
  const { hunks = [] } = await diffImages(deps, images, { detail: "hunks", context: DEFAULT_CONTEXT });
  const unknown = ids.find((id) => hunks.every((hunk) => hunk.id !== id));
  if (unknown !== undefined) throw illegal(patch, `${path} has no hunk ${unknown}.`);
  const [old, now] = [await store.blobs.read(base.hash), await store.blobs.read(after.hash)];
  const kept = hunks.filter(({ id }) => ids.includes(id));
  const blob = await store.blobs.put(splice(splitLines(old), splitLines(now), kept));
  return { kind: "write", path, blob };
}

/** `old` with its lines of each hunk replaced by those of `now`. */
function splice(old: Lines, now: Lines, hunks: readonly Hunk[]): Buffer {
  const parts: Buffer[] = [];
  let end = 0;
  for (const { oldStart, oldLines, newStart, newLines } of hunks) {
    // Git names the line before where a side is empty.
    const from = oldLines === 0 ? oldStart : oldStart - 1;
    const start = newLines === 0 ? newStart : newStart - 1;
    parts.push(linesOf(old, end, from), linesOf(now, start, start + newLines));
    end = from + oldLines;
  }
  return Buffer.concat([...parts, linesOf(old, end, old.count)]);
}

function linesOf({ bytes, starts }: Lines, start: number, end: number): Buffer {
  return bytes.subarray(starts[start], starts[end]);
}

function illegal({ id, path }: PatchRow, fact: string): IopipeError {
  return new IopipeError("IllegalState", fact, {
    path,
    patch: id,
    hint: "Ask session/diff for its hunks, or decide on the whole patch.",
  });
}
