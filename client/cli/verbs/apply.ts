/** `apply`: promotes what is pending, after a look at the diff on a terminal, else with `--yes` or `--digest D`. */

import type { Params, Result } from "../../../protocol/methods/index.ts";
import { IopipeError } from "../../../protocol/wire/errors.ts";
import { confirm } from "../ask.ts";
import { describeAttention, exitOf } from "../attention.ts";
import { type Chosen, chooseNamed, chooseSession, openNewSession } from "../choose.ts";
import { choosePatches } from "../choose-patches.ts";
import type { Context } from "../context.ts";
import { EXIT, UsageError } from "../failure.ts";
import { hintOf } from "../hints.ts";
import { count, isInteractive, note, print, printJson, short } from "../output.ts";
import { describeSafetyCommit } from "../safety-commit.ts";
import { visible } from "../visible.ts";
import { showBeforehand } from "./diff.ts";
import { patchInput, stageInto } from "./stage.ts";

/** What is applied: exactly what was shown, by digest, or some patches of it. */
type What = Pick<Params<"session/apply">, "expectedDigest" | "patches">;

export async function apply(context: Context, args: string[]): Promise<number> {
  refuseNarrowing(context, args);
  const asks = mayAsk(context);
  const chosen = await chooseOrStage(context);
  if (chosen === undefined || isEmpty(chosen)) return nothing(context);
  try {
    return await applyChosen(context, chosen, args, asks);
  } catch (error) {
    throw context.text("patch") === undefined ? error : withStaged(error, chosen);
  }
}

async function applyChosen(context: Context, chosen: Chosen, args: string[], asks: boolean): Promise<number> {
  const digest = context.text("digest");
  const what = digest === undefined ? await shown(context, chosen, args, asks) : { expectedDigest: digest };
  if (what === undefined) return declined(chosen);
  const result = await context.call("session/apply", {
    session: chosen.session.id,
    ...what,
    ...(context.has("confirmFullReplace") && { confirmFullReplace: true }),
    ...(context.has("allowInvalidSyntax") && { allowInvalidSyntax: true }),
    ...(context.has("skipStale") && { onStale: "skip" }),
    ...(context.has("safetyCommit") && { safetyCommit: "hidden" }),
  });
  context.show(result, describeApplied);
  return exitOf(result);
}

/** Whether to ask. @throws {UsageError} where one must say yes beforehand and did not; nothing was staged then. */
function mayAsk(context: Context): boolean {
  if (context.has("yes") || context.text("digest") !== undefined) return false;
  if (isInteractive() && !context.json) return true;
  throw new UsageError(
    "There is nobody to ask.",
    "Say --yes, or --digest D with the digest of the diff that was looked at.",
  );
}

/** @throws {UsageError} where paths are named beside what stands for a whole: more would be applied than they say */
function refuseNarrowing(context: Context, args: readonly string[]): void {
  const whole = ["digest", "patch"].find((flag) => context.text(flag) !== undefined);
  if (whole === undefined || args.length === 0) return;
  throw new UsageError(
    `--${whole} applies all of it, not only ${args.join(", ")}.`,
    `Leave out the paths, or --${whole}.`,
  );
}

async function chooseOrStage(context: Context): Promise<Chosen | undefined> {
  const patch = context.text("patch");
  if (patch === undefined) return await chooseSession(context);
  const changes = await patchInput(context, patch);
  // A session of its own, so that nothing else that is pending here goes along.
  const chosen =
    (await chooseNamed(context)) ??
    (await openNewSession(context, `apply ${patch === "-" ? "a diff" : patch}`));
  const { session } = await stageInto(context, chosen, changes);
  return { ...chosen, session };
}

/** A refusal of what `--patch` has staged: the session is there all the same, and nobody has named it yet. */
function withStaged(error: unknown, { session: { id } }: Chosen): unknown {
  if (!(error instanceof IopipeError)) return error;
  const named = short(id);
  const next = `\`iopipectl show ${named}\` shows it, \`apply --session ${named}\` and \`discard --session ${named}\` settle it.`;
  const hint = `${hintOf(error)} The patch is staged in session ${named}: ${next}`;
  return error.with({ session: id, hint });
}

function isEmpty({ session: { patches } }: Chosen): boolean {
  return patches.pending + patches.stale + patches.applied === 0;
}

/** Shows what would be applied and asks; undefined for a no. */
async function shown(
  context: Context,
  chosen: Chosen,
  args: string[],
  asks: boolean,
): Promise<What | undefined> {
  const { session, workspace } = chosen;
  const some = args.length === 0 ? undefined : await choosePatches(context, chosen, args);
  const patches = some?.map(({ id }) => id);
  if (!asks) return patches ? { patches } : { expectedDigest: session.digest };
  const { files, digest } = await showBeforehand(context, chosen, args);
  const question = `Apply ${count(files, "file")} to ${visible(workspace.root)}?`;
  if (!(await confirm(context, question))) return undefined;
  return patches ? { patches } : { expectedDigest: digest ?? session.digest };
}

function nothing(context: Context): number {
  if (context.json) printJson({ applied: [], skipped: [] });
  else print("Nothing is pending.");
  return 0;
}

function declined({ session }: Chosen): number {
  note(`Nothing was applied; session ${visible(session.id)} is still pending.`);
  return EXIT.failed;
}

/** Tells a person what an apply did. */
export function describeApplied({
  operation,
  applied,
  skipped,
  safetyCommit,
}: Result<"session/apply">): void {
  for (const { path, reason } of skipped) print(`skipped ${visible(path)}: ${visible(reason)}`);
  if (operation.state === "needsAttention") {
    describeAttention(operation);
    return;
  }
  print(`Applied ${count(applied.length, "patch", "patches")} (operation ${visible(operation.id)}).`);
  describeSafetyCommit(safetyCommit);
  if (process.stdout.isTTY) note("To take it back: iopipectl undo");
}
