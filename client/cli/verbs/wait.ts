/** `wait`: until something happens to the session. Exits 75 when the time is over first. */
import { chooseSession } from "../choose.ts";
import type { Context } from "../context.ts";
import { EXIT, UsageError } from "../failure.ts";
import { duration, wholeNumber } from "../numbers.ts";
import { print } from "../output.ts";
import { patchLine, sessionLine } from "../tables.ts";

export async function wait(context: Context): Promise<number> {
  const since = wholeNumber("since", context.text("since"), 0, Number.MAX_SAFE_INTEGER);
  const timeoutMs = duration("timeout", context.text("timeout"), { bare: "ms", min: 0 });
  const chosen = await chooseSession(context);
  if (chosen === undefined)
    throw new UsageError(
      "No session is pending here, so there is none to wait for.",
      "Name one with --session ID.",
    );
  const result = await context.call("session/wait", {
    session: chosen.session.id,
    ...(since !== undefined && { since }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  });
  context.show(result, ({ session, patches }) => {
    print(sessionLine(session));
    for (const patch of patches) print(`  ${patchLine(patch)}`);
  });
  return result.timedOut ? EXIT.tryAgain : 0;
}
