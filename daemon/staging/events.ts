/** Events about patches and sessions, with the whole object as it is then. Appended inside the caller's transaction. */
import type { EventType } from "../../protocol/methods/index.ts";
import { type PatchRow, patchToWire, type SessionRow, type Store } from "../store/index.ts";
import type { Conflict } from "./conflicts.ts";
import { patchesToWire, sessionToWire } from "./wire.ts";

/** `by` is the client's name, where a client caused it; `conflicts`: where they are known, or only these are told. */
export function patchEvent(
  store: Store,
  type: EventType,
  patch: PatchRow,
  by?: string,
  conflicts?: readonly Conflict[],
): void {
  const { id, workspace, session } = patch;
  store.events.append({ type, workspace, session, by }, () => ({
    patch: conflicts
      ? { ...patchToWire(store.patches.require(id)), conflicts }
      : patchesToWire(store, [store.patches.require(id)])[0],
  }));
}

export function sessionEvent(
  store: Store,
  type: EventType,
  session: Pick<SessionRow, "id" | "workspace">,
  by?: string,
): void {
  store.events.append({ type, workspace: session.workspace, session: session.id, by }, () => ({
    session: sessionToWire(store, session),
  }));
}
