/**
 * A diff that is too large to be given at once, printed some files at a time, for `git apply` and other programs.
 * Memory: one part. Failure: what was printed before stays, and the exit code tells that it is not all.
 */
import { once } from "node:events";
import type { Patch, Result } from "../../protocol/methods/index.ts";
import { IopipeError } from "../../protocol/wire/errors.ts";
import { MAX_DIFF_BYTES } from "../../protocol/wire/limits.ts";

type Diff = Result<"session/diff">;

/** @throws {IopipeError} TooLarge for a file's own; DigestMismatch where what is pending changed meanwhile */
export async function printInParts(
  patches: readonly Patch[],
  diffOf: (paths: string[]) => Promise<Diff>,
): Promise<void> {
  for (const part of partsOf(patches)) {
    const { diff, files } = await diffOf(part.map(({ path }) => path));
    if (!isOf(part, files))
      throw new IopipeError("DigestMismatch", "What is pending changed while its diff was printed.");
    if (!process.stdout.write(diff)) await once(process.stdout, "drain");
  }
}

/** Lines of one character become twice as long in a diff. */
const PART_BYTES = MAX_DIFF_BYTES / 2;
/** About what a diff says of a file beside its lines, but for long paths. */
const HEADER_BYTES = 500;

/** Of about PART_BYTES each. What is renamed, and what comes in its place, is one part: a path asks for both. */
function partsOf(patches: readonly Patch[]): Patch[][] {
  const sources = new Set(patches.flatMap(({ from }) => from ?? []));
  const isMoved = ({ path, from }: Patch): boolean => from !== undefined || sources.has(path);
  const moved = patches.filter(isMoved);
  const parts: Patch[][] = moved.length > 0 ? [moved] : [];
  let room = 0;
  for (const patch of patches) {
    if (isMoved(patch)) continue;
    const bytes = HEADER_BYTES + (patch.base.size ?? 0) + (patch.after.size ?? 0);
    if (bytes > room) {
      parts.push([]);
      room = PART_BYTES;
    }
    parts.at(-1)?.push(patch);
    room -= bytes;
  }
  return parts;
}

/** A patch's id names one content. */
function isOf(part: readonly Patch[], files: Diff["files"]): boolean {
  const ids = new Set(part.map(({ id }) => id));
  return files.length === part.length && files.every(({ patch }) => patch !== undefined && ids.has(patch));
}
