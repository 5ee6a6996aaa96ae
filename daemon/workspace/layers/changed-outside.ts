/**
 * What somebody changed in the real tree since a layer began: nobody knows what a command saw there.
 * Told by two witnesses, for each has its gaps. A file's time of change (ctime, which nobody can set) tells of every file
 * that is there, but for one that came with its directory, and of none that went. The watch tells of every path that is
 * not ignored; what it says between the two clocks of a layer may have happened before it began, and then counts only
 * where there is no time to go by.
 * RACE: a directory that is moved to where the command writes, within the milliseconds between these clocks, shows in
 * neither. Worst case: its file is taken for what the command began with, and is still compared when that is applied.
 */
import type { Standing } from "../../layer/index.ts";
import type { LayerRow } from "../../store/index.ts";
import type { RootWatch } from "../../watch/index.ts";

/** Asked for at once. */
const PAGE = 1000;

/** How long the watch may take to see what has happened until now. */
const SYNC_MS = 10_000;

/** Whether somebody else has changed what stands in the layer. */
export type Outside = (standing: Pick<Standing, "path" | "belowNs">) => boolean;

/** `isOver`: whether everything that happened until now is to be told; else what has been seen. */
export async function changedOutside(
  watch: RootWatch,
  { clock, settledClock, beganNs }: LayerRow,
  isOver: boolean,
  signal?: AbortSignal,
): Promise<Outside> {
  if (isOver) await watch.sync(undefined, SYNC_MS, signal).catch(() => signal?.throwIfAborted());
  const perhaps = await pathsSince(watch, clock, signal);
  const surely = await pathsSince(watch, settledClock, signal);
  return ({ path, belowNs }) =>
    surely.has(path) || (belowNs === undefined ? perhaps.has(path) : belowNs > beganNs);
}

/** None where the watch cannot tell. */
async function pathsSince(
  watch: RootWatch,
  clock: string | undefined,
  signal: AbortSignal | undefined,
): Promise<ReadonlySet<string>> {
  const paths = new Set<string>();
  try {
    for (let from = clock; from !== undefined; ) {
      const page = await watch.since(from, {}, PAGE, signal);
      if (page.fresh) return new Set();
      for (const { path } of page.changes) paths.add(path);
      from = page.more ? page.clock : undefined;
    }
  } catch {
    signal?.throwIfAborted();
    return new Set();
  }
  return paths;
}
