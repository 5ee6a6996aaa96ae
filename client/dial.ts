/**
 * Dialling: one attempt to connect to a daemon, over the sockets where it may be.
 * Owns the meaning of a connect's errno. When to try again and when to start a daemon is connect.ts.
 * Source: connect(2); measured: a full backlog gives EAGAIN, a killed daemon's socket ECONNREFUSED.
 */
import { createConnection, type Socket } from "node:net";
import { IopipeError } from "../protocol/wire/errors.ts";
import type { Locations, Role } from "../protocol/wire/locations.ts";
import { checkDirectoryOf, endpoints } from "./endpoints.ts";
import { sandboxed, unreachable } from "./faults.ts";

/** absent: nobody listens. busy: somebody does, but takes no more connections just now. */
export type Dialled = { readonly socket: Socket } | { readonly missed: "absent" | "busy" };

const MISSED = new Map<string, "absent" | "busy">([
  ["ENOENT", "absent"],
  ["ECONNREFUSED", "absent"],
  ["EAGAIN", "busy"],
]);

/**
 * Tries each endpoint once.
 *
 * @throws {IopipeError} AccessDenied where a sandbox or a directory that is not ours says no; IoFailed where no socket
 * can be, or none can be made.
 */
export async function dial(locations: Locations, role: Role): Promise<Dialled> {
  let missed: "absent" | "busy" = "absent";
  for (const path of endpoints(locations, role)) {
    const dialled = await dialOne(path);
    if ("socket" in dialled) return dialled;
    if (dialled.missed === "busy") missed = "busy";
  }
  return { missed };
}

async function dialOne(path: string): Promise<Dialled> {
  try {
    if (isThere(path)) return { socket: await connected(path) };
    await refusedAnywhere();
    return { missed: "absent" };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof IopipeError || code === undefined) throw error;
    const missed = MISSED.get(code);
    if (missed !== undefined) return { missed };
    throw code === "EPERM" || code === "EACCES" ? sandboxed(path, code) : unreachable(path, code);
  }
}

/** A path at which no socket is. */
const NOWHERE = "/dev/null/iopipe";

/**
 * A sandbox that forbids the call forbids it whatever the path: a daemon that was started from it could not be reached.
 *
 * @throws EPERM where it does
 */
async function refusedAnywhere(): Promise<void> {
  await connected(NOWHERE).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "EPERM") throw error;
  });
}

/** Whether the socket's directory is there, and ours. */
function isThere(path: string): boolean {
  try {
    checkDirectoryOf(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

function connected(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path, allowHalfOpen: false });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(socket);
    });
  });
}
