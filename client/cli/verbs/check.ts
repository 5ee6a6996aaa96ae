/** `check`: the dry run of an apply; exits as the apply would. */
import { type ErrorData, IopipeError } from "../../../protocol/wire/errors.ts";
import { chooseSession } from "../choose.ts";
import { choosePatches } from "../choose-patches.ts";
import type { Context } from "../context.ts";
import { exitCodeOfKind } from "../failure.ts";
import { hintOf } from "../hints.ts";
import { count, print, printJson } from "../output.ts";
import { visible } from "../visible.ts";

export async function check(context: Context, args: string[]): Promise<number> {
  const chosen = await chooseSession(context);
  if (chosen === undefined) {
    if (context.json) printJson({ wouldApply: true, order: [], problems: [] });
    else print("Nothing is pending.");
    return 0;
  }
  const some = args.length > 0 && (await choosePatches(context, chosen, args)).map(({ id }) => id);
  const result = await context.call("session/check", {
    session: chosen.session.id,
    ...(some && { patches: some }),
  });
  context.show(result, ({ wouldApply, order, problems }) => {
    for (const problem of problems) {
      const { kind, path, message } = problem;
      const error = IopipeError.fromWire({ code: 0, message: "", data: problem as ErrorData });
      const next = visible(hintOf(error));
      // Where it does not parse, and why, is in the message.
      if (kind === "SyntaxInvalid") print(`${kind}: ${visible(String(message))}  ${next}`);
      else print(`${kind}${path === undefined ? "" : `: ${visible(path)}`}  ${next}`);
    }
    print(wouldApply ? `Would apply ${count(order.length, "file")}.` : "Would not apply.");
  });
  return result.wouldApply ? 0 : exitCodeOfKind(result.problems[0]?.kind ?? "");
}
