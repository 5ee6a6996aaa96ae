/** `trust`: shows the policy that the workspace carries, asks, and lets what it loosens count until it changes. */
import type { Result } from "../../../protocol/methods/index.ts";
import { confirm } from "../ask.ts";
import type { Context } from "../context.ts";
import { EXIT, UsageError } from "../failure.ts";
import { isInteractive, note, print } from "../output.ts";
import { findWorkspace } from "../place.ts";
import { visible, visibleLines } from "../visible.ts";

type Answer = Result<"workspace/policy">;

export async function trust(context: Context): Promise<number> {
  const { id: workspace } = await findWorkspace(context);
  if (context.has("revoke")) {
    context.show(await context.call("workspace/trust", { workspace }), describe);
    return 0;
  }
  const shown = await context.call("workspace/policy", { workspace });
  const hash = shown.policy?.hash;
  if (context.has("show") || hash === undefined || shown.policy?.trusted) {
    context.show(shown, describe);
    return 0;
  }
  if (!(await isWanted(context, shown))) {
    note("Nothing was changed.");
    return EXIT.failed;
  }
  context.show(await context.call("workspace/trust", { workspace, hash }), describe);
  return 0;
}

/** @throws {UsageError} where nobody can be asked and nobody said yes */
async function isWanted(context: Context, shown: Answer): Promise<boolean> {
  if (context.has("yes")) return true;
  if (context.json || !isInteractive())
    throw new UsageError("There is nobody to ask.", "Look with --show, then say --yes.");
  describe(shown);
  return confirm(context, "Trust exactly this?");
}

function describe({ policy }: Answer): void {
  if (!policy) {
    print("There is no .iopipe.jsonc here: what a reviewer applies is approved.");
    return;
  }
  const standing = policy.trusted ? "trusted" : "not trusted: what it loosens does not count";
  print(`${visible(policy.path)} is ${standing}.`);
  if (policy.rules) print(visibleLines(JSON.stringify(policy.rules, null, 2)));
  else print(`It cannot be understood, so nothing is approved: ${visible(policy.problem ?? "")}`);
}
