/**
 * Which session a command means; which of its patches is choose-patches.ts.
 * Owns the rule: `--session ID` (any unique prefix), else IOPIPE_SESSION, else the only pending one
 * with patches; with several it lists them (exit 2). A proposer names its session.
 */
import type { Result, Session, Workspace } from "../../protocol/methods/index.ts";
import { IopipeError, isKind } from "../../protocol/wire/errors.ts";
import { openWorkspaces } from "../way.ts";
import type { Context } from "./context.ts";
import { UsageError } from "./failure.ts";
import { short } from "./output.ts";
import { findWorkspace, pathIn } from "./place.ts";
import { visible } from "./visible.ts";

/** A session with the root that its paths are relative to. */
export interface Chosen {
  readonly session: Session;
  readonly workspace: Workspace;
  /** A path argument, inside the session's workspace. */
  path(argument: string): string;
}

/** The session that is meant; undefined where none is named and none is unfinished here. */
export async function chooseSession(context: Context): Promise<Chosen | undefined> {
  return (await chooseAmong(context, hasWork)) ?? (await chooseAmong(context, standsUnstaged));
}

async function chooseAmong(
  context: Context,
  wanted: (session: Session) => boolean,
): Promise<Chosen | undefined> {
  const named = await chooseNamed(context);
  if (named !== undefined) return named;
  refuseProposer(context);
  const workspace = await findWorkspace(context);
  const pending = (await pendingSessions(context, workspace.id)).filter(wanted);
  if (pending.length > 1) throw several(pending);
  return pending[0] && chosen(context, workspace, pending[0]);
}

/** The session that the flag or the environment names; undefined where neither does. */
export async function chooseNamed(context: Context): Promise<Chosen | undefined> {
  const named = namedSession(context);
  return named === undefined ? undefined : await inItsWorkspace(context, await byPrefix(context, named));
}

/** The session that is meant; a new one where there is none. */
export async function chooseOrOpenSession(context: Context, title: string): Promise<Chosen> {
  return (await chooseAmong(context, hasWork)) ?? (await openNewSession(context, title));
}

/** The session that is meant; else one that is kept for looking only, the same each time. */
export async function chooseOrLook(context: Context): Promise<Chosen> {
  const session = await chooseAmong(context, hasWork);
  if (session !== undefined) return session;
  const workspace = await findWorkspace(context);
  const params = { workspace: workspace.id, title: "A look around", key: "iopipectl: a look around" };
  return chosen(context, workspace, (await context.call("session/open", params)).session);
}

/** A new session in this command's workspace; with a `key` the pending one that has it, if there is one. */
export async function openNewSession(context: Context, title: string, key?: string): Promise<Chosen> {
  const workspace = await findWorkspace(context);
  const params = {
    workspace: workspace.id,
    title: context.text("title") ?? shortened(title),
    ...(key !== undefined && { key }),
  };
  return chosen(context, workspace, (await context.call("session/open", params)).session);
}

/** A title made of arguments, of which there may be many: the protocol takes 1000 characters. */
function shortened(title: string): string {
  const characters = [...title];
  return characters.length > 200 ? `${characters.slice(0, 199).join("")}…` : title;
}

/** The id, or the beginning of one, that the flag or the environment names. */
export function namedSession(context: Context): string | undefined {
  return context.text("session") || process.env.IOPIPE_SESSION || undefined;
}

/** Whether something in it waits for a decision. */
export function hasWork({ patches }: Session): boolean {
  return patches.pending + patches.stale > 0;
}

/** Whether what a command of `run` wrote for it could not be staged, and stands in its layer. */
function standsUnstaged({ layer }: Session): boolean {
  return layer?.problem !== undefined;
}

/** Either of these. */
export function isUnfinished(session: Session): boolean {
  return hasWork(session) || standsUnstaged(session);
}

/** The pending sessions, of one workspace or of all; newest first. */
export async function pendingSessions(context: Context, workspace?: string): Promise<Session[]> {
  return await allSessions(context, { state: "Pending", ...(workspace && { workspace }) });
}

/** Every page of session/list; a proposer's daemon lists only what its connection has named. */
export async function allSessions(
  context: Context,
  params: { state?: "Pending"; workspace?: string },
): Promise<Session[]> {
  const own = context.role === "proposer" ? namedSession(context) : undefined;
  if (own !== undefined) await context.call("session/get", { session: own });
  const sessions: Session[] = [];
  let page: Result<"session/list"> | undefined;
  do {
    const after: { after?: string } = page?.next === undefined ? {} : { after: page.next };
    page = await context.call("session/list", { ...params, ...after, limit: 1000 });
    sessions.push(...page.sessions);
  } while (page.next !== undefined);
  return sessions;
}

async function byPrefix(context: Context, prefix: string): Promise<Session> {
  try {
    return (await context.call("session/get", { session: prefix })).session;
  } catch (error) {
    if (!isKind(error, "SessionNotFound")) throw error;
    const matches = (await allSessions(context, {})).filter(({ id }) => id.startsWith(prefix));
    if (matches.length > 1) throw several(matches);
    if (matches[0] === undefined) throw error;
    return matches[0];
  }
}

async function inItsWorkspace(context: Context, session: Session): Promise<Chosen> {
  const workspace = (await openWorkspaces(context)).find(({ id }) => id === session.workspace);
  if (workspace !== undefined) return chosen(context, workspace, session);
  throw new IopipeError("WorkspaceNotFound", `The workspace of session ${session.id} is not open.`);
}

/** A session of `workspace`, with what its path arguments mean. */
export function chosen(context: Context, workspace: Workspace, session: Session): Chosen {
  return { session, workspace, path: (argument) => pathIn(workspace.root, context.cwd, argument) };
}

function refuseProposer(context: Context): void {
  if (context.role === "reviewer") return;
  throw new UsageError(
    "A proposer names its session.",
    "Give --session ID or set IOPIPE_SESSION; `iopipectl rpc session/open` opens one.",
  );
}

function several(sessions: readonly Session[]): UsageError {
  const list = sessions.map(
    ({ id, title, patches }) => `  ${short(id)}  ${patches.pending} pending  ${visible(title)}`,
  );
  const message = [`${sessions.length} sessions could be meant:`, ...list].join("\n");
  return new UsageError(message, "Choose one with --session ID.", { sessions: sessions.map(({ id }) => id) });
}
