/**
 * Connecting: finds the running daemon, or starts one and waits until it answers.
 * Owns the retries and their deadlines. One attempt is dial.ts, the new process is autostart.ts.
 * Time: milliseconds. Fails with data.daemon "absent" (isNoDaemon) or, where a sandbox says no, with AccessDenied.
 */
import { existsSync } from "node:fs";
import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { type Locations, locate, type Role } from "../protocol/wire/locations.ts";
import { type Connection, openConnection } from "./connection.ts";
import { dial } from "./dial.ts";
import { noDaemon } from "./faults.ts";
import type { Starter } from "./starter.ts";

/** How the daemon is found, or started, and who asks. */
export interface ConnectOptions {
  /** Whose socket to take. Default: what the environment's IOPIPE_ROLE says, else reviewer. */
  readonly role?: Role;
  /** Start a daemon when none runs. Default true, but in the layer of a `run`, where it would not find its state. */
  readonly autostart?: boolean;
  /** Variables by which the daemon is found (IOPIPE_STATE_DIR, …). Default: this process's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Name and version that the daemon records as the author of events. Default: the library's own. */
  readonly client?: { readonly name: string; readonly version?: string };
}

/**
 * Connects to this user's daemon; starts one when none runs.
 *
 * The connection survives restarts of the daemon (see Connection). Close it, or the process stays alive.
 *
 * @throws {IopipeError} with isNoDaemon when none runs and none could be started within ten seconds; AccessDenied
 * when a sandbox forbids the socket or its directory is not this user's alone, and then none was started.
 */
export async function connect(options: ConnectOptions = {}): Promise<Connection> {
  const env = options.env ?? process.env;
  const locations = locate(env);
  const role = options.role ?? roleOf(env);
  const reach = (autostart: boolean): Promise<Socket> => reachDaemon(locations, role, autostart);
  return await openConnection({
    role,
    autostart: options.autostart ?? !env.IOPIPE_LAYER,
    locations,
    reach,
    ...(options.client && { client: options.client }),
  });
}

/** The role that an environment asks for; a name that is none (a typo) gets the lesser one. */
export function roleOf({ IOPIPE_ROLE: name }: Readonly<Record<string, string | undefined>>): Role {
  return !name || name === "reviewer" ? "reviewer" : "proposer";
}

const START_LIMIT_MS = 10_000;
/** Without autostart: long enough for the moment in which a restarted daemon publishes its socket. */
const ABSENT_LIMIT_MS = 200;

/** A connected socket of `role`. The bare form of connect(), for joining streams. */
export async function reachDaemon(locations: Locations, role: Role, autostart: boolean): Promise<Socket> {
  const started = performance.now();
  let starter: Starter | undefined;
  try {
    for (let pauseMs = 2; ; pauseMs = Math.min(pauseMs * 2, 25)) {
      const dialled = await dial(locations, role);
      if ("socket" in dialled) return dialled.socket;
      const absent = dialled.missed === "absent";
      const starts = autostart && (role === "reviewer" || existsSync(locations.stateDir));
      const elapsedMs = performance.now() - started;
      if (elapsedMs > (absent && !starts ? ABSENT_LIMIT_MS : START_LIMIT_MS))
        throw absent && autostart && !starts
          ? nothingToPropose(locations)
          : unanswered(locations, role, absent, Math.round(elapsedMs));
      // Loaded late: most clients find a daemon and need nothing of it.
      if (absent && starts) starter ??= (await import("./starter.ts")).makeStarter(locations);
      if (absent) starter?.advance();
      await delay(pauseMs);
    }
  } finally {
    starter?.end();
  }
}

/**
 * Where no daemon ever ran no workspace is open, and a proposer opens none. In a sandbox that hides the state, a daemon
 * started inside would take proposals that nobody outside ever sees.
 */
function nothingToPropose({ stateDir, sockets }: Locations): Error {
  return noDaemon(`No daemon answers on ${sockets.proposer}, and there is no ${stateDir}.`, {
    socket: sockets.proposer,
    hint:
      "Open the workspace first with `iopipectl open DIR`. In a sandbox: let it have the directory `propose/` of the " +
      "daemon's runtime directory, and set IOPIPE_RUNTIME_DIR to where that lies.",
  });
}

function unanswered(locations: Locations, role: Role, absent: boolean, elapsedMs: number): Error {
  const socket = locations.sockets[role];
  if (absent) return noDaemon(`No daemon answers on ${socket} (${elapsedMs} ms).`, { socket });
  return noDaemon(`The daemon on ${socket} accepted no connection within ${elapsedMs} ms.`, {
    socket,
    hint: "It has more clients waiting than it can take; try again in a moment.",
  });
}
