/**
 * One listening socket under its well-known name: published, watched over, withdrawn.
 * Owns the name on disk. That there is one daemon is the store's lock; connections are connection.ts.
 * Invariants: the socket is 0600 from its birth; its name appears complete, by rename; a name behind which another
 * daemon answers is never taken; only our own socket is ever unlinked.
 * Source: Node 24, as measured (bind is synchronous in listen(); close() unlinks the name that was bound, whoever has
 * it by then, so the well-known name is never the one that is bound).
 */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { lstatSync, renameSync, rmSync, type Stats, unlinkSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { IopipeError } from "../../protocol/wire/index.ts";
import { ask } from "./ask.ts";
import type { Log } from "./call.ts";

/** Clients served at once on one socket; the next are closed at once. Keeps descriptors for the work. */
const MAX_CONNECTIONS = 512;

export interface Listener {
  /** Publishes the name again if it was deleted, or left behind by a daemon that is gone. */
  republish(): Promise<void>;
  /** Takes no more connections and removes the name, if it is still ours; connections live on. */
  close(): void;
}

export interface ListenOptions {
  /** Absolute; its directory exists and is private (directories.ts). */
  readonly path: string;
  /** This daemon's, to know itself by. */
  readonly instance: string;
  readonly log: Log;
  readonly onConnection: (socket: Socket) => void;
}

/**
 * Listens at `path`, taking the name over from a daemon that is gone.
 *
 * @throws {IopipeError} Busy when another daemon answers there, NotAFile when the name is no socket's; nothing changed
 */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { path, log } = options;
  let published = await publish(options);

  return {
    async republish() {
      const there = lstatOf(path);
      if (there && sameInode(there, published.stat)) return;
      log.warn({ path }, there ? "the socket was replaced" : "the socket was deleted");
      const former = published.server;
      published = await publish(options);
      former.close();
      log.info({ path }, "the socket is published again");
    },
    close() {
      published.server.close();
      // RACE: between this look and unlink(2) another daemon may take the name, if it shares our runtime directory with
      // a state directory of its own. Worst case: it is unreachable until it looks after its own name (30 s).
      const there = lstatOf(path);
      if (there && sameInode(there, published.stat)) unlinkSync(path);
    },
  };
}

interface Published {
  readonly server: Server;
  readonly stat: Stats;
}

async function publish(options: ListenOptions): Promise<Published> {
  const { path, instance, onConnection, log } = options;
  await checkFree(path, instance);
  const server = createServer({ allowHalfOpen: true }, onConnection);
  server.maxConnections = MAX_CONNECTIONS;
  server.on("drop", () =>
    log.warn({ path, limit: MAX_CONNECTIONS }, "a connection was refused, there are too many"),
  );
  // Not longer than the well-known name, whose length was checked.
  const bound = join(dirname(path), `.new-${randomBytes(3).toString("hex")}`);
  await bind(server, bound);
  server.on("error", (error) => log.error({ path, err: error }, "accepting connections failed"));
  try {
    const stat = lstatSync(bound);
    // RACE: another daemon may have published since checkFree, if it shares our runtime directory. Worst case: its name
    // is ours now; it says so in its log.
    renameSync(bound, path);
    return { server, stat };
  } catch (error) {
    server.close();
    rmSync(bound, { force: true });
    throw error;
  }
}

async function bind(server: Server, path: string): Promise<void> {
  const umask = process.umask(0o177);
  try {
    server.listen(path);
  } finally {
    process.umask(umask);
  }
  await once(server, "listening");
}

async function checkFree(path: string, instance: string): Promise<void> {
  const there = lstatOf(path);
  if (!there) return;
  if (!there.isSocket())
    throw new IopipeError("NotAFile", `${path} is in the way: it is no socket.`, { hint: "Move it away." });
  const occupant = await ask(path);
  if (occupant === "nobody" || occupant.instance === instance) return;
  const who =
    occupant.pid === undefined
      ? "a process that does not say who it is"
      : `the iopiped with pid ${occupant.pid}`;
  const whose = occupant.stateDir === undefined ? "" : `, whose state is in ${occupant.stateDir}`;
  throw new IopipeError("Busy", `${path} is served by ${who}${whose}.`, {
    hint: "Set IOPIPE_RUNTIME_DIR to another directory, or stop that process.",
  });
}

function lstatOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/** Inode numbers are not used again while we listen: a bound socket keeps its inode. */
function sameInode(one: Stats, other: Stats): boolean {
  return one.ino === other.ino && one.dev === other.dev;
}
