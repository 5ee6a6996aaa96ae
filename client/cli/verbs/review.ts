/** `review`: one pending patch after the other: its diff, a decision, and in the end the apply of what was approved. */

import type { Patch, Result } from "../../../protocol/methods/index.ts";
import { askLine, confirm } from "../ask.ts";
import { exitOf } from "../attention.ts";
import { type Chosen, choosePatches, chooseSession } from "../choose.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../failure.ts";
import { count, isInteractive, print, printJson } from "../output.ts";
import { patchLine, patchLines, sessionLine } from "../tables.ts";
import { describeApplied } from "./apply.ts";
import { showDiff } from "./diff.ts";

type Decision = { patch: string; decision: "approved" | "rejected"; note?: string };

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
  const decisions = await (scripted ? named(context, chosen) : asked(context, chosen));
  if (decisions.length === 0) return 0;
  const decided = await context.call("session/decide", { session: chosen.session.id, decisions });
  return await finish(context, decided, scripted);
}

/** Decisions from the flags; a note goes with all of them. */
async function named(context: Context, chosen: Chosen): Promise<Decision[]> {
  const note = context.text("note");
  const decisions: Decision[] = [];
  for (const [flag, decision] of [
    ["approve", "approved"],
    ["reject", "rejected"],
  ] as const) {
    const args = context.list(flag);
    if (args === undefined) continue;
    for (const { id } of await choosePatches(context, chosen, args, isPending))
      decisions.push({ patch: id, decision, ...(note !== undefined && { note }) });
  }
  return decisions;
}

async function asked(context: Context, chosen: Chosen): Promise<Decision[]> {
  print(sessionLine(chosen.session));
  const decisions: Decision[] = [];
  for (const patch of await choosePatches(context, chosen, [], isPending)) {
    const { diff } = await context.call("session/diff", { session: patch.session, paths: [patch.path] });
    for (const line of patchLines(patch)) print(line);
    await showDiff(diff);
    const answer = await askLine(context, "Approve? [y]es, [n]o, [s]kip, [q]uit: ");
    if (/^q/i.test(answer)) break;
    if (/^y/i.test(answer)) decisions.push({ patch: patch.id, decision: "approved" });
    if (/^n/i.test(answer)) decisions.push(await rejection(context, patch));
  }
  return decisions;
}

async function rejection(context: Context, { id }: Patch): Promise<Decision> {
  const note = await askLine(context, "Why? (for the author; may stay empty) ");
  return { patch: id, decision: "rejected", ...(note !== "" && { note }) };
}

function isPending({ state }: Patch): boolean {
  return state === "Pending";
}

async function finish(
  context: Context,
  decided: Result<"session/decide">,
  scripted: boolean,
): Promise<number> {
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
