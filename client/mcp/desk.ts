/**
 * What every tool works with: the connection, the workspace that the server stands in, and the session that a call names.
 * Owns no state but the connection, which is made at first use and reconnects by itself: each call finds the workspace
 * and the session anew, so that a restart of the daemon, or of this process, changes nothing.
 */
import { join, resolve } from "node:path";
import type { Session, Workspace } from "../../protocol/methods/index.ts";
import { IopipeError } from "../../protocol/wire/errors.ts";
import { connect } from "../connect.ts";
import type { Connection } from "../connection.ts";
import { nearest, realPlace } from "../enclosing.ts";
import type { SessionHandle } from "../session.ts";
import { openWorkspaces, type PlainWay, switchedOff, type Way, wayOfEnvironment } from "../way.ts";
import { assertInside, pathIn } from "./inside.ts";
import { type Named, naming } from "./naming.ts";

/** What a session is opened with, where a call opens one. */
interface Opener {
  readonly title?: string | undefined;
  /** The host's name, for the reviewer. */
  readonly agent: string;
}

/** A session with its place. */
export interface Work {
  readonly connection: Connection;
  readonly workspace: Workspace;
  readonly session: Session;
  readonly handle: SessionHandle;
}

export interface Desk {
  readonly connection: () => Promise<Connection>;
  /** @throws {IopipeError} WorkspaceNotFound where no reviewer has opened one around the server's directory. */
  readonly workspace: () => Promise<Workspace>;
  /** The session that is named; by a new `key` it is opened. */
  readonly openWork: (named: Named & Opener) => Promise<Work>;
  /** The session that is named, applied or not. @throws {IopipeError} SessionNotFound where there is none yet. */
  readonly findWork: (named: Named) => Promise<Work>;
  /** Which way a change of `path` goes. */
  readonly way: (path: string) => Promise<Way>;
  /** The plain way, where the environment alone says that iopipe is off or a layer catches what is written. */
  readonly plain: (path: string) => PlainWay | undefined;
}

/** A desk for a server that was started in `from` (absolute, real). */
export function makeDesk(from: string): Desk {
  let connected: Promise<Connection> | undefined;
  const connection = (): Promise<Connection> => {
    connected ??= connect({ role: "proposer", client: { name: "iopipectl mcp" } }).catch((error) => {
      connected = undefined;
      throw error;
    });
    return connected;
  };

  const workspace = async (): Promise<Workspace> => {
    const found = nearest(await openWorkspaces(await connection()), from);
    if (found) return found;
    throw new IopipeError("WorkspaceNotFound", `${from} is in no open workspace.`, {
      path: from,
      hint: `The person who reviews opens it: \`iopipectl open ${from}\`. Then repeat the call.`,
    });
  };

  const place = async () => ({ connection: await connection(), workspace: await workspace() });

  const byId = async (id: string): Promise<Work> => {
    const here = await place();
    const { session } = await here.connection.call("session/get", { session: id });
    if (session.workspace !== here.workspace.id)
      throw new IopipeError(
        "SessionNotFound",
        `Session ${id} is not of the workspace ${here.workspace.root}.`,
        {
          hint: "Give a session that a tool of this server named, or a `key`.",
        },
      );
    return { ...here, session, handle: here.connection.session(id) };
  };

  const openWork: Desk["openWork"] = async ({ title = "From an agent", agent, ...named }) => {
    assertStaging();
    const { id, key } = naming(named);
    if (id !== undefined) return await byId(id);
    const here = await place();
    const params = { workspace: here.workspace.id, key, title, agent: agent.slice(0, 200) };
    const { session } = await here.connection.call("session/open", params);
    return { ...here, session, handle: here.connection.session(session.id) };
  };

  const findWork = async (named: Named): Promise<Work> => {
    assertStaging();
    const { id, key } = naming(named);
    if (id !== undefined) return await byId(id);
    const here = await place();
    const { session } = await here.connection.call("session/find", { workspace: here.workspace.id, key });
    if (session) return { ...here, session, handle: here.connection.session(session.id) };
    throw new IopipeError("SessionNotFound", `No session has the key ${JSON.stringify(key)} yet.`, {
      hint: "Stage something with it first, or give the `session` that an answer named.",
    });
  };

  /** Where plain files are written there is no session to look at. */
  const assertStaging = (): void => {
    const way = plain(".");
    if (!way) return;
    const where =
      way.way === "layer"
        ? "This runs inside `iopipectl run`"
        : "iopipe is switched off here (IOPIPE_DISABLE)";
    throw new IopipeError(
      "IllegalState",
      `${where}: changes are plain files, and there is no session of this server.`,
      {
        hint:
          "Look at the files with tools of your own" +
          (way.way === "layer" ? "; when the command ends, all changes are proposed together." : "."),
      },
    );
  };

  const plain = (path: string): PlainWay | undefined => {
    const { IOPIPE_LAYER: layer } = process.env;
    const file = realPlace(resolve(layer || from, path));
    const way = wayOfEnvironment(file);
    if (way || layer) assertInside(layer || from, file, path);
    return way;
  };

  const way = async (path: string): Promise<Way> => {
    const byEnvironment = plain(path);
    if (byEnvironment) return byEnvironment;
    const here = await place();
    const inside = pathIn(here.workspace, path);
    const because = await switchedOff(here.connection, here.workspace);
    if (because === undefined) return { way: "staged", workspace: here.workspace, path: inside };
    const file = realPlace(join(here.workspace.root, inside));
    assertInside(here.workspace.root, file, path);
    return { way: "plain", because, file };
  };

  return { connection, workspace, openWork, findWork, way, plain };
}
