/**
 * What is to be verified: a session's pending changes, as an apply would make them now, with the digest that names them
 * and a clock of the tree from before they were looked at. Owns the order in which the three are taken.
 */
import { IopipeError, isKind } from "../../../protocol/wire/errors.ts";
import { rehearse } from "../../promotion/index.ts";
import { digestOf, type Examination, staleError } from "../../staging/index.ts";
import type { SessionRow } from "../../store/index.ts";
import type { House } from "../house.ts";
import type { OpenWorkspace } from "../opened.ts";

export interface Prepared {
  readonly workspace: OpenWorkspace;
  readonly transitions: Examination["transitions"];
  readonly digest: string;
  readonly clock: string;
}

/** How long the watch may take to say where the tree stands. */
const CLOCK_MS = 30_000;

/** @throws {IopipeError} IllegalState where nothing is pending, Stale, what else would refuse the apply, SyncTimeout */
export async function prepare(
  { store, staging, sessionTurn }: House,
  session: SessionRow,
  workspace: OpenWorkspace,
  signal: AbortSignal,
): Promise<Prepared> {
  // First, so that what changes while this looks is after it.
  const { clock } = await workspace.watch.sync(undefined, CLOCK_MS, signal);
  const examine = async (): Promise<Prepared> => {
    const { transitions, stale, problems } = await staging.examine(
      session,
      workspace.tree,
      undefined,
      signal,
    );
    if (stale.length > 0) throw staleError(stale.flatMap(({ files }) => files));
    // To be confirmed is the reviewer's, at the apply.
    const problem = problems.find((each) => !isKind(each, "ConfirmationRequired"));
    if (problem) throw problem;
    if (transitions.length === 0) throw nothingPending(session);
    await rehearse(
      { workspace: workspace.id, tree: workspace.tree, kind: "apply", transitions, signal },
      store,
    );
    return { workspace, transitions, digest: digestOf(store, session.id), clock };
  };
  // RACE: the watcher may move a patch to stale between the examination and the digest. Then that is of less than what
  // is laid out; but the tree has changed after the clock, and the verdict is void when it comes.
  return await sessionTurn(session.id, examine, signal);
}

function nothingPending({ id }: SessionRow): IopipeError {
  return new IopipeError("IllegalState", `Session ${id} has nothing pending to verify.`, {
    session: id,
    hint: "Stage a change first.",
  });
}
