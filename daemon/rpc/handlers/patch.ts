/** Handlers of patch/stage, patch/get, patch/list and file/*. */

import type { Patch } from "../../../protocol/methods/index.ts";
import type { Tree } from "../../disk/index.ts";
import { sessionToWire } from "../../staging/index.ts";
import type { SessionRow } from "../../store/index.ts";
import type { Call, Handlers } from "../call.ts";
import type { Parts } from "./index.ts";
import { pageOf } from "./pages.ts";
import { maySeeBlob, namedSession, shownPatches, visiblePatch, visibleSessions } from "./views.ts";

export function patchHandlers({ store, staging, workspaces, sessionTurn }: Parts) {
  /** The session named and its workspace's tree. */
  const inTree = (id: string, call: Call): { session: SessionRow; tree: Tree } => {
    const session = namedSession(store, id, call);
    return { session, tree: workspaces.find(session.workspace).tree };
  };
  return {
    "patch/stage": async ({ session: id, changes }, call) => {
      const { session, tree } = inTree(id, call);
      const mayUse = (hash: string) => maySeeBlob(store, hash, call);
      const { by, signal } = call;
      const work = () => staging.stage(session, tree, { changes, ownsBlob: mayUse, by, signal });
      const { patches, warnings } = await sessionTurn(id, work, call.signal);
      return {
        session: sessionToWire(store, session),
        patches: shownPatches(store, patches, call),
        warnings,
      };
    },
    "patch/get": ({ patch: id }, call) => {
      const [patch] = shownPatches(store, [visiblePatch(store, id, call)], call) as [Patch];
      return { patch };
    },
    "patch/list": ({ workspace: named, path, state, ...asked }, call) => {
      const workspace = workspaces.find(named).id;
      const query = { workspace, path, state, sessions: visibleSessions(call) };
      const { rows, ...more } = pageOf(asked, (page) => store.patches.list(query, page));
      return { patches: shownPatches(store, rows, call), ...more };
    },
    "file/read": (params, call) => {
      const { session, tree } = inTree(params.session, call);
      return staging.readFile(session, tree, params);
    },
    "file/list": (params, call) => {
      const { session, tree } = inTree(params.session, call);
      return staging.listFiles(session, tree, params);
    },
  } satisfies Partial<Handlers>;
}
