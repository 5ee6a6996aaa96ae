/** Handlers of session/* and of patch/apply and patch/discard, which are a session's with one patch. */
import { IopipeError } from "../../../protocol/wire/index.ts";
import { openSession, sessionToWire } from "../../staging/index.ts";
import type { SessionRow } from "../../store/index.ts";
import { applySession, assertSaysWhat } from "../../workspace/apply.ts";
import { checkSession } from "../../workspace/check.ts";
import { waitForEvent } from "../../workspace/waiting.ts";
import type { Call, Handlers } from "../call.ts";
import type { Parts } from "./index.ts";
import { pageOf } from "./pages.ts";
import { maySeeBlob, namedSession, shownPatches, visiblePatch, visibleSessions } from "./views.ts";

export function sessionHandlers(parts: Parts) {
  const { store, staging, workspaces, sessionTurn } = parts;
  const toWire = (session: SessionRow) => sessionToWire(store, session);
  const withPatches = (session: SessionRow, call: Call) => ({
    session: toWire(session),
    patches: shownPatches(store, store.patches.ofSession(session.id), call),
  });

  const discard = async (
    session: SessionRow,
    options: { ids?: string[] | undefined; purge?: boolean | undefined },
    call: Call,
  ) => {
    await sessionTurn(
      session.id,
      async () => staging.discard(session, { ...options, by: call.by }),
      call.signal,
    );
    return { session: toWire(session) };
  };

  return {
    "session/open": ({ workspace, title = "", agent, key, scope }, call) => {
      const { id } = workspaces.find(workspace);
      const session = openSession(store, {
        workspace: id,
        title,
        agent,
        key,
        scope,
        role: call.role,
        by: call.by,
      });
      return { session: toWire(namedSession(store, session.id, call)) };
    },

    "session/find": ({ workspace, key }, call) => {
      const found = store.sessions.byKey(workspaces.find(workspace).id, key, call.role);
      return found ? { session: toWire(namedSession(store, found.id, call)) } : {};
    },

    "session/list": ({ workspace: named, state, ...asked }, call) => {
      const workspace = named === undefined ? undefined : workspaces.find(named).id;
      const query = { workspace, state, ids: visibleSessions(call) };
      const { rows, ...more } = pageOf(asked, (page) => store.sessions.list(query, page));
      return { sessions: rows.map(toWire), ...more };
    },

    "session/get": ({ session }, call) => withPatches(namedSession(store, session, call), call),

    "session/submit": async ({ session: id, message }, call) => {
      const session = namedSession(store, id, call);
      await sessionTurn(id, async () => staging.submit(session, message, call.by), call.signal);
      return { session: toWire(session) };
    },

    "session/wait": async ({ session: id, since, timeoutMs }, call) => {
      const session = namedSession(store, id, call);
      const waited = await waitForEvent(store, id, { since, timeoutMs, signal: call.signal });
      return { ...withPatches(session, call), ...waited };
    },

    "session/diff": ({ session, ...options }, call) =>
      staging.diffSession(namedSession(store, session, call), options),

    "session/check": ({ session, patches }, call) =>
      checkSession(parts, namedSession(store, session, call), patches, call.signal),

    "session/apply": ({ session, ...options }, call) => {
      assertSaysWhat(options);
      return applySession(parts, namedSession(store, session, call), options, call);
    },

    "patch/apply": ({ patch: id, ...options }, call) => {
      const patch = visiblePatch(store, id, call);
      return applySession(parts, store.sessions.require(patch.session), { ...options, patches: [id] }, call);
    },

    "session/discard": ({ session, patches, purge }, call) => {
      assertMayPurge(purge, call);
      return discard(namedSession(store, session, call), { ids: patches, purge }, call);
    },

    "patch/discard": ({ patch: id, purge }, call) => {
      assertMayPurge(purge, call);
      const patch = visiblePatch(store, id, call);
      return discard(store.sessions.require(patch.session), { ids: [id], purge }, call);
    },

    "session/restore": async ({ session: id, patches }, call) => {
      const session = namedSession(store, id, call);
      const { tree } = workspaces.find(session.workspace);
      await sessionTurn(id, () => staging.restore(session, tree, { ids: patches, by: call.by }), call.signal);
      return { session: toWire(session) };
    },

    "session/rebase": async ({ session: id, paths }, call) => {
      const session = namedSession(store, id, call);
      const { tree } = workspaces.find(session.workspace);
      const { by, signal } = call;
      const work = () => staging.rebase(session, tree, { paths, by, signal });
      const { merged, conflicted } = await sessionTurn(id, work, signal);
      // What the answer names may be read: theirs is no patch's.
      for (const { theirs } of conflicted) if (theirs !== undefined) call.peer.ownBlobs.add(theirs);
      return { session: toWire(session), merged, conflicted };
    },

    "session/decide": async ({ session: id, decisions }, call) => {
      const session = namedSession(store, id, call);
      const { tree } = workspaces.find(session.workspace);
      const { by, signal } = call;
      const ownsBlob = (hash: string) => maySeeBlob(store, hash, call);
      const work = () => staging.decide(session, tree, { decisions, ownsBlob, by, signal });
      const rows = await sessionTurn(id, work, signal);
      return { session: toWire(session), patches: shownPatches(store, rows, call) };
    },
  } satisfies Partial<Handlers>;
}

/** Asked before any id is looked up, as every question of role. */
function assertMayPurge(purge: boolean | undefined, { role }: Call): void {
  if (!purge || role === "reviewer") return;
  throw new IopipeError("NotPermitted", "A proposer may not purge; it may discard.");
}
