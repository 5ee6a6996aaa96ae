/** `discard [PATH...]`: drops what is pending; `--undo` brings it back. */
import type { Result } from "../../../protocol/methods/index.ts";
import { allSessions, type Chosen, choosePatches, chooseSession, namedSession } from "../choose.ts";
import type { Context } from "../context.ts";
import { print, printJson } from "../output.ts";
import { findWorkspace, pathIn } from "../place.ts";
import { visible } from "../visible.ts";

export async function discard(context: Context, args: string[]): Promise<void> {
  const chosen = await (context.has("undo") ? chooseDiscarded(context) : chooseSession(context));
  if (chosen === undefined) {
    if (context.json) printJson({});
    else print(context.has("undo") ? "Nothing was discarded here." : "Nothing is pending.");
    return;
  }
  const result = await (context.has("undo") ? restore : drop)(context, chosen, args);
  context.show(result, ({ session: { id, patches } }) => {
    const numbers = `${patches.pending} pending, ${patches.discarded} discarded`;
    print(`Session ${visible(id)}: ${numbers}.`);
  });
}

async function drop(context: Context, chosen: Chosen, args: string[]): Promise<Result<"session/discard">> {
  const patches = args.length > 0 && (await choosePatches(context, chosen, args)).map(({ id }) => id);
  return await context.call("session/discard", {
    session: chosen.session.id,
    ...(patches && { patches }),
    ...(context.has("purge") && { purge: true }),
  });
}

async function restore(context: Context, chosen: Chosen, args: string[]): Promise<Result<"session/restore">> {
  const wanted = await choosePatches(
    context,
    chosen,
    args,
    ({ state, reason }) => state === "Discarded" && reason !== "superseded",
  );
  const patches = args.length > 0 && wanted.map(({ id }) => id);
  return await context.call("session/restore", { session: chosen.session.id, ...(patches && { patches }) });
}

/** The named session, else the one of this workspace that was touched last and has something discarded. */
async function chooseDiscarded(context: Context): Promise<Chosen | undefined> {
  if (namedSession(context) !== undefined) return await chooseSession(context);
  const workspace = await findWorkspace(context);
  const [session] = (await allSessions(context, { workspace: workspace.id }))
    .filter(({ patches }) => patches.discarded > 0)
    .sort((a, b) => b.updatedAt.localeCompare(a.updatedAt));
  return session && { session, workspace, path: (argument) => pathIn(workspace.root, context.cwd, argument) };
}
