/** Staging a commit: all that iopipe takes of it, in one call. */
import { IopipeError, type Result, type SessionHandle } from "../../client/index.ts";
import { contentsOf } from "./contents.ts";
import { apart, type Delta, isRename } from "./deltas.ts";
import { inOrder, propose } from "./proposal.ts";
import { inTime } from "./replay.ts";
import type { Repository } from "./repository.ts";

/**
 * Stages `deltas`; what is refused is left out, and the rest is asked for again. A rename that is refused is tried as a
 * deletion and a creation. Undefined where nothing is left.
 */
export async function stage(
  repository: Repository,
  session: SessionHandle,
  deltas: readonly Delta[],
  onRefused: (delta: Delta, error: IopipeError) => void,
): Promise<Result<"patch/stage"> | undefined> {
  const ids = deltas.flatMap(({ to }) => to?.oid ?? []);
  const contents = await contentsOf(repository, ids);
  for (let wanted = inOrder(deltas); wanted.length > 0; ) {
    const proposed = propose(wanted, contents);
    try {
      return await session.stage(
        proposed.map(({ change }) => change),
        inTime(),
      );
    } catch (error) {
      if (!(error instanceof IopipeError && error.data.index !== undefined)) throw error;
      const culprit = proposed[error.data.index]?.delta as Delta;
      onRefused(culprit, error);
      const rest = isRename(culprit) ? apart(culprit) : [];
      wanted = wanted.flatMap((delta) => (delta === culprit ? rest : [delta]));
    }
  }
  return undefined;
}
