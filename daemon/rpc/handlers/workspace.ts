/** Handlers of workspace/*. The list is by root, which is its cursor too. */
import { isAbsolute } from "node:path";
import type { Policy as WirePolicy, Workspace } from "../../../protocol/methods/index.ts";
import { IopipeError } from "../../../protocol/wire/errors.ts";
import { POLICY_FILE } from "../../staging/index.ts";
import type { Store } from "../../store/index.ts";
import { assertRules } from "../../watch/index.ts";
import type { OpenWorkspace } from "../../workspace/opened.ts";
import { type Policy, policyOf } from "../../workspace/policy/index.ts";
import type { Handlers } from "../call.ts";
import type { Parts } from "./index.ts";
import { DEFAULT_LIMIT, notANext } from "./pages.ts";

export function workspaceToWire({ workspaces }: Store, { id, root, watch }: OpenWorkspace): Workspace {
  const { state, warnings, rules } = watch;
  return {
    id,
    root,
    watch: { state, warnings: [...warnings], ...(rules && { rules }) },
    clock: watch.clock(),
    ...(workspaces.isDisabled(id) && { disabled: true }),
  };
}

function policyToWire({ hash, rules, problem, isTrusted }: Policy): WirePolicy {
  return {
    path: POLICY_FILE,
    trusted: isTrusted,
    ...(hash !== undefined && { hash }),
    ...(rules && { rules }),
    ...(problem !== undefined && { problem }),
  };
}

export function workspaceHandlers({ store, workspaces }: Parts) {
  const toWire = (workspace: OpenWorkspace) => workspaceToWire(store, workspace);
  const disable = (named: string, isDisabled: boolean) => {
    const workspace = workspaces.find(named);
    store.workspaces.disable(workspace.id, isDisabled);
    return { workspace: toWire(workspace) };
  };
  const showPolicy = async (workspace: OpenWorkspace): Promise<{ policy?: WirePolicy }> => {
    const policy = await policyOf(store, workspace);
    return policy ? { policy: policyToWire(policy) } : {};
  };
  return {
    "workspace/open": async ({ root, watch }) => {
      if (watch) assertRules(watch);
      return { workspace: toWire(await workspaces.open(root, watch)) };
    },
    "workspace/list": ({ limit = DEFAULT_LIMIT, after }) => {
      if (after !== undefined && !isAbsolute(after)) throw notANext(after);
      const rows = workspaces
        .list()
        .filter(({ root }) => after === undefined || root > after)
        .sort((a, b) => (a.root < b.root ? -1 : 1));
      const page = rows.slice(0, limit);
      const next = rows.length > limit ? page.at(-1)?.root : undefined;
      return { workspaces: page.map(toWire), ...(next !== undefined && { next }) };
    },
    "workspace/close": async ({ workspace }) => {
      await workspaces.close(workspace);
      return {};
    },
    "workspace/disable": ({ workspace }) => disable(workspace, true),
    "workspace/enable": ({ workspace }) => disable(workspace, false),
    "workspace/policy": ({ workspace }) => showPolicy(workspaces.find(workspace)),
    "workspace/trust": async ({ workspace: named, hash }) => {
      const workspace = workspaces.find(named);
      const policy = await policyOf(store, workspace);
      if (hash !== undefined && policy?.hash !== hash) throw anotherPolicy(policy?.hash, hash);
      store.workspaces.trust(workspace.id, hash);
      return showPolicy(workspace);
    },
  } satisfies Partial<Handlers>;
}

function anotherPolicy(actual: string | undefined, expected: string): IopipeError {
  const fact =
    actual === undefined ? `There is no ${POLICY_FILE} now` : `${POLICY_FILE} has the hash ${actual}`;
  return new IopipeError("DigestMismatch", `${fact}, not ${expected}.`, {
    path: POLICY_FILE,
    expected,
    actual,
    hint: "Look at it again with iopipectl trust.",
  });
}
