/**
 * Staleness: whether what a patch was made on is still on disk. Looks only; what follows from it is settle-stale.ts.
 * Compared are the aspects that the patch changes, by content; an mtime decides nothing.
 */
import { setTimeout as wait } from "node:timers/promises";
import type { Image } from "../../protocol/methods/index.ts";
import { IopipeError } from "../../protocol/wire/errors.ts";
import { ABSENT, type Aspect, aspectsOf, DiskError, sameAspects } from "../disk/index.ts";
import { now, type PatchRow } from "../store/index.ts";
import type { Looks } from "./removals.ts";

/** Between two looks: longer than an editor takes to save in place. */
export const SECOND_LOOK_MS = 50;

/** One path that a patch needs in a certain shape. */
interface Expectation {
  readonly path: string;
  readonly expected: Image;
  readonly aspects: readonly Aspect[];
}

/** What an error of kind Stale carries for a path. `actual` is absent where something else than a file is there. */
export interface StaleFile {
  readonly path: string;
  readonly expected: Image;
  readonly actual?: Image;
  /** When it was seen. */
  readonly at: string;
}

/** A rename needs two places: its file whole, since that is removed, and nobody at its new path. */
function expectationsOf({ path, from, base, after }: PatchRow): Expectation[] {
  if (from === undefined) return [{ path, expected: base, aspects: aspectsOf(base, after) }];
  const aspects = [...new Set([...aspectsOf(base, ABSENT), ...aspectsOf(base, after)])];
  return [
    { path: from, expected: base, aspects },
    { path, expected: ABSENT, aspects: aspectsOf(ABSENT, after) },
  ];
}

/** Where the disk differs from what `patch` was made on; empty when it can be applied. */
export async function findStale(looks: Looks, patch: PatchRow): Promise<StaleFile[]> {
  const stale: StaleFile[] = [];
  for (const { path, expected, aspects } of expectationsOf(patch)) {
    const actual = await observe(looks, path, expected);
    if (actual && sameAspects(expected, actual, aspects)) continue;
    stale.push({ path, expected, ...(actual && { actual }), at: now() });
  }
  return stale;
}

/** The image at `path`, hashed where there is a hash to compare with; undefined where no file or link can be. */
async function observe(looks: Looks, path: string, expected: Image): Promise<Image | undefined> {
  try {
    return expected.hash === undefined ? await looks.lstat(path) : await looks.image(path);
  } catch (error) {
    if (error instanceof DiskError && error.kind === "NotAFile") return undefined;
    if (!(error instanceof DiskError && error.kind === "PathEscape")) throw error;
    // Behind a link nothing of ours can be; whether that link may be there is the examiner's question.
    return expected.exists ? undefined : ABSENT;
  }
}

/** As `findStale`, but looks twice, so that a file caught in the middle of being saved does not count. */
export async function findStaleTwice(looks: Looks, patch: PatchRow): Promise<StaleFile[]> {
  const first = await findStale(looks, patch);
  if (first.length === 0) return first;
  await wait(SECOND_LOOK_MS);
  return findStale(looks, patch);
}

/** The paths that applying a patch changes: of a rename its old one too. */
export function pathsOf({
  path,
  from,
}: {
  readonly path: string;
  readonly from?: string | undefined;
}): string[] {
  return from === undefined ? [path] : [from, path];
}

/** An error of kind Stale about `files`. */
export function staleError(files: readonly StaleFile[]): IopipeError {
  const paths = files.map(({ path }) => path);
  const named =
    paths.length > 3 ? `${paths.slice(0, 3).join(", ")} and ${paths.length - 3} more` : paths.join(", ");
  const [path] = paths;
  return new IopipeError("Stale", `The content on disk is not what the patch was made on: ${named}`, {
    ...(paths.length === 1 && { path }),
    files,
  });
}
