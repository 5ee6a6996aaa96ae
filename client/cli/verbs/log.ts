/** `log [PATH]`: the operations here, newest first. */
import { namedSession } from "../choose.ts";
import type { Context } from "../context.ts";
import { byPrefix } from "../ids.ts";
import { wholeNumber } from "../numbers.ts";
import { note, print, short } from "../output.ts";
import { findWorkspace, pathIn } from "../place.ts";
import { operationLine } from "../tables.ts";

export async function log(context: Context, [argument]: string[]): Promise<void> {
  const { id: workspace, root } = await findWorkspace(context);
  const limit = wholeNumber("limit", context.text("limit"), 1, 1000) ?? 50;
  const path = argument !== undefined && pathIn(root, context.cwd, argument);
  const prefix = namedSession(context);
  const session = prefix && ((await byPrefix(context, prefix)) ?? prefix);
  const result = await context.call("operation/list", {
    workspace,
    limit,
    ...(path && { path }),
    ...(session && { session }),
  });
  context.show(result, ({ operations }) => {
    for (const operation of operations) print(operationLine(operation));
    if (operations.length === 0) print("Nothing was applied here.");
    for (const { id, state } of operations)
      if (state === "needsAttention") note(`${short(id)} needs attention: iopipectl show ${short(id)}`);
  });
}
