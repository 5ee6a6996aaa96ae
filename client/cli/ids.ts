/**
 * Ids by their beginning: finds the one session, patch or operation whose id begins with what was typed.
 * Sessions are looked for everywhere, patches and operations in this command's workspace.
 */
import type { Operation } from "../../protocol/methods/index.ts";
import { allSessions } from "./choose.ts";
import type { Context } from "./context.ts";
import { UsageError } from "./failure.ts";
import { findWorkspace } from "./place.ts";

/** The whole id; undefined where none begins so. @throws {UsageError} where several do. */
export async function byPrefix(context: Context, prefix: string): Promise<string | undefined> {
  const matches = (await candidates(context, prefix))
    .map(({ id }) => id)
    .filter((id) => id.startsWith(prefix));
  if (matches.length > 1)
    throw new UsageError(
      `${matches.length} ids begin with ${prefix}: ${matches.slice(0, 5).join(", ")}.`,
      "Type more of it.",
    );
  return matches[0];
}

async function candidates(context: Context, prefix: string): Promise<readonly { id: string }[]> {
  if (prefix.startsWith("s")) return await allSessions(context, {});
  const { id: workspace } = await findWorkspace(context);
  if (prefix.startsWith("o")) return await operationsOf(context, workspace);
  return (await context.call("patch/list", { workspace, limit: 1000 })).patches;
}

/** The workspace's newest operations, at most a thousand. */
export async function operationsOf(context: Context, workspace: string): Promise<Operation[]> {
  return (await context.call("operation/list", { workspace, limit: 1000 })).operations;
}
