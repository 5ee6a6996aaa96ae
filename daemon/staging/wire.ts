/**
 * Sessions and patches as the wire shows them, with what is computed and never stored: a session's state, digest and
 * counts, a patch's conflicts.
 */
import type { Patch, Session } from "../../protocol/methods/index.ts";
import { type PatchRow, patchToWire, type SessionRow, type Store } from "../store/index.ts";
import { conflictsOf } from "./conflicts.ts";
import { digestOf } from "./digest.ts";

/** A session as it stands now; `row` may be older, its patches and its number are read afresh. */
export function sessionToWire(store: Store, row: Pick<SessionRow, "id">): Session {
  const session = store.sessions.require(row.id);
  const layer = store.layers.get(session.id);
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
    ...(layer && { layer: { backend: layer.backend, since: layer.createdAt } }),
    patches: store.sessions.counts(session.id),
  };
}

/** Patches of one workspace as results and events carry them. */
export function patchesToWire(store: Store, rows: readonly PatchRow[]): Patch[] {
  const conflicts = conflictsOf(store, rows);
  return rows.map((row) => ({ ...patchToWire(row), conflicts: conflicts.get(row.id) ?? [] }));
}
