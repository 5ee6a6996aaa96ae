/** `undo [OPERATION] [PATH...]`: takes an operation back, the last one when none is named. */

import type { Operation, Params, Result, Workspace } from "../../../protocol/methods/index.ts";
import { type ErrorData, IopipeError } from "../../../protocol/wire/errors.ts";
import { confirm } from "../ask.ts";
import { describeAttention, exitOf } from "../attention.ts";
import type { Context } from "../context.ts";
import { EXIT, exitCodeOf, UsageError } from "../failure.ts";
import { hintOf } from "../hints.ts";
import { operationsOf } from "../ids.ts";
import { count, isInteractive, note, print, printJson } from "../output.ts";
import { findWorkspace, pathIn } from "../place.ts";
import { describeSafetyCommit } from "../safety-commit.ts";
import { operationLine } from "../tables.ts";
import { visible } from "../visible.ts";

type Plan = Result<"operation/undo">;

export async function undo(context: Context, args: string[]): Promise<number> {
  const asks = mayAsk(context);
  const workspace = await findWorkspace(context);
  const operations = await operationsOf(context, workspace.id);
  const { operation, paths } = choose(context, workspace, operations, args);
  if (operation === undefined) {
    if (context.json) printJson({ reverted: [], skipped: [] });
    else print("Nothing was applied here.");
    return 0;
  }
  const params = {
    operation: operation.id,
    ...(paths.length > 0 && { paths }),
    ...(context.has("skipModified") && { onModified: "skip" as const }),
    ...(context.has("stage") && { stage: true }),
    ...(context.has("safetyCommit") && { safetyCommit: "hidden" as const }),
  };
  const redoes = isRedo(operation, operations);
  if (context.has("dryRun")) return await dryRun(context, params);
  if (asks && !(await confirmed(context, operation, params, redoes))) return EXIT.failed;
  const result = await context.call("operation/undo", params);
  context.show(result, (undone) => describe(undone, redoes));
  return exitOf(result);
}

/** Exits as the undo would. */
async function dryRun(context: Context, params: Params<"operation/undo">): Promise<number> {
  const plan = await context.call("operation/undo", { ...params, dryRun: true });
  const refusal = refusalIn(plan);
  context.show(plan, () => {
    describePlan(plan, params.stage ? "would stage" : "would revert", "would leave");
    if (refusal === undefined) return;
    print(`Would not undo. ${visible(refusal.message)}`);
    note(visible(hintOf(refusal)));
  });
  return refusal === undefined ? 0 : exitCodeOf(refusal);
}

/** What the undo that is planned would answer instead. */
function refusalIn({ problems: [problem] = [] }: Plan): IopipeError | undefined {
  return (
    problem && IopipeError.fromWire({ code: 0, message: String(problem.message), data: problem as ErrorData })
  );
}

/** Of one that is refused nothing is reverted: then only what stands in the way is said. */
function describePlan(plan: Plan, revert: string, leave: string): void {
  const reverted = refusalIn(plan) === undefined ? plan.reverted : [];
  for (const path of reverted) print(`${revert} ${visible(path)}`);
  for (const left of plan.skipped) print(`${leave} ${leftLine(left)}`);
}

function mayAsk(context: Context): boolean {
  if (context.has("yes") || context.has("dryRun") || context.has("stage")) return false;
  if (isInteractive() && !context.json) return true;
  throw new UsageError("There is nobody to ask.", "Say --yes, or look first with --dry-run.");
}

/** The first argument is an operation where one's id begins so; everything else are paths. */
function choose(
  context: Context,
  { root }: Workspace,
  operations: readonly Operation[],
  args: string[],
): { operation: Operation | undefined; paths: string[] } {
  const [first, ...rest] = args;
  const named = first === undefined ? [] : operations.filter(({ id }) => id.startsWith(first));
  if (named.length > 1)
    throw new UsageError(
      `${named.length} operations begin with ${first}.`,
      "Type more of it, or see `iopipectl log`.",
    );
  if (named.length === 0 && first !== undefined && /^o[\w-]{7,}$/.test(first) && args.length === 1)
    throw new IopipeError("OperationNotFound", `There is no operation ${first} here.`);
  const last = operations.find(({ kind, state }) => kind !== "recover" && UNDOABLE.has(state));
  const paths = (named.length === 1 ? rest : args).map((each) => pathIn(root, context.cwd, each));
  return { operation: named[0] ?? last, paths };
}

const UNDOABLE: ReadonlySet<Operation["state"]> = new Set(["committed", "needsAttention"] as const);

/** Undoing an undo brings back what it took; undoing that takes it again. */
function isRedo({ kind, undoes }: Operation, operations: readonly Operation[]): boolean {
  const undone = operations.find(({ id }) => id === undoes);
  return kind === "undo" && (undone === undefined || !isRedo(undone, operations));
}

/** Why a path was left, for a person; another reason is a later daemon's, and shown as it is. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ["modified", "modified since"],
  ["undone", "undone already"],
  ["conflict", "later edits collide with it"],
  ["rename", "the other path of its rename was modified"],
  ["place", "what stands in its place was modified"],
]);

function leftLine({ path, reason }: { path: string; reason: string }): string {
  return `${visible(path)}: ${REASONS.get(reason) ?? visible(reason)}`;
}

/** @throws {IopipeError} where it would be refused whatever the answer is */
async function confirmed(
  context: Context,
  operation: Operation,
  params: Params<"operation/undo">,
  redoes: boolean,
): Promise<boolean> {
  const plan = await context.call("operation/undo", { ...params, dryRun: true });
  print(operationLine(operation));
  describePlan(plan, "  revert", "  leave ");
  const refusal = refusalIn(plan);
  if (refusal !== undefined) throw refusal;
  const what = redoes ? "Undo it, which is a redo," : "Undo it";
  return await confirm(context, `${what} in ${count(plan.reverted.length, "file")}?`);
}

function describe(
  { operation, session, reverted, skipped, safetyCommit }: Result<"operation/undo">,
  redoes: boolean,
): void {
  const revert = session === undefined ? "reverted" : "staged";
  for (const path of reverted) print(`${revert} ${visible(path)}`);
  for (const left of skipped) print(`left ${leftLine(left)}`);
  if (operation?.state === "needsAttention") describeAttention(operation);
  else if (operation !== undefined)
    print(`${redoes ? "Redone" : "Undone"} (operation ${visible(operation.id)}).`);
  describeSafetyCommit(safetyCommit);
  if (session !== undefined) note(`Staged as session ${visible(session.id)}. Next: iopipectl diff`);
}
