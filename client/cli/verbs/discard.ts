/**
 * `discard [PATH...]`: drops what is pending; `--undo` brings it back. What a command of `run` wrote and could not be staged
 * goes with its session, and for good: a person is asked.
 */
import type { Result } from "../../../protocol/methods/index.ts";
import { confirm } from "../ask.ts";
import { allSessions, type Chosen, chooseSession, chosen, namedSession } from "../choose.ts";
import { choosePatches } from "../choose-patches.ts";
import type { Context } from "../context.ts";
import { EXIT, UsageError } from "../failure.ts";
import { isInteractive, note, print, printJson } from "../output.ts";
import { findWorkspace } from "../place.ts";
import { visible } from "../visible.ts";

export async function discard(context: Context, args: string[]): Promise<number> {
  if (context.has("undo") && context.has("purge"))
    throw new UsageError("--undo and --purge are opposites.", "Say one of them.");
  const chosen = await (context.has("undo") ? chooseDiscarded(context) : chooseSession(context));
  if (chosen === undefined) {
    if (context.json) printJson({});
    else print(context.has("undo") ? "Nothing was discarded here." : "Nothing is pending.");
    return 0;
  }
  if (!context.has("undo") && args.length === 0 && !(await dropLayer(context, chosen))) {
    note("Nothing was changed.");
    return EXIT.failed;
  }
  const result = await (context.has("undo") ? restore : drop)(context, chosen, args);
  context.show(result, ({ session: { id, patches } }) => {
    const numbers = `${patches.pending} pending, ${patches.discarded} discarded`;
    print(`Session ${visible(id)}: ${numbers}.`);
  });
  return 0;
}

async function drop(context: Context, chosen: Chosen, args: string[]): Promise<Result<"session/discard">> {
  const patches = args.length > 0 && (await choosePatches(context, chosen, args)).map(({ id }) => id);
  return await context.call("session/discard", {
    session: chosen.session.id,
    ...(patches && { patches }),
    ...(context.has("purge") && { purge: true }),
  });
}

/** Answers false where a person does not want that. */
async function dropLayer(context: Context, { session: { id, layer } }: Chosen): Promise<boolean> {
  if (layer?.problem === undefined) return true;
  const why = visible(layer.problem);
  if (isInteractive() && !(await confirm(context, `${why} It is nowhere else. Drop it for good?`)))
    return false;
  await context.call("layer/close", { session: id, discard: true });
  note(`iopipe: what a command wrote and was not staged was dropped for good: ${why}`);
  return true;
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
  return session && chosen(context, workspace, session);
}
