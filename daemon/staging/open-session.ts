/** Opening a session. A key brings the same pending session back; it belongs to the role that used it first. */
import type { Role } from "../../protocol/wire/locations.ts";
import { newId, type SessionRow, type Store } from "../store/index.ts";
import { sessionEvent } from "./events.ts";

export interface OpenSessionOptions {
  readonly workspace: string;
  readonly title: string;
  readonly agent?: string | undefined;
  readonly key?: string | undefined;
  /** Paths that the session says it is about, with all below them. */
  readonly scope?: readonly string[] | undefined;
  readonly role: Role;
  /** The client's name, for the event. */
  readonly by?: string | undefined;
}

/** The pending session with this workspace, key and role, else a new one. */
export function openSession(
  store: Store,
  { workspace, title, agent, key, scope, role, by }: OpenSessionOptions,
): SessionRow {
  return store.transaction(() => {
    const pending = key === undefined ? undefined : store.sessions.pendingByKey(workspace, key, role);
    if (pending) return pending;
    const session = store.sessions.insert({
      id: newId("s"),
      workspace,
      title,
      role,
      ...(agent !== undefined && { agent }),
      ...(key !== undefined && { key }),
      ...(scope !== undefined && { scope }),
    });
    sessionEvent(store, "session/opened", session, by);
    return store.sessions.require(session.id);
  });
}
