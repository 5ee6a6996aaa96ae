/**
 * The connection: typed calls to a daemon, across its restarts.
 * Owns the link in force, reconnecting, and which calls are repeated after it. One socket is link.ts; finding or
 * starting a daemon is connect.ts; the two streams are changes.ts and events.ts.
 * Invariant: only reads are ever sent twice; everything else fails with data.daemon "lost" and is the caller's to judge.
 */
import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import packageJson from "../package.json" with { type: "json" };
import type { MethodName, Params, Result } from "../protocol/methods/index.ts";
import { IopipeError, isKind } from "../protocol/wire/errors.ts";
import type { Locations, Role } from "../protocol/wire/locations.ts";
import { type ChangesOptions, changes, type FileChanges } from "./changes.ts";
import { type EventsOptions, events, type IopipeEvent } from "./events.ts";
import { isLost } from "./faults.ts";
import { type CallOptions, Link } from "./link.ts";
import { isRepeatable } from "./repeatable.ts";
import { SessionHandle } from "./session.ts";
import type { Subscription } from "./subscription.ts";

/** How long a daemon that takes connections and ends them unanswered is held to be dying, and how often it is tried. */
const DYING_LIMIT_MS = 10_000;
const DYING_PAUSE_MS = 25;

/** How a connection comes by its sockets; made by connect(). */
interface Way {
  readonly role: Role;
  readonly autostart: boolean;
  readonly locations: Locations;
  readonly reach: (autostart: boolean) => Promise<Socket>;
  readonly client?: { readonly name: string; readonly version?: string };
}

/**
 * A connection to this user's daemon. Made by connect(); safe to use for many calls at once.
 *
 * When the daemon is restarted, calls under way fail as retryable (`isLost`), but reads are repeated once by
 * themselves; later calls reconnect, and start a daemon again where connect() was to. Streams of changes and events
 * go on at their cursor.
 */
export class Connection {
  readonly role: Role;
  readonly #way: Way;
  /** Sessions that this connection opened or named: to a proposer's daemon they exist only once it named them. */
  readonly #sessions = new Set<string>();
  #link: Promise<Link> | undefined;
  #closed = false;

  /** Use connect(). */
  constructor(way: Way) {
    this.role = way.role;
    this.#way = way;
  }

  /**
   * Calls a method of the protocol.
   *
   * @throws {IopipeError} with the daemon's kind, its `data.hint` and what else the protocol promises for it; `isLost`
   * when the connection ended before the answer, and it is then unknown whether the call took effect.
   */
  async call<N extends MethodName>(
    name: N,
    params: Params<N>,
    options: CallOptions = {},
  ): Promise<Result<N>> {
    const link = await this.attach();
    try {
      return (await link.call(name, params as object, options)) as Result<N>;
    } catch (error) {
      const gone = isLost(error) || isKind(error, "ShuttingDown");
      if (!gone || this.#closed || options.signal?.aborted || !isRepeatable(name, params)) throw error;
      link.close();
      const next = await this.attach();
      return (await next.call(name, params as object, options)) as Result<N>;
    }
  }

  /** Opens a session: what is proposed and reviewed together. With a `key`, the pending one that has it. */
  async openSession(params: Params<"session/open">): Promise<SessionHandle> {
    const { session } = await this.call("session/open", params);
    return this.session(session.id);
  }

  /** A handle on a session whose id is known; asks the daemon nothing. */
  session(id: string): SessionHandle {
    this.#sessions.add(id);
    return new SessionHandle(this, id);
  }

  /** Follows what changes under a workspace (its id or absolute root). See ChangesOptions. */
  changes(workspace: string, options: ChangesOptions = {}): Subscription<FileChanges> {
    return changes(this, workspace, options);
  }

  /** Follows what happens to sessions, patches and operations. See EventsOptions. */
  events(options: EventsOptions = {}): Subscription<IopipeEvent> {
    return events(this, options);
  }

  /** Ends the connection and its streams; calls under way fail. The daemon stays. Safe to call twice. */
  close(): void {
    this.#closed = true;
    this.#link?.then(
      (link) => link.close(),
      () => {},
    );
  }

  /** Where the daemon of this connection keeps its state and sockets. */
  get locations(): Locations {
    return this.#way.locations;
  }

  /** Whether a daemon is started when none runs. */
  get autostart(): boolean {
    return this.#way.autostart;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** The link in force, reconnected where it ended. For the streams; calls go through call(). */
  async attach(autostart: boolean = this.#way.autostart): Promise<Link> {
    if (this.#closed) throw new IopipeError("IllegalState", "The connection was closed by its owner.");
    const current = await this.#link;
    if (current !== undefined && !current.ended) return current;
    // Another caller may have begun to reconnect while this one waited.
    if (this.#link === undefined || (await this.#link)?.ended)
      this.#link = this.#reconnect(autostart, current !== undefined);
    return await this.#link;
  }

  /**
   * RACE: a daemon that was killed may take connections for as long as it is dying (1.5 s measured) and answers none of
   * them. So after a loss a link counts only once it has answered; worst case, the loss is told after the limit.
   */
  async #reconnect(autostart: boolean, afterLoss: boolean): Promise<Link> {
    const started = performance.now();
    try {
      for (;;) {
        const link = new Link(await this.#way.reach(autostart));
        if (this.#closed) link.close();
        const answered = this.#introduce(link);
        if (!afterLoss || (await answered) || this.#closed) return link;
        if (performance.now() - started > DYING_LIMIT_MS) return link;
        await delay(DYING_PAUSE_MS);
      }
    } catch (error) {
      this.#link = undefined;
      throw error;
    }
  }

  /**
   * Whether the daemon answers on the link in force: true as soon as it does, false where there is no link or it ends,
   * and neither while it is silent. Reconnects nothing and starts nothing.
   */
  async answers(): Promise<boolean> {
    const link = await this.#link?.catch(() => undefined);
    return link !== undefined && !link.ended && (await this.#initialize(link));
  }

  /** Whether it was answered; a refusal is an answer too. */
  #initialize(link: Link): Promise<boolean> {
    const client = this.#way.client ?? { name: packageJson.name, version: packageJson.version };
    return link.call("initialize", { client, protocolVersion: 1 }).then(
      () => true,
      (error) => !isLost(error),
    );
  }

  /** Sent ahead of the first call, whose sender need not wait for the answer: the daemon starts requests in order. */
  #introduce(link: Link): Promise<boolean> {
    const answered = this.#initialize(link);
    if (this.role === "proposer")
      for (const session of this.#sessions) link.call("session/get", { session }).catch(() => {});
    return answered;
  }
}

/** Makes a connection and proves that it works. */
export async function openConnection(way: Way): Promise<Connection> {
  const connection = new Connection(way);
  await connection.attach();
  return connection;
}
