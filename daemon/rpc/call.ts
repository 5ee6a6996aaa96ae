/**
 * What a handler gets and gives: the types between the transport and the methods' handlers.
 * Owns shapes only. Calls are made by dispatch.ts, peers by peer.ts; the handlers are in handlers/.
 * Concurrency: requests of one connection start in order, and may interleave at every await after that.
 */
import type {
  CheckedParams,
  MethodName,
  NotificationName,
  NotificationParams,
  Result,
} from "../../protocol/methods/index.ts";
import type { Role } from "../../protocol/wire/index.ts";

/**
 * One function per method. Params are checked, and the caller's role may call the method.
 *
 * A handler answers by its result, or throws an IopipeError (disk's and errno errors are mapped by store/faults.ts;
 * anything else becomes InternalError and is logged).
 */
export type Handlers = {
  [N in MethodName]: (params: CheckedParams<N>, call: Call) => Result<N> | Promise<Result<N>>;
};

/** One request under way. */
export interface Call {
  readonly role: Role;
  /**
   * Aborted by `$/cancelRequest`; for methods that change nothing also when the connection closes or the daemon stops.
   *
   * `signal.throwIfAborted()` throws what the caller is to be told. A handler past the point of no return ignores it.
   */
  readonly signal: AbortSignal;
  /** The client's name, as `initialize` gave it. */
  readonly by: string | undefined;
  readonly peer: Peer;
  /** Logs under this request's id. Never log contents. */
  readonly log: Log;
  /** Tells the caller how far the work is, if it asked with `progressToken`; cheap to call often. */
  progress(phase: string, done: number, total: number): void;
}

/** The other end of one connection. */
export interface Peer {
  /** Counts connections since the daemon's start. */
  readonly id: number;
  readonly role: Role;
  /** The client's name; `initialize` sets it. */
  name: string | undefined;
  /**
   * Sends a notification; resolves when the client has taken enough that more may be sent, or when it is gone.
   *
   * One that names a subscription is held until the answer with that subscription is on its way.
   */
  notify<N extends NotificationName>(method: N, params: NotificationParams<N>): Promise<void>;
  /** Calls `listener` once when the connection is closed, at once if it is. */
  onClose(listener: () => void): void;
  /** Ids of the sessions that this connection opened or named: what a proposer's lists and events hold. */
  readonly knownSessions: Set<string>;
  /** Hashes of the blobs that this connection uploaded, or was told of. */
  readonly ownBlobs: Set<string>;
  /** Ends of the subscriptions by id; those that are left are called when the connection closes. */
  readonly subscriptions: Map<string, () => void>;
}

/** The part of the daemon's log that the transport and the handlers use (pino's shape). */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: Record<string, unknown>): Log;
}
