/**
 * The stream of what happens to sessions, patches and operations: events/subscribe as an async iterator.
 * Owns the event number as cursor. Resubscribing is subscription.ts.
 */
import type { NotificationParams } from "../protocol/methods/index.ts";
import type { Connection } from "./connection.ts";
import { type Subscription, subscribe } from "./subscription.ts";

/** Which events are followed, and from which on. */
export interface EventsOptions {
  /** Only this workspace's events: its id or absolute root. */
  readonly workspace?: string | undefined;
  /** Only this session's events. A proposer sees those of the sessions that its connection opened or named. */
  readonly session?: string | undefined;
  /** An event's `seq`: the stream begins with the event after it. Default: now. */
  readonly since?: number | undefined;
  /**
   * Called before the first event that follows where events after `since`, or after the last one of an interrupted
   * stream, are not kept any more: what they were about is to be listed afresh.
   */
  readonly onFresh?: (() => void) | undefined;
  /** Ends the stream when aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** One event, with the whole object it is about; `seq` is its number. */
export type IopipeEvent = NotificationParams<"events/event">;

/**
 * Follows events without a gap, across restarts of the daemon; of a gap because they are kept no longer, `onFresh` tells.
 *
 * @throws {IopipeError} from next(): WorkspaceNotFound, SessionNotFound; the stream has then ended.
 */
export function events(connection: Connection, options: EventsOptions): Subscription<IopipeEvent> {
  const { signal, since, onFresh, ...filter } = options;
  let seq = since;
  return subscribe<IopipeEvent>(
    connection,
    {
      subscribe: "events/subscribe",
      unsubscribe: "events/unsubscribe",
      params: () => ({ ...filter, since: seq }),
      async subscribed(answer) {
        seq ??= answer.seq as number;
        if (answer.fresh === true) onFresh?.();
        return undefined;
      },
      async item(params) {
        const event = params as unknown as IopipeEvent;
        seq = event.seq;
        return event;
      },
    },
    signal,
  );
}
