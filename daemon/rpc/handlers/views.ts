/**
 * What a caller may see: a reviewer everything, a proposer the sessions that its connection opened or named.
 * Knowing a session's id is owning it, so naming one makes it known.
 */

import type { Patch } from "../../../protocol/methods/index.ts";
import { IopipeError } from "../../../protocol/wire/errors.ts";
import { patchesToWire } from "../../staging/index.ts";
import type { PatchRow, SessionRow, Store } from "../../store/index.ts";
import type { Call } from "../call.ts";

/** The session that the caller names, and so uses: its lease is renewed. @throws {IopipeError} SessionNotFound */
export function namedSession(store: Store, id: string, call: Call): SessionRow {
  const session = store.sessions.require(id);
  store.sessions.use(id);
  call.peer.knownSessions.add(id);
  return session;
}

/** The sessions that lists and events are limited to; undefined: no limit. */
export function visibleSessions(call: Call): ReadonlySet<string> | undefined {
  return call.role === "reviewer" ? undefined : call.peer.knownSessions;
}

/** The patch with this id, where the caller may see its session. @throws {IopipeError} PatchNotFound */
export function visiblePatch(store: Store, id: string, call: Call): PatchRow {
  const patch = store.patches.require(id);
  if (visibleSessions(call)?.has(patch.session) === false) {
    throw new IopipeError("PatchNotFound", `There is no patch ${id}.`, { patch: id });
  }
  store.sessions.use(patch.session);
  return patch;
}

/** Whether the caller may read the blob: a proposer only what it uploaded or its sessions hold. */
export function maySeeBlob(store: Store, hash: string, call: Call): boolean {
  if (call.role === "reviewer" || call.peer.ownBlobs.has(hash)) return true;
  return store.patches.holdBlob(call.peer.knownSessions, hash);
}

/** Patches of one workspace as the caller may see them. */
export function shownPatches(store: Store, rows: readonly PatchRow[], call: Call): Patch[] {
  return patchesToWire(store, rows).map((patch) => shownPatch(patch, call));
}

/** A patch without the ids of sessions that the caller may not see. */
export function shownPatch(patch: Patch, call: Call): Patch {
  const visible = visibleSessions(call);
  if (!visible || patch.conflicts.length === 0) return patch;
  const conflicts = patch.conflicts.map(({ session, ...rest }) =>
    session !== undefined && visible.has(session) ? { session, ...rest } : rest,
  );
  return { ...patch, conflicts };
}
