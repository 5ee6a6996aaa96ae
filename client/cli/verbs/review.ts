/**
 * `review`: one pending patch after the other: its diff, a decision, and in the end the apply of what was approved.
 * A decision is recorded when it is made: whatever becomes of the next one, or of the terminal, it counts.
 */
import type { Patch, Result } from "../../../protocol/methods/index.ts";
import { isKind } from "../../../protocol/wire/errors.ts";
import { confirm } from "../ask.ts";
import { exitOf } from "../attention.ts";
import { type Chosen, chooseSession } from "../choose.ts";
import { choosePatches } from "../choose-patches.ts";
import type { Context } from "../context.ts";
import { approvalOf, type Decision, decideOn } from "../deciding.ts";
import { UsageError } from "../failure.ts";
import { count, isInteractive, note, print, printJson } from "../output.ts";
import { patchLine, sessionLine } from "../tables.ts";
import { visible } from "../visible.ts";
import { describeApplied } from "./apply.ts";
import { tellNothing } from "./diff.ts";
import { readFile } from "./stage.ts";

export async function review(context: Context): Promise<number> {
  const scripted = context.list("approve") !== undefined || context.list("reject") !== undefined;
  if (!scripted && (context.json || !isInteractive()))
    throw new UsageError("There is nobody to ask.", "Give --approve PATH… or --reject PATH…, and --apply.");
  const chosen = await chooseSession(context);
  if (chosen === undefined) {
    if (context.json) printJson({ patches: [] });
    else print("Nothing is pending.");
    return 0;
  }
  const decided = await (scripted ? named(context, chosen) : asked(context, chosen));
  return decided ? await finish(context, decided, scripted) : 0;
}

type Decided = Result<"session/decide">;

/** What the flags decide, all or none; a note goes with all of it. */
async function named(context: Context, chosen: Chosen): Promise<Decided | undefined> {
  const remark = context.text("note");
  const pendingAt = async (flag: string): Promise<Patch[]> => {
    const args = context.list(flag);
    return args === undefined ? [] : choosePatches(context, chosen, args, isPending);
  };
  const [approved, rejected] = [await pendingAt("approve"), await pendingAt("reject")];
  const decisions: Decision[] = [
    ...approvals(context, approved),
    ...rejected.map(({ id }) => ({ patch: id, decision: "rejected" as const })),
  ];
  if (decisions.length === 0) return undefined;
  const noted = decisions.map((decision) => ({ ...decision, ...(remark !== undefined && { note: remark }) }));
  return await context.call("session/decide", { session: chosen.session.id, decisions: noted });
}

/** @throws {UsageError} where a part or a version of several patches is asked for */
function approvals(context: Context, patches: readonly Patch[]): Decision[] {
  const [hunks, from] = [context.list("hunks"), context.text("from")];
  const [patch, ...others] = patches;
  if (hunks === undefined && from === undefined)
    return patches.map(({ id }) => ({ patch: id, decision: "approved" }));
  if (hunks !== undefined && from !== undefined)
    throw new UsageError("--hunks and --from are two ways to approve.", "Say one of them.");
  if (!patch || others.length > 0)
    throw new UsageError("--hunks and --from are of one patch.", "Approve it alone: --approve PATH.");
  if (from === undefined) return [{ patch: patch.id, decision: "approved", hunks: hunks as string[] }];
  return [approvalOf(patch, readFile(context, from))];
}

/** What the person decides, one by one. */
async function asked(context: Context, chosen: Chosen): Promise<Decided | undefined> {
  print(sessionLine(chosen.session));
  const made: Decided[] = [];
  const patches = await choosePatches(context, chosen, [], isPending);
  if (patches.length === 0) tellNothing(chosen);
  for (const patch of patches) {
    const answer = await decideOn(context, patch);
    if (answer === "quit") break;
    const decided = answer === "skip" ? undefined : await record(context, patch, answer);
    if (decided) made.push(decided);
  }
  const last = made.at(-1);
  return last && { session: last.session, patches: made.flatMap(({ patches }) => patches) };
}

/** Undefined, and said so, where the patch or what is below it has changed while it was looked at. */
async function record(context: Context, patch: Patch, decision: Decision): Promise<Decided | undefined> {
  try {
    return await context.call("session/decide", { session: patch.session, decisions: [decision] });
  } catch (error) {
    if (!isKind(error, "IllegalState", "PatchNotFound", "Stale")) throw error;
    note(`This decision does not count: ${visible(error.message)}`);
    return undefined;
  }
}

function isPending({ state }: Patch): boolean {
  return state === "Pending";
}

async function finish(context: Context, decided: Decided, scripted: boolean): Promise<number> {
  const { session, patches } = decided;
  const approved = patches.filter((patch) => patch.decision === "approved" && isPending(patch));
  const question = `Apply ${count(approved.length, "approved patch", "approved patches")}?`;
  const go = approved.length > 0 && (scripted ? context.has("apply") : await confirm(context, question));
  if (!go) {
    context.show(decided, () => {
      for (const patch of patches) print(patchLine(patch));
    });
    return 0;
  }
  const result = await context.call("session/apply", {
    session: session.id,
    patches: approved.map(({ id }) => id),
    ...(context.has("confirmFullReplace") && { confirmFullReplace: true }),
  });
  context.show(result, describeApplied);
  return exitOf(result);
}
