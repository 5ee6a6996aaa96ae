/**
 * Expiring: what a session whose proposer is gone has pending is discarded. It can be restored until it is cleared.
 * Owns the moves and their events. When a session is orphaned, and when what expired is cleared, is the store's.
 * Invariant: what somebody uses meanwhile keeps what has not expired yet.
 */
import type { SessionRow, Store } from "../store/index.ts";
import { patchEvent, sessionEvent } from "./events.ts";

/** Moved with one commit; a session may have ten thousand. */
const AT_ONCE = 50;

/** Expires an orphaned session, slice by slice; one without any patch is removed. */
export function* expire(store: Store, id: string): Generator<void> {
  while (store.essential(() => expireSome(store, id))) yield;
}

/** Says whether there may be more. */
function expireSome(store: Store, id: string): boolean {
  const session = store.sessions.get(id);
  if (!session || store.sessions.isLeased(id)) return false;
  const patches = store.patches.someUnsettledOf(id, AT_ONCE);
  for (const patch of patches) {
    store.patches.move(patch.id, { state: "Discarded", reason: "expired" });
    patchEvent(store, "patch/discarded", patch);
  }
  if (patches.length === AT_ONCE) return true;
  end(store, session);
  return false;
}

function end(store: Store, session: SessionRow): void {
  sessionEvent(store, "session/expired", session);
  // Nothing of it could be restored.
  store.sessions.removeEmpty(session.id);
}
