/**
 * Diffs as sessions and operations show them: git-format text, or hunks, of any pairs of images.
 * A change of type (file to symlink or back) is a deletion and a creation, as in git.
 * Invariant: what a session's diff shows is what its digest covers; both are of the same patches.
 */
import type { FileStatus, Hunk, PatchKind, Result } from "../../protocol/methods/index.ts";
import { IopipeError } from "../../protocol/wire/errors.ts";
import { MAX_DIFF_BYTES } from "../../protocol/wire/limits.ts";
import { ABSENT, inParallel } from "../disk/index.ts";
import type { PatchRow, SessionRow, Store } from "../store/index.ts";
import type { ContentDiff } from "./diff/content.ts";
import { formatSection, type Section } from "./diff/unified.ts";
import type { Differ } from "./differ.ts";
import { digestOf } from "./digest.ts";
import { isFullReplace, kindOf } from "./images.ts";
import { diffImages } from "./pairs.ts";

/** Lines around a change unless asked otherwise, as in git. */
export const DEFAULT_CONTEXT = 3;

/** What is to be shown of one path. */
export interface Pair extends Section {
  readonly patch?: string | undefined;
  /** Where known; else by the images. */
  readonly status?: PatchKind | undefined;
}

export interface DiffOptions {
  readonly paths?: readonly string[] | undefined;
  readonly format?: "unified" | "hunks" | undefined;
  readonly context?: number | undefined;
}

export interface Rendered {
  /** Empty with format "hunks". */
  readonly diff: string;
  readonly files: FileStatus[];
}

interface Deps {
  readonly store: Store;
  readonly differ: Differ;
}

/** See Staging.diffSession. A path that names nothing pending is no error: it has no diff. */
export async function diffSession(
  deps: Deps,
  session: SessionRow,
  options: DiffOptions,
): Promise<Result<"session/diff">> {
  const { patches } = deps.store;
  if (options.paths) return renderDiff(deps, pendingAt(patches, session, options.paths).map(pairOf), options);
  // Both are read before anything is waited for.
  const [pending, digest] = [patches.ofSession(session.id, "Pending"), digestOf(deps.store, session.id)];
  return { ...(await renderDiff(deps, pending.map(pairOf), options)), digest };
}

function pendingAt({ holding }: Store["patches"], { id }: SessionRow, paths: readonly string[]): PatchRow[] {
  const held = [...new Set(paths)].flatMap((path) => holding(id, path));
  return [...new Map(held.map((patch) => [patch.id, patch])).values()];
}

function pairOf({ id, path, from, kind, base, after }: PatchRow): Pair {
  return { patch: id, path, from, status: kind, before: base, after };
}

/** See Staging.renderDiff. Sorted by path, without what is the same; `paths` selects files by either name. */
export async function renderDiff(
  deps: Deps,
  pairs: readonly Pair[],
  { paths, format = "unified", context = DEFAULT_CONTEXT }: DiffOptions,
): Promise<Rendered> {
  const names = paths && new Set(paths);
  const selected = pairs
    .filter(({ path, from }) => !names || names.has(path) || (from !== undefined && names.has(from)))
    .filter(({ from, before, after }) => from !== undefined || kindOf(before, after) !== undefined)
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
  let bytes = 0;
  const rendered = await inParallel(selected, async (pair) => {
    const one = await renderPair(deps, pair, { detail: format, context });
    bytes += Buffer.byteLength(one.text) + sizeOf(one.status.hunks);
    if (bytes > MAX_DIFF_BYTES) throw tooLarge(pair.path);
    return one;
  });
  return { diff: rendered.map(({ text }) => text).join(""), files: rendered.map(({ status }) => status) };
}

async function renderPair(
  deps: Deps,
  pair: Pair,
  options: { detail: "unified" | "hunks"; context: number },
): Promise<{ text: string; status: FileStatus }> {
  const sections = sectionsOf(pair);
  const diffs: ContentDiff[] = [];
  for (const section of sections) diffs.push(await diffImages(deps, section, options));
  if (options.detail === "unified" && diffs.some(({ body }) => body === undefined)) throw tooLarge(pair.path);
  const text = sections.map((section, n) => formatSection(section, diffs[n] as ContentDiff));
  return {
    text: options.detail === "unified" ? text.join("") : "",
    status: statusOf(pair, diffs, options.detail),
  };
}

function sectionsOf({ path, from, before, after }: Pair): Section[] {
  if (!before.exists || !after.exists || before.type === after.type) return [{ path, from, before, after }];
  return [
    { path: from ?? path, before, after: ABSENT },
    { path, before: ABSENT, after },
  ];
}

function statusOf(pair: Pair, diffs: readonly ContentDiff[], detail: "unified" | "hunks"): FileStatus {
  const { patch, path, from, before, after, status = kindOf(before, after) ?? "update" } = pair;
  const sum = (field: "added" | "removed") => diffs.reduce((total, diff) => total + diff[field], 0);
  return {
    ...(patch !== undefined && { patch }),
    path,
    ...(from !== undefined && { from }),
    status,
    added: sum("added"),
    removed: sum("removed"),
    binary: diffs.some(({ binary }) => binary),
    fullReplace: isFullReplace(before, after),
    coarse: diffs.some(({ coarse }) => coarse),
    ...(detail === "hunks" && { hunks: diffs.flatMap(({ hunks }) => hunks ?? []) }),
  };
}

function sizeOf(hunks: readonly Hunk[] | undefined): number {
  if (!hunks) return 0;
  return hunks.reduce(
    (total, { lines }) => total + lines.reduce((sum, line) => sum + Buffer.byteLength(line), 0),
    0,
  );
}

function tooLarge(path: string): IopipeError {
  return new IopipeError("TooLarge", `The diff passes ${MAX_DIFF_BYTES} bytes, with ${path}`, {
    path,
    limit: MAX_DIFF_BYTES,
  });
}
