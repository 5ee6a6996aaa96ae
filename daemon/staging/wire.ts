/**
 * Sessions as the wire shows them, with what is computed and never stored: state, digest and counts.
 */
import type { Session } from "../../protocol/methods/index.ts";
import type { SessionRow, Store } from "../store/index.ts";
import { digestOf } from "./digest.ts";

/** A session as it stands now; `row` may be older, its patches and its number are read afresh. */
export function sessionToWire(store: Store, row: Pick<SessionRow, "id">): Session {
  const session = store.sessions.require(row.id);
  return {
    id: session.id,
    workspace: session.workspace,
    title: session.title,
    ...(session.agent !== undefined && { agent: session.agent }),
    ...(session.key !== undefined && { key: session.key }),
    ...(session.scope !== undefined && { scope: [...session.scope] }),
    state: store.sessions.stateOf(session.id),
    ready: session.ready,
    ...(session.message !== undefined && { message: session.message }),
    digest: digestOf(store, session.id),
    seq: session.seq,
    createdAt: session.createdAt,
    updatedAt: session.updatedAt,
    patches: store.sessions.counts(session.id),
  };
}
