/**
 * Undoing an operation: its inverse as a promotion of its own, where nobody has edited since.
 * Owns what is refused and what is skipped; which paths were edited and the inverse itself are promotion's (undo.ts);
 * into a session instead is stage-undo.ts.
 */
import type { CheckedParams, Result } from "../../protocol/methods/index.ts";
import { IopipeError } from "../../protocol/wire/errors.ts";
import { planUndo, promote, type UndoPlan } from "../promotion/index.ts";
import { type OperationRow, operationToWire } from "../store/index.ts";
import type { Asking, House } from "./house.ts";
import type { OpenWorkspace } from "./opened.ts";
import { safetyCommit } from "./safety-commit.ts";
import { stageUndo } from "./stage-undo.ts";

type Options = Omit<CheckedParams<"operation/undo">, "operation">;

/** @throws {IopipeError} see operation/undo; the tree is as it was */
export function undoOperation(
  house: House,
  operation: OperationRow,
  options: Options,
  asking: Asking,
): Promise<Result<"operation/undo">> {
  const workspace = house.workspaces.find(operation.workspace);
  return workspace.write(() => undoInTurn(house, workspace, operation.id, options, asking), asking.signal);
}

async function undoInTurn(
  house: House,
  workspace: OpenWorkspace,
  id: string,
  { paths, onModified, dryRun, stage, safetyCommit: wanted }: Options,
  asking: Asking,
): Promise<Result<"operation/undo">> {
  const { store } = house;
  const operation = store.operations.require(id);
  const plan = await planUndo(operation, workspace.tree, paths, store.operations.family(id));
  if (stage && !dryRun) return stageUndo(house, workspace, operation, plan, asking);
  if (onModified !== "skip" && !dryRun) refuse(operation, plan);
  const report = {
    reverted: plan.reverted,
    skipped: plan.modified.map(({ path, reason }) => ({ path, reason })),
  };
  if (dryRun || plan.transitions.length === 0) return report;
  const undo = await promote(
    {
      workspace: workspace.id,
      tree: workspace.tree,
      kind: "undo",
      undoes: operation.id,
      ...(operation.session !== undefined && { session: operation.session }),
      ...(operation.title !== undefined && { title: operation.title }),
      ...(operation.agent !== undefined && { agent: operation.agent }),
      ...(asking.by !== undefined && { by: asking.by }),
      transitions: plan.transitions,
      makeDirectories: plan.makeDirectories,
      removeDirectories: plan.removeDirectories,
      signal: asking.signal,
      progress: asking.progress,
      ...workspace.hooks,
    },
    store,
  );
  const commit = wanted && (await safetyCommit(store, workspace.tree, undo, asking.signal));
  return { operation: operationToWire(undo), ...report, ...(commit && { safetyCommit: commit }) };
}

/** What was taken back already overwrites nothing: it is left out, unless there is nothing else. */
function refuse(operation: OperationRow, { modified, transitions }: UndoPlan): void {
  const edited = modified.filter(({ reason }) => reason !== "undone");
  if (edited.length > 0) throw modifiedSince(operation, edited);
  if (transitions.length === 0) throw alreadyUndone(operation);
}

function alreadyUndone({ id, files }: OperationRow): IopipeError {
  const by = [...new Set(files.flatMap(({ undoneBy }) => undoneBy ?? []))].join(", ");
  return new IopipeError("IllegalState", `What was asked of operation ${id} is undone already, by ${by}.`, {
    operation: id,
    hint: "To bring its changes back, undo the undo.",
  });
}

function modifiedSince({ id }: OperationRow, modified: UndoPlan["modified"]): IopipeError {
  const [first] = modified;
  const more = modified.length > 1 ? ` and ${modified.length - 1} more` : "";
  return new IopipeError(
    "ModifiedSince",
    `Undoing ${id} would overwrite later edits of ${first?.path}${more}`,
    {
      files: modified,
      ...(modified.length === 1 && { path: first?.path }),
    },
  );
}
