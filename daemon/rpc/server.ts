/**
 * The server: both sockets, all connections, and their end.
 * Owns the roles (a connection has the role of the socket it came by) and the watch over the published names.
 * The store and the log outlive it; who stops it is main.ts.
 */
import type { Socket } from "node:net";
import type { DaemonFile, Locations, Role } from "../../protocol/wire/index.ts";
import type { Handlers, Log } from "./call.ts";
import { type Connection, serveConnection } from "./connection.ts";
import { readDaemonFile, removeDaemonFile, writeDaemonFile } from "./daemon-file.ts";
import { makeDirectories } from "./directories.ts";
import { createDispatch } from "./dispatch.ts";
import { type Listener, listen } from "./listen.ts";

/** How often the published names are looked after: what cleans up runtime directories does so rarely. */
const REPUBLISH_MS = 30_000;
/** How long running changes have to end when the daemon stops. */
const GRACE_MS = 5000;

export interface ServerOptions {
  readonly locations: Locations;
  /** What daemon.json is to say; its `instance` tells this daemon from others. */
  readonly identity: DaemonFile;
  readonly handlers: Handlers;
  readonly log: Log;
  /** Checks every result against its schema (tests). */
  readonly checkResults?: boolean | undefined;
  /** For tests; default 30 s. */
  readonly republishMs?: number | undefined;
  /** For tests; default 5 s. */
  readonly graceMs?: number | undefined;
}

export interface Server {
  readonly connections: number;
  /** Bytes of answers and notifications that clients have not taken yet. */
  readonly queuedBytes: number;
  /** Ids of the sessions that the clients who are connected have opened or named. */
  knownSessions(): Set<string>;
  /**
   * Serves both sockets; resolves when they answer and daemon.json says so. The directories exist.
   *
   * @throws {IopipeError} Busy when another daemon answers on one of the sockets; nothing is left behind
   */
  listen(): Promise<void>;
  /**
   * Stops: no new connections, ShuttingDown to new requests, at most five seconds for running changes, then the end of
   * every connection and of the names on disk. Safe to call twice.
   */
  stop(): Promise<void>;
}

/** Calls no handler before `listen`. */
export function createServer(options: ServerOptions): Server {
  const { locations, identity, log, graceMs = GRACE_MS } = options;
  const connections = new Set<Connection>();
  const listeners: Listener[] = [];
  let stopLooking = async (): Promise<void> => {};
  let stopping: Promise<void> | undefined;
  let accepted = 0;

  const dispatch = createDispatch({ ...options, stopping: () => stopping !== undefined });
  const accept = (socket: Socket, role: Role): void => {
    accepted += 1;
    const connection = serveConnection({ socket, id: accepted, role, dispatch, log });
    connections.add(connection);
    void connection.closed.then(() => connections.delete(connection));
  };
  const publish = async (role: Role): Promise<void> => {
    const onConnection = (socket: Socket): void => accept(socket, role);
    const { instance } = identity;
    listeners.push(await listen({ path: locations.sockets[role], instance, log, onConnection }));
  };
  const withdraw = (): void => {
    for (const listener of listeners) listener.close();
    removeDaemonFile(locations.daemonFile, identity.instance);
  };

  return {
    get connections() {
      return connections.size;
    },
    get queuedBytes() {
      return [...connections].reduce((sum, connection) => sum + connection.queuedBytes, 0);
    },
    knownSessions: () => new Set([...connections].flatMap(({ knownSessions }) => [...knownSessions])),
    async listen() {
      try {
        await publish("reviewer");
        await publish("proposer");
        await writeDaemonFile(locations.daemonFile, identity);
      } catch (error) {
        withdraw();
        throw error;
      }
      stopLooking = lookAfter(options, listeners);
    },
    stop() {
      stopping ??= stopLooking().then(async () => {
        try {
          withdraw();
        } finally {
          await Promise.all([...connections].map((connection) => connection.finish(graceMs)));
        }
      });
      return stopping;
    },
  };
}

/** Publishes again what was deleted under the live daemon; the result ends that, after a round under way. */
function lookAfter(options: ServerOptions, listeners: readonly Listener[]): () => Promise<void> {
  const { locations, identity, log, republishMs = REPUBLISH_MS } = options;
  let round = Promise.resolve();
  const look = async (): Promise<void> => {
    try {
      makeDirectories(locations);
      for (const listener of listeners) await listener.republish();
      if (readDaemonFile(locations.daemonFile)?.instance !== identity.instance)
        await writeDaemonFile(locations.daemonFile, identity);
    } catch (error) {
      log.error({ err: error }, "the sockets cannot be published");
    }
  };
  const timer = setInterval(() => {
    round = round.then(look);
  }, republishMs).unref();
  return () => {
    clearInterval(timer);
    return round;
  };
}
