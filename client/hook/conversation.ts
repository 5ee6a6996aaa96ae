/** The session of a conversation: IOPIPE_SESSION's where that is of the workspace, else the one that the conversation's id is the key of. */
import type { Connection } from "../connection.ts";
import type { SessionHandle } from "../session.ts";
import type { StagedWay } from "../way.ts";
import type { Conversation } from "./form.ts";

/** The session to stage into; opened by the first write of the conversation in this workspace. */
export async function openSessionOf(
  connection: Connection,
  { workspace }: StagedWay,
  conversation: Conversation,
): Promise<SessionHandle> {
  const named = await namedSession(connection, workspace.id);
  const key = keyOf(conversation);
  return (
    named ??
    (await connection.openSession({ workspace: workspace.id, key, title: "Claude Code", agent: "claude" }))
  );
}

/** The session that it has staged into; undefined where it has not yet. */
export async function findSessionOf(
  connection: Connection,
  { workspace }: StagedWay,
  conversation: Conversation,
): Promise<SessionHandle | undefined> {
  const named = await namedSession(connection, workspace.id);
  if (named) return named;
  const { session } = await connection.call("session/find", {
    workspace: workspace.id,
    key: keyOf(conversation),
  });
  return session && connection.session(session.id);
}

/** A random id of Claude Code's: nobody else can guess it. */
function keyOf({ session_id }: Conversation): string {
  return `claude ${session_id}`.slice(0, 200);
}

async function namedSession(connection: Connection, workspace: string): Promise<SessionHandle | undefined> {
  const { IOPIPE_SESSION: id } = process.env;
  if (!id) return undefined;
  const handle = connection.session(id);
  return (await handle.get()).session.workspace === workspace ? handle : undefined;
}
