/**
 * Rebasing: patches whose base is gone, merged onto what is on disk now, as new pending patches that supersede them.
 * Nothing on disk changes, and nothing is lost: what collides stays stale, and is answered with all three sides.
 * Concurrency: as staging (stage.ts).
 */
import { inParallel, type Tree } from "../disk/index.ts";
import type { PatchRow, SessionRow } from "../store/index.ts";
import type { MergedOnto } from "./merge/onto-disk.ts";
import { prepareMerge } from "./merge/prepare.ts";
import type { Deps } from "./stage.ts";
import { pathsOf } from "./stale.ts";
import { openView, type View } from "./view.ts";

export interface RebaseOptions {
  /** Of patches, by either of a rename's; default all. */
  readonly paths?: readonly string[] | undefined;
  readonly by?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Rebases the session's stale patches, and those of its pending ones whose base is gone without anybody having told.
 *
 * @throws {IopipeError} or disk's errors where something cannot be looked at; nothing was rebased
 */
export function rebase(
  deps: Deps,
  session: SessionRow,
  tree: Tree,
  { paths, by, signal }: RebaseOptions,
): Promise<MergedOnto> {
  return tree.held(async (held) => {
    const view = openView(deps.store, session, held, signal);
    const named = paths && new Set(paths);
    const asked = deps.store.patches
      .unsettledOf(session.id)
      .filter((patch) => !named || pathsOf(patch).some((path) => named.has(path)));
    const moved = await baseless(view, asked);
    const { merged, conflicted, record } = await prepareMerge(deps, view, moved);
    record(session, by);
    return { merged, conflicted };
  });
}

/** Those of the patches that are stale, known so or seen now. */
async function baseless(view: View, patches: readonly PatchRow[]): Promise<PatchRow[]> {
  await inParallel(patches, ({ path, state }) => (state === "Pending" ? view.layerOf(path) : undefined));
  const stale = new Set([...view.stale].map(({ id }) => id));
  return patches.filter(({ id, reason }) => reason === "stale" || stale.has(id));
}
