/**
 * `run`: a command over the workspace whose writes there are staged instead. The daemon makes the layer and stages it,
 * this process runs the command in it, with the terminal, and ends the layer.
 * Invariant: when this process dies, so does the command (enter.sh), and the daemon stages what there is.
 * Exit code: the command's own, 128 and the signal's number where one ended it; 125 for what fails on our side.
 */

import type { Result, Workspace } from "../../../protocol/methods/index.ts";
import { IopipeError } from "../../../protocol/wire/errors.ts";
import { keptHint, type Outgrown, outgrownError } from "../../../protocol/wire/room.ts";
import { askLine } from "../ask.ts";
import type { Context } from "../context.ts";
import { EXIT, report, UsageError } from "../failure.ts";
import { count, isInteractive, note, printJson } from "../output.ts";
import { findWorkspace, pathIn } from "../place.ts";
import { parseVolume } from "../quantities.ts";
import { visible } from "../visible.ts";

type Opened = Result<"layer/open">;
type Closed = Result<"layer/close">;

export async function run(context: Context, command: string[]): Promise<number> {
  try {
    refuseNested();
    const resumed = context.text("resume");
    if (resumed !== undefined) return await resume(context, resumed, command);
    if (command.length === 0)
      throw new UsageError("There is no command to run.", "Say: iopipectl run -- COMMAND ARGUMENTS");
    const workspace = await findWorkspace(context);
    return await runIn(context, workspace.root, await open(context, workspace, command), command);
  } catch (error) {
    report(error, context.json);
    return EXIT.runFailed;
  }
}

/** @throws {IopipeError} NotPermitted */
function refuseNested(): void {
  const { IOPIPE_LAYER: layer, IOPIPE_ROLE: role } = process.env;
  if (layer)
    throw new IopipeError("NotPermitted", `This is running in a layer over ${layer} already.`, {
      hint: "Run the command as it is: what it writes there is staged.",
    });
  if (role && role !== "reviewer")
    throw new IopipeError("NotPermitted", `A proposer may not run (IOPIPE_ROLE is "${role}").`, {
      hint: "Ask the person who reviews to start this with `iopipectl run`.",
    });
}

async function open(
  context: Context,
  { id: workspace, root }: Workspace,
  command: readonly string[],
): Promise<Opened> {
  const agent = context.text("agent");
  const passThrough = context.list("passThrough")?.map((path) => pathIn(root, context.cwd, path));
  const backend = backendOf(context);
  const opened = await context.call("layer/open", {
    workspace,
    pid: process.pid,
    title: (context.text("title") ?? `run ${command.join(" ")}`).slice(0, 200),
    ...(agent !== undefined && { agent }),
    ...(context.has("trusted") && { trusted: true }),
    ...(backend !== undefined && { backend }),
    ...(passThrough && { passThrough }),
    ...maxBytes(context),
  });
  if (opened.backend === "copy")
    note(
      `iopipe: this runs in a copy of the tree, and unconfined${opened.why ? `: ${visible(opened.why)}` : "."}`,
    );
  for (const { path, reason } of opened.uncovered ?? [])
    note(
      `iopipe: a commit is a real one: git's directory ${visible(path)} is not covered (${visible(reason)})`,
    );
  return opened;
}

function backendOf(context: Context): Opened["backend"] | undefined {
  const text = context.text("backend");
  if (text === undefined || text === "overlay" || text === "copy") return text;
  throw new UsageError(`--backend: there is no ${text}.`, "Say overlay or copy.");
}

function maxBytes(context: Context): { maxBytes?: number } {
  const text = context.text("maxSize");
  if (text === undefined) return {};
  const bytes = parseVolume(text);
  if (bytes !== undefined) return { maxBytes: bytes };
  throw new UsageError(`--max-size: ${text} is no size.`, "Say it as 500MiB or 20GiB.");
}

async function runIn(
  context: Context,
  root: string,
  opened: Opened,
  command: readonly string[],
): Promise<number> {
  const { runCommand } = await import("../layer-command.ts");
  const { code, interrupted, outgrown } = await runCommand(context, root, opened, command);
  if (outgrown) throw await leave(context, opened.session.id, outgrown);
  const discard = context.has("discard") || (interrupted && !(await isKept(context)));
  await close(context, opened.session.id, discard);
  return code;
}

/** Leaves what a command wrote that had to be ended as it stands, unless it is to be dropped; answers what to say. */
async function leave(context: Context, session: string, found: Outgrown): Promise<IopipeError> {
  const drops = context.has("discard");
  const error = await outgrownError(found, drops ? "It was dropped, as asked." : keptHint(session));
  await context.call("layer/close", { session, ...(drops ? { discard: true } : { leave: error.message }) });
  return error;
}

/** After ^C: whether what the command wrote until then is staged. */
async function isKept(context: Context): Promise<boolean> {
  if (context.has("keep") || context.json || !isInteractive()) return true;
  return !/^d/i.test(await askLine(context, "Interrupted. Keep what was written, or discard it? [K/d] "));
}

async function resume(context: Context, session: string, command: readonly string[]): Promise<number> {
  if (command.length > 0)
    throw new UsageError("--resume runs nothing.", "It ends the run of a session: leave the command out.");
  await close(context, session, context.has("discard"));
  return 0;
}

async function close(context: Context, session: string, discard: boolean): Promise<void> {
  const closed = await context.call("layer/close", {
    session,
    ...(discard && { discard }),
    ...maxBytes(context),
  });
  if (context.json) printJson(closed);
  else describe(closed, discard);
}

/** On stderr: stdout is the command's. */
function describe({ session: { id, patches }, unstaged, conflicted }: Closed, discard: boolean): void {
  for (const { path, reason } of unstaged) note(`iopipe: not staged: ${visible(path)}: ${visible(reason)}`);
  for (const path of conflicted)
    note(`iopipe: conflict: ${visible(path)} was changed by the command, and by somebody else meanwhile`);
  const staged = patches.pending + patches.stale;
  const named = `--session ${id.slice(0, 10)}`;
  if (discard) note("iopipe: what the command wrote was dropped.");
  else if (staged === 0) note("iopipe: the command changed nothing here.");
  else note(`iopipe: ${count(staged, "change is", "changes are")} staged; the tree is as it was.`);
  if (patches.stale > 0) note(`Both versions of what is stale are kept. Next: iopipectl rebase ${named}`);
  else if (patches.pending > 0) note(`Next: iopipectl review ${named}`);
}
