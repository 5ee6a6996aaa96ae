/** Opening a session: a new one, or the pending one that has the key already. A key belongs to the role that first used it. */
import type { SessionRow, Store } from "../store/index.ts";
import { newId } from "../store/index.ts";
import { sessionEvent } from "./events.ts";
import { sessionToWire } from "./wire.ts";

export type OpenOptions = Pick<SessionRow, "workspace" | "title" | "role"> & {
  readonly agent?: string | undefined;
  readonly key?: string | undefined;
  readonly by?: string | undefined;
};

export function openSession(store: Store, { agent, key, by, ...rest }: OpenOptions): SessionRow {
  return store.transaction(() => {
    const known = key === undefined ? undefined : pendingWithKey(store, rest, key);
    if (known) return known;
    const session = store.sessions.insert({
      id: newId("s"),
      ...rest,
      ...(agent !== undefined && { agent }),
      ...(key !== undefined && { key }),
    });
    sessionEvent(store, "session/opened", session, by);
    return session;
  });
}

function pendingWithKey(
  store: Store,
  { workspace, role }: Pick<SessionRow, "workspace" | "role">,
  key: string,
): SessionRow | undefined {
  const sessions = store.sessions.byKey(workspace, key, role);
  return sessions.find((session) => sessionToWire(store, session).state === "Pending");
}
