/** Handlers of workspace/*. The list is by root, which is its cursor too. */
import type { Workspace } from "../../../protocol/methods/index.ts";
import type { OpenWorkspace } from "../../workspace/opened.ts";
import type { Handlers } from "../call.ts";
import type { Parts } from "./index.ts";
import { DEFAULT_LIMIT } from "./pages.ts";

export function workspaceToWire({ id, root, watch }: OpenWorkspace): Workspace {
  return { id, root, watch: { state: watch.state, warnings: [...watch.warnings] }, clock: watch.clock() };
}

export function workspaceHandlers({ workspaces }: Parts) {
  return {
    "workspace/open": async ({ root }) => ({ workspace: workspaceToWire(await workspaces.open(root)) }),
    "workspace/list": ({ limit = DEFAULT_LIMIT, after = "" }) => {
      const rows = workspaces
        .list()
        .filter(({ root }) => root > after)
        .sort((a, b) => (a.root < b.root ? -1 : 1));
      const page = rows.slice(0, limit);
      const next = rows.length > limit ? page.at(-1)?.root : undefined;
      return { workspaces: page.map(workspaceToWire), ...(next !== undefined && { next }) };
    },
    "workspace/close": async ({ workspace }) => {
      await workspaces.close(workspace);
      return {};
    },
  } satisfies Partial<Handlers>;
}
