/** `status`, and the bare command: what is pending here, and the next command to type. */
import type { Session, Workspace } from "../../../protocol/methods/index.ts";
import { isKind } from "../../../protocol/wire/errors.ts";
import { openWorkspaces, switchedOff } from "../../way.ts";
import { hasWork, isUnfinished, namedSession, pendingSessions } from "../choose.ts";
import type { Context } from "../context.ts";
import { colour, note, print, printJson } from "../output.ts";
import { chooseWorkspace } from "../place.ts";
import { sessionLines } from "../tables.ts";
import { visible } from "../visible.ts";

export async function status(context: Context): Promise<void> {
  context.giveUpInSilence();
  // Asked at once, because a person waits: most often the workspace is open already.
  const [open, everywhere] = await Promise.all([openWorkspaces(context), pendingSessions(context)]);
  const workspace = await chooseWorkspace(context, open);
  const sessions = everywhere.filter(
    (session) => session.workspace === workspace.id && isUnfinished(session),
  );
  if (context.json) printJson({ sessions });
  else if (isBlind(context)) describeBlind(workspace);
  else describe(workspace, sessions, await whySwitchedOff(context, workspace));
}

/** A proposer is shown the sessions that it names, and without one none. */
function isBlind(context: Context): boolean {
  return context.role === "proposer" && namedSession(context) === undefined;
}

function describeBlind({ root, watch: { state } }: Workspace): void {
  print(`${colour("bold", visible(root))}  watching: ${state}`);
  print("A proposer sees the session that it names: set IOPIPE_SESSION to its id.");
}

const WHY_OFF = {
  disabled: "Switched off: agents' writes go to the tree. Next: iopipectl enable",
  io_pipeline_v1: "Switched off by the policy (io_pipeline_v1): agents' writes go to the tree.",
};

async function whySwitchedOff(context: Context, workspace: Workspace): Promise<string | undefined> {
  // An absent root has no policy to be read, and the watch's state says so.
  const why = await switchedOff(context, workspace).catch((error) => {
    if (isKind(error, "RootGone")) return undefined;
    throw error;
  });
  return why && WHY_OFF[why];
}

function describe(workspace: Workspace, sessions: readonly Session[], off: string | undefined): void {
  const { state, warnings } = workspace.watch;
  print(`${colour("bold", visible(workspace.root))}  watching: ${state}`);
  for (const warning of warnings) note(colour("yellow", visible(warning), process.stderr));
  if (off !== undefined) print(colour("yellow", off));
  if (sessions.length === 0) print("Nothing is pending.");
  for (const line of sessions.flatMap(sessionLines)) print(line);
  const waiting = sessions.filter(hasWork);
  // What stands unstaged says itself what to type.
  if (waiting.length > 0 || sessions.length === 0) print(nextStep(waiting));
}

function nextStep(sessions: readonly Session[]): string {
  const [first, second] = sessions;
  if (first === undefined) return "Next: iopipectl stage PATH < new-content";
  if (first.patches.stale > 0) {
    const session = named(first, second);
    return `Next: iopipectl rebase${session} merges what is stale, or iopipectl discard PATH${session}`;
  }
  return first.ready
    ? `Next: iopipectl review${named(first, second)}`
    : `Next: iopipectl diff${named(first, second)}`;
}

function named(session: Session, other: Session | undefined): string {
  return other === undefined ? "" : ` --session ${session.id.slice(0, 10)}`;
}
