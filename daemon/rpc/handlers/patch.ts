/** Handlers of patch/stage, patch/get, patch/list and file/*. */

import type { Tree } from "../../disk/index.ts";
import { patchToWire, sessionToWire } from "../../staging/index.ts";
import type { SessionRow } from "../../store/index.ts";
import type { Call, Handlers } from "../call.ts";
import type { Parts } from "./index.ts";
import { pageOf } from "./pages.ts";
import { maySeeBlob, namedSession, visiblePatch, visibleSessions } from "./views.ts";

export function patchHandlers({ store, staging, workspaces, sessionTurn }: Parts) {
  /** The session named and its workspace's tree, after recovery. */
  const inTree = async (id: string, call: Call): Promise<{ session: SessionRow; tree: Tree }> => {
    const session = namedSession(store, id, call);
    const { tree, recovered } = workspaces.find(session.workspace);
    await recovered();
    return { session, tree };
  };
  return {
    "patch/stage": async ({ session: id, changes }, call) => {
      const { session, tree } = await inTree(id, call);
      const mayUse = (hash: string) => maySeeBlob(store, hash, call);
      const work = () => staging.stage(session, tree, { changes, ownsBlob: mayUse, by: call.by });
      const { patches, warnings } = await sessionTurn(id, work, call.signal);
      return { session: sessionToWire(store, session), patches: patches.map(patchToWire), warnings };
    },
    "patch/get": ({ patch }, call) => ({ patch: patchToWire(visiblePatch(store, patch, call)) }),
    "patch/list": ({ workspace: named, path, state, ...asked }, call) => {
      const workspace = workspaces.find(named).id;
      const query = { workspace, path, state, sessions: visibleSessions(call) };
      const { rows, ...more } = pageOf(asked, (page) => store.patches.list(query, page));
      return { patches: rows.map(patchToWire), ...more };
    },
    "file/read": async (params, call) => {
      const { session, tree } = await inTree(params.session, call);
      return staging.readFile(session, tree, params);
    },
    "file/list": async (params, call) => {
      const { session, tree } = await inTree(params.session, call);
      return staging.listFiles(session, tree, params);
    },
  } satisfies Partial<Handlers>;
}
