/** `log [PATH]`: the operations here, or of a session, wherever its workspace is; newest first. */
import { chooseNamed } from "../choose.ts";
import type { Context } from "../context.ts";
import { wholeNumber } from "../numbers.ts";
import { note, print, short } from "../output.ts";
import { findWorkspace, pathIn } from "../place.ts";
import { operationLine } from "../tables.ts";

export async function log(context: Context, [argument]: string[]): Promise<void> {
  const named = await chooseNamed(context);
  const { id: workspace, root } = named?.workspace ?? (await findWorkspace(context));
  const limit = wholeNumber("limit", context.text("limit"), 1, 1000) ?? 50;
  const path = argument !== undefined && pathIn(root, context.cwd, argument);
  const result = await context.call("operation/list", {
    workspace,
    limit,
    ...(path && { path }),
    ...(named && { session: named.session.id }),
  });
  context.show(result, ({ operations }) => {
    for (const operation of operations) print(operationLine(operation));
    if (operations.length === 0) print("Nothing was applied here.");
    for (const { id, state } of operations)
      if (state === "needsAttention") note(`${short(id)} needs attention: iopipectl show ${short(id)}`);
  });
}
