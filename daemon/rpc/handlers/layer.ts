/** Handlers of layer/*: a command that runs over a workspace, and the session that is made of what it writes. */
import { sessionToWire } from "../../staging/index.ts";
import type { Handlers } from "../call.ts";
import type { Parts } from "./index.ts";
import { namedSession } from "./views.ts";

/** What could not be staged is told by name up to here. */
const MAX_TOLD = 1000;

export function layerHandlers({ store, workspaces, layers }: Parts) {
  return {
    "layer/open": async ({ workspace, ...options }, call) => {
      const { session, uncovered, ...opened } = await layers.open(workspaces.find(workspace), options, call);
      call.peer.onClose(() => layers.abandoned(session.id));
      const named = sessionToWire(store, namedSession(store, session.id, call));
      return { session: named, ...(uncovered.length > 0 && { uncovered: [...uncovered] }), ...opened };
    },
    "layer/close": async ({ session: id, ...options }, call) => {
      const session = namedSession(store, id, call);
      const { by, signal, progress } = call;
      const { unstaged, conflicted } = await layers.close(session, { ...options, by, signal, progress });
      return {
        session: sessionToWire(store, session),
        unstaged: unstaged.slice(0, MAX_TOLD),
        conflicted: [...conflicted],
      };
    },
  } satisfies Partial<Handlers>;
}
