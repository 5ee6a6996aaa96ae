/**
 * Whether verdicts still stand: one falls when the tree changes after the clock at which it began.
 * Owns what counts as a change: what the watch reports of HIGH or MED priority, whoever made it. What is ignored, made or
 * fetched by tools does not count, or every build would void what its own tests said.
 * That something else is staged is seen by the digest, and stored nowhere.
 */
import { isKind } from "../../../protocol/wire/errors.ts";
import type { Store } from "../../store/index.ts";
import type { RootWatch } from "../../watch/index.ts";

interface Watched {
  readonly id: string;
  readonly watch: RootWatch;
}

/** How long the watch may take to prove that it has seen everything. */
const SYNC_MS = 30_000;

/** Makes those fall since whose clock the tree has changed; with `proven`, by all that happened before the call. */
export async function settleVerdicts(
  { verdicts }: Pick<Store, "verdicts">,
  { id, watch }: Watched,
  { proven, signal }: { readonly proven: boolean; readonly signal?: AbortSignal },
): Promise<void> {
  const standing = verdicts.standing(id);
  if (standing.length === 0) return;
  if (proven) await watch.sync(undefined, SYNC_MS, signal);
  for (const clock of new Set(standing.map((row) => row.clock))) {
    const { fresh, changes } = await watch.since(clock, { priorities: ["HIGH", "MED"] }, 1, signal);
    if (!fresh && changes.length === 0) continue;
    verdicts.fall(standing.filter((row) => row.clock === clock).map(({ n }) => n));
  }
}

/** Follows the tree, so that a verdict is shown as void soon after; an apply looks for itself. */
export function followVerdicts(
  store: Pick<Store, "verdicts">,
  workspace: Watched,
  failed: (error: unknown) => void,
): () => void {
  let looking = false;
  let again = false;
  let stopped = false;
  const look = async (): Promise<void> => {
    again = looking;
    if (looking || stopped) return;
    looking = true;
    try {
      await settleVerdicts(store, workspace, { proven: false });
    } catch (error) {
      // Nothing can be applied to a tree that is not there.
      if (!stopped && !isKind(error, "RootGone")) failed(error);
    }
    looking = false;
    if (again) void look();
  };
  const stop = workspace.watch.onChanges(() => void look());
  return () => {
    stopped = true;
    stop();
  };
}
