/**
 * Undoing into a session: the inverse of an operation as pending patches, to be looked at like any other.
 * Owns the way from the inverse to changes. What was edited since is left out until merging is built, and said so.
 */
import type { Change, Session } from "../../protocol/methods/index.ts";
import { IopipeError } from "../../protocol/wire/errors.ts";
import type { Transition, UndoPlan } from "../promotion/index.ts";
import { openSession, sessionToWire } from "../staging/index.ts";
import type { OperationRow } from "../store/index.ts";
import type { Asking, House } from "./house.ts";
import type { OpenWorkspace } from "./opened.ts";

/** @throws {IopipeError} IllegalState where there is nothing that could be staged */
export function refuseUnstageable({ id }: OperationRow, { transitions }: UndoPlan): void {
  if (transitions.length > 0) return;
  throw new IopipeError("IllegalState", `Nothing of operation ${id} can be staged for undo.`, {
    operation: id,
    hint: "What was edited since is not merged yet; edit it by hand.",
  });
}

/** Opens a session with what `plan` would revert; writes nothing below the root. */
export async function stageUndo(
  { store, staging }: House,
  workspace: OpenWorkspace,
  operation: OperationRow,
  plan: UndoPlan,
  { by }: Asking,
): Promise<Session> {
  const session = openSession(store, {
    workspace: workspace.id,
    title: `Undo ${operation.title || operation.id}`,
    role: "reviewer",
    by,
  });
  const changes = plan.transitions.flatMap(changesOf);
  await staging.stage(session, workspace.tree, { changes, ownsBlob: () => true, by });
  return sessionToWire(store, session);
}

/** A write follows a link, so what changes its type goes first. */
function changesOf(transition: Transition): Change[] {
  const { path, before, after } = transition;
  const gone: Change[] = before.exists && before.type !== after.type ? [{ kind: "delete", path }] : [];
  return [...gone, ...arrivalOf(transition)];
}

function arrivalOf({ path, before, after }: Transition): Change[] {
  if (!after.exists) return [];
  if (after.type === "symlink") return [{ kind: "symlink", path, target: after.target as string }];
  const mode = after.mode as number;
  if (before.type === "file" && before.hash === after.hash) return [{ kind: "chmod", path, mode }];
  return [{ kind: "write", path, blob: after.hash as string, mode }];
}
