/**
 * Undoing an operation: its inverse as a promotion of its own, where nobody has edited since.
 * Owns what is refused and what is skipped, and the dry run, which goes the same way up to the first write; which paths
 * were edited and the inverse itself are promotion's (undo.ts); into a session instead is stage-undo.ts.
 */
import type { CheckedParams, Problem, Result } from "../../protocol/methods/index.ts";
import { IopipeError, isKind } from "../../protocol/wire/errors.ts";
import { type PromotionRequest, planUndo, promote, rehearse, type UndoPlan } from "../promotion/index.ts";
import { type OperationRow, operationToWire } from "../store/index.ts";
import { refuseCleared } from "./cleared.ts";
import type { Asking, House } from "./house.ts";
import type { OpenWorkspace } from "./opened.ts";
import { safetyCommit } from "./safety-commit.ts";
import { prepareStagedUndo } from "./stage-undo.ts";

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
  options: Options,
  asking: Asking,
): Promise<Result<"operation/undo">> {
  const { store } = house;
  const operation = store.operations.require(id);
  const plan = await planUndo(operation, workspace.tree, options.paths, store.operations.family(id));
  const request = requestFor(workspace, operation, plan, asking);
  const rehearsal = async (): Promise<void> => {
    if (plan.transitions.length > 0) await rehearse(request, store);
  };
  // What was cleared cannot be merged; it is refused below.
  if (options.stage && operation.phase !== "cleared") {
    const staged = await prepareStagedUndo(house, workspace, operation, plan, asking);
    const check = async (): Promise<void> => {
      staged.refuse();
      await rehearsal();
    };
    if (options.dryRun) return { ...staged.report, problems: await problemsOf(check) };
    await check();
    return { ...staged.report, session: staged.open() };
  }
  const report = {
    reverted: plan.reverted,
    skipped: plan.modified.map(({ path, reason }) => ({ path, reason })),
  };
  const check = async (): Promise<void> => {
    refuse(operation, plan, options);
    await rehearsal();
  };
  if (options.dryRun) return { ...report, problems: await problemsOf(check) };
  refuse(operation, plan, options);
  if (plan.transitions.length === 0) return report;
  const undo = await promote(request, store);
  const commit = options.safetyCommit && (await safetyCommit(store, workspace.tree, undo, asking.signal));
  return { operation: operationToWire(undo), ...report, ...(commit && { safetyCommit: commit }) };
}

function requestFor(
  { id, tree, hooks }: OpenWorkspace,
  operation: OperationRow,
  { transitions, makeDirectories, removeDirectories }: UndoPlan,
  { by, signal, progress }: Asking,
): PromotionRequest {
  const { session, title, agent } = operation;
  return {
    ...{ workspace: id, tree, kind: "undo", undoes: operation.id, session, title, agent, by },
    ...{ transitions, makeDirectories, removeDirectories, signal, progress },
    ...hooks,
  };
}

/** What an undo as it is asked for would be refused for, as far as that shows before anything is written. */
async function problemsOf(check: () => Promise<void>): Promise<Problem[]> {
  try {
    await check();
    return [];
  } catch (error) {
    if (!isKind(error) || error.kind === "InternalError" || error.kind === "Cancelled") throw error;
    return [{ ...error.data, message: error.message }];
  }
}

/** What was taken back already overwrites nothing: it is left out, unless there is nothing else. */
function refuse(operation: OperationRow, plan: UndoPlan, { onModified }: Options): void {
  refuseCleared(operation);
  if (onModified === "skip") return;
  const { modified, transitions } = plan;
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
