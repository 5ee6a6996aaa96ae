/**
 * Handlers of events/*: what happens to sessions, patches and operations, as cursors over the numbered log.
 * INVARIANT: a subscription holds a number and one pending wake-up, never a queue: a client that does not read costs
 * nothing, and misses nothing when it reads again.
 */
import { randomUUID } from "node:crypto";
import { IopipeError } from "../../../protocol/wire/errors.ts";
import { type EventQuery, type EventRow, type Events, selects } from "../../store/index.ts";
import type { Call, Handlers, Peer } from "../call.ts";
import type { Parts } from "./index.ts";
import { namedSession, visibleSessions } from "./views.ts";

/** Rows read at once: what one wake-up of a client that lags holds in memory. */
const BATCH = 100;

export function eventHandlers({ store, workspaces }: Parts) {
  const queryOf = (
    params: { workspace?: string | undefined; session?: string | undefined },
    call: Call,
  ): EventQuery => ({
    workspace: params.workspace === undefined ? undefined : workspaces.find(params.workspace).id,
    session: params.session === undefined ? undefined : namedSession(store, params.session, call).id,
    sessions: visibleSessions(call),
  });
  return {
    "events/subscribe": (params, call) => {
      const query = queryOf(params, call);
      const seq = params.since ?? store.events.last();
      const subscription = `e${randomUUID()}`;
      call.peer.subscriptions.set(subscription, follow(store.events, query, seq, call.peer, subscription));
      return { subscription, seq };
    },
    "events/unsubscribe": ({ subscription }, { peer }) => endSubscription(peer, subscription),
  } satisfies Partial<Handlers>;
}

/** Ends a subscription of this connection, of either sort. @throws {IopipeError} SubscriptionNotFound */
export function endSubscription(peer: Peer, subscription: string): Record<string, never> {
  const end = peer.subscriptions.get(subscription);
  if (!end) {
    throw new IopipeError("SubscriptionNotFound", `This connection has no subscription ${subscription}.`);
  }
  peer.subscriptions.delete(subscription);
  end();
  return {};
}

/** Sends events after `from` as fast as the client takes them; returns the way to stop. */
function follow(
  events: Events,
  query: EventQuery,
  from: number,
  peer: Peer,
  subscription: string,
): () => void {
  let cursor = from;
  let running = false;
  let ended = false;

  const pump = async (): Promise<void> => {
    if (running) return;
    running = true;
    for (let rows = read(); rows.length > 0 && !ended; rows = read()) {
      for (const row of rows) {
        cursor = row.seq;
        if (ended) break;
        await peer.notify("events/event", toWire(row, subscription));
      }
    }
    running = false;
  };
  const read = (): EventRow[] => events.since(cursor, query, BATCH);

  const stopListening = events.listen((event) => {
    if (selects(query, event)) void pump();
  });
  void pump();
  return () => {
    ended = true;
    stopListening();
  };
}

function toWire({ seq, at, type, by, body }: EventRow, subscription: string) {
  return { ...body, subscription, seq, at, type, ...(by !== undefined && { by }) };
}
