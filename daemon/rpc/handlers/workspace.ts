/** Handlers of workspace/*. */
import type { Workspace } from "../../../protocol/methods/index.ts";
import type { OpenWorkspace } from "../../workspace/opened.ts";
import type { Handlers } from "../call.ts";
import type { Parts } from "./index.ts";
import { pageOf } from "./pages.ts";

export function workspaceToWire({ id, root, watch }: OpenWorkspace): Workspace {
  return { id, root, watch: { state: watch.state, warnings: [...watch.warnings] }, clock: watch.clock() };
}

export function workspaceHandlers({ workspaces }: Parts) {
  return {
    "workspace/open": async ({ root }) => ({ workspace: workspaceToWire(await workspaces.open(root)) }),
    "workspace/list": (params) => {
      const { rows, next } = pageOf(workspaces.list(), params, ({ id }) => id);
      return { workspaces: rows.map(workspaceToWire), ...(next !== undefined && { next }) };
    },
    "workspace/close": async ({ workspace }) => {
      await workspaces.close(workspace);
      return {};
    },
  } satisfies Partial<Handlers>;
}
