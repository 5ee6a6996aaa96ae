/**
 * Rivals: pending patches of other sessions that may collide with a session's own, by where they are.
 * Owns finding them, with few questions to the store for many patches. Whether and where they collide is conflicts.ts.
 */
import { ancestorsOf } from "../disk/index.ts";
import type { PatchRow, Store } from "../store/index.ts";
import { pathsOf } from "./stale.ts";

export interface Rivals {
  /** Those that hold a path of the patch. */
  readonly sharing: ReadonlySet<PatchRow>;
  /** Those that make a file where the patch needs a directory, or the other way round. */
  readonly blocking: readonly PatchRow[];
}

/** Says of each of `own` (pending, of one session, at least one) which are its rivals. */
export function findRivals(store: Store, own: readonly PatchRow[]): (patch: PatchRow) => Rivals {
  const { workspace, session } = own[0] as PatchRow;
  const made = own.filter(isMade);
  const directories = made.flatMap(({ path }) => ancestorsOf(path));
  const at = store.patches.rivalling(workspace, session, [
    ...new Set([...own.flatMap(pathsOf), ...directories]),
  ]);
  const news = made.filter(({ base }) => !base.exists).map(({ path }) => path);
  const below = news.length > 0 ? store.patches.rivallingBelow(workspace, session, news) : [];
  const holders = byPath(at, pathsOf);
  const makers = byPath(at.filter(isMade), ({ path }) => [path]);
  const dwellers = byPath(below, ({ path }) => ancestorsOf(path));
  return (patch) => ({
    sharing: new Set(pathsOf(patch).flatMap((path) => holders.get(path) ?? [])),
    blocking: isMade(patch)
      ? [
          ...ancestorsOf(patch.path).flatMap((directory) => makers.get(directory) ?? []),
          ...(dwellers.get(patch.path) ?? []),
        ]
      : [],
  });
}

/** Something is at its path when it is applied. */
function isMade({ after }: PatchRow): boolean {
  return after.exists;
}

/** A rename may come once for either of its names. */
function byPath(
  patches: readonly PatchRow[],
  paths: (patch: PatchRow) => readonly string[],
): Map<string, PatchRow[]> {
  const found = new Map<string, PatchRow[]>();
  for (const patch of new Map(patches.map((each) => [each.id, each])).values()) {
    for (const path of paths(patch)) {
      const list = found.get(path);
      if (list) list.push(patch);
      else found.set(path, [patch]);
    }
  }
  return found;
}
