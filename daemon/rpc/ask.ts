/**
 * Asking a socket who serves it, before its name is taken.
 * Time: bounded by ASK_MS. Never throws.
 */
import { createConnection, type Socket } from "node:net";
import { text } from "node:stream/consumers";

/** A daemon answers within milliseconds; one that is stopped in a debugger may take for ever. */
const ASK_MS = 2000;

/** Nobody is behind the name, or somebody is: a daemon that says who it is, or something silent. */
export type Occupant =
  | "nobody"
  | { readonly pid?: number; readonly instance?: string; readonly stateDir?: string };

/** Connects to the socket at `path` and asks for its status. */
export async function ask(path: string): Promise<Occupant> {
  const socket = createConnection(path);
  const refused = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    socket.once("connect", () => resolve(undefined));
    socket.once("error", resolve);
  });
  // ECONNREFUSED: bound once, by a process that is gone. Anything else (EACCES, EAGAIN) says that somebody is there.
  if (refused) return refused.code === "ENOENT" || refused.code === "ECONNREFUSED" ? "nobody" : {};
  return await status(socket);
}

async function status(socket: Socket): Promise<Exclude<Occupant, "nobody">> {
  const timer = setTimeout(() => socket.destroy(), ASK_MS);
  try {
    socket.end('{"jsonrpc":"2.0","id":1,"method":"daemon/status"}\n');
    const { result } = JSON.parse(await text(socket));
    return { pid: result.pid, instance: result.instance, stateDir: result.stateDir };
  } catch {
    return {};
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}
