/**
 * Handlers of events/*: what happens to sessions, patches and operations, as cursors over the numbered log.
 * INVARIANT: a subscription holds a number and one pending wake-up, never a queue: a client that does not read costs
 * nothing, and misses nothing when it reads again.
 */
import type { Patch } from "../../../protocol/methods/index.ts";
import { type EventQuery, type EventRow, type Events, selects } from "../../store/index.ts";
import type { Call, Handlers } from "../call.ts";
import type { Parts } from "./index.ts";
import { endSubscription, newSubscription } from "./subscriptions.ts";
import { namedSession, shownPatch, visibleSessions } from "./views.ts";

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
      const subscription = newSubscription(call.peer);
      call.peer.subscriptions.set(subscription, follow(store.events, query, seq, call, subscription));
      return { subscription, seq, ...(!store.events.reaches(seq, query) && { fresh: true }) };
    },
    "events/unsubscribe": ({ subscription }, { peer }) => endSubscription(peer, subscription),
  } satisfies Partial<Handlers>;
}

/** Sends events after `from` as fast as the client takes them; returns the way to stop. */
function follow(
  events: Events,
  query: EventQuery,
  from: number,
  call: Call,
  subscription: string,
): () => void {
  const { peer, log } = call;
  let cursor = from;
  let running = false;
  let ended = false;

  const sendAll = async (): Promise<void> => {
    for (let rows = read(); rows.length > 0 && !ended; rows = read()) {
      for (const row of rows) {
        if (ended) return;
        cursor = row.seq;
        await peer.notify("events/event", toWire(row, subscription, call));
      }
    }
  };
  const pump = async (): Promise<void> => {
    if (running) return;
    running = true;
    try {
      await sendAll();
    } catch (error) {
      // The cursor stands: the next event is another try.
      log.error({ err: error, subscription }, "events could not be read");
    } finally {
      running = false;
    }
  };
  const read = (): EventRow[] => events.since(cursor, query, BATCH);

  const stopListening = events.listen(
    (event) => {
      if (selects(query, event)) void pump();
    },
    () => (running ? cursor + 1 : Number.POSITIVE_INFINITY),
  );
  void pump();
  return () => {
    ended = true;
    stopListening();
  };
}

function toWire({ seq, at, type, by, body }: EventRow, subscription: string, call: Call) {
  const patch = body.patch as Patch | undefined;
  const shown = patch ? { patch: shownPatch(patch, call) } : {};
  return { ...body, ...shown, subscription, seq, at, type, ...(by !== undefined && { by }) };
}
