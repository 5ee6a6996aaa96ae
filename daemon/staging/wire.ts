/**
 * Rows as the wire shows them: patches and sessions, with what is computed and never stored (a session's state,
 * digest and counts).
 */
import type { Patch, Session } from "../../protocol/methods/index.ts";
import type { PatchRow, SessionRow, Store } from "../store/index.ts";
import { digestOf } from "./digest.ts";

/** A patch as results and events carry it. */
export function patchToWire(row: PatchRow): Patch {
  return {
    id: row.id,
    session: row.session,
    path: row.path,
    kind: row.kind,
    ...(row.from !== undefined && { from: row.from }),
    state: row.state,
    ...(row.reason !== undefined && { reason: row.reason }),
    base: row.base,
    after: row.after,
    added: row.added,
    removed: row.removed,
    binary: row.binary,
    fullReplace: row.fullReplace,
    decision: row.decision,
    ...(row.note !== undefined && { note: row.note }),
    conflicts: [],
  };
}

/** A session as it stands now; `row` may be older, its patches and its number are read afresh. */
export function sessionToWire(store: Store, row: Pick<SessionRow, "id">): Session {
  const session = store.sessions.require(row.id);
  return {
    id: session.id,
    workspace: session.workspace,
    title: session.title,
    ...(session.agent !== undefined && { agent: session.agent }),
    ...(session.key !== undefined && { key: session.key }),
    state: store.sessions.stateOf(session.id),
    ready: session.ready,
    ...(session.message !== undefined && { message: session.message }),
    digest: digestOf(store.patches.ofSession(session.id, "Pending")),
    seq: session.seq,
    createdAt: session.createdAt,
    updatedAt: session.updatedAt,
    patches: store.sessions.counts(session.id),
  };
}
