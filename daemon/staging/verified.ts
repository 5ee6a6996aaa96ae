/** Telling that a session was verified; the verdict itself is daemon/workspace's. */
import type { SessionRow, Store } from "../store/index.ts";
import { sessionEvent } from "./events.ts";

export function sessionVerified(
  store: Store,
  session: Pick<SessionRow, "id" | "workspace">,
  by?: string,
): void {
  store.transaction(() => sessionEvent(store, "session/verified", session, by));
}
