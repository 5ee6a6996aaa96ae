/**
 * What an apply is refused for that is neither a patch's nor the promotion's to say: a command that still writes, the
 * policy, the checks that it requires, and nothing being there to apply.
 * Each gives the error, or undefined; an apply throws the first, its dry run lists them all.
 */
import { IopipeError } from "../../protocol/wire/errors.ts";
import type { Examination } from "../staging/index.ts";
import type { PatchRow, SessionRow, Store } from "../store/index.ts";
import type { OpenWorkspace } from "./opened.ts";
import { refusal } from "./policy/index.ts";
import { missingVerdict } from "./verify/required.ts";

type Refusal = IopipeError | undefined;

/** What a command has written so far is not all that it is going to. */
export function whileWritten({ layers }: Store, { id }: SessionRow): Refusal {
  if (!layers.get(id)) return undefined;
  return new IopipeError("Busy", `A command is still writing into session ${id}.`, {
    session: id,
    hint: "Look at what it has written so far with `iopipectl diff`; apply when it has ended.",
  });
}

/** What is stale is not applied, approved or not. */
function appliedOf({ patches, stale }: Examination): PatchRow[] {
  const left = new Set(stale.map(({ patch }) => patch.id));
  return patches.filter(({ id }) => !left.has(id));
}

export function unapproved(store: Store, workspace: OpenWorkspace, examined: Examination): Promise<Refusal> {
  return refusal(store, workspace, appliedOf(examined));
}

export function unverified(
  store: Store,
  workspace: OpenWorkspace,
  session: SessionRow,
  examined: Examination,
  signal: AbortSignal,
): Promise<Refusal> {
  return missingVerdict(store, workspace, session, appliedOf(examined).length, signal);
}

export function nothingPending(session: SessionRow, { stale, transitions }: Examination): Refusal {
  if (transitions.length > 0) return undefined;
  const hint =
    stale.length > 0
      ? "Merge what is stale with session/rebase, or stage it anew."
      : "Stage a change, or bring back what was discarded with session/restore.";
  return new IopipeError("IllegalState", `Session ${session.id} has nothing pending to apply.`, {
    session: session.id,
    hint,
  });
}
