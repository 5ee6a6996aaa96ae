/**
 * What somebody changed in the real tree since a layer began: nobody knows what a command saw there.
 * Told by two witnesses, for each has its gaps. The watch knows of every path that is not ignored, but perhaps not yet;
 * a file's time of change (ctime, which nobody can set) tells of every file that is there, but for one that came with its
 * directory, and of none that went.
 */
import type { Standing } from "../../layer/index.ts";
import type { LayerRow } from "../../store/index.ts";
import type { RootWatch } from "../../watch/index.ts";

/** Asked for at once. */
const PAGE = 1000;

/** Which of what stands in the layer somebody else has changed. */
export type Outside = (standing: Pick<Standing, "path" | "belowNs">) => boolean;

export async function changedOutside(
  watch: RootWatch,
  { clock, beganNs }: Pick<LayerRow, "clock" | "beganNs">,
  signal?: AbortSignal,
): Promise<Outside> {
  const told = await pathsSince(watch, clock, signal);
  return ({ path, belowNs }) => told.has(path) || (belowNs !== undefined && belowNs > beganNs);
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
