/**
 * Requests about a workspace wait until what a crash left open there is recovered: no answer tells of what is about to
 * be completed or taken back, and no change to a session comes in between.
 * Owns which workspace a request is about; recovering is daemon/workspace's. An absent root ends it at once, and delays
 * nobody.
 * INVARIANT: without a recovery under way a handler starts at once, so that requests start in their order.
 */
import type { Handlers } from "../call.ts";
import type { Parts } from "./index.ts";
import { type Naming, wrapAll } from "./wrap.ts";

export function afterRecovery(handlers: Handlers, { store, workspaces }: Parts): Handlers {
  const idOf = ({ session = "", patch = "", operation = "" }: Naming): string | undefined => {
    const row = store.sessions.get(session) ?? store.patches.get(patch) ?? store.operations.get(operation);
    return row?.workspace;
  };
  const recoveryFor = (params: Naming): Promise<void> | undefined => {
    const recovering = workspaces.list().filter((each) => each.recovering);
    if (recovering.length === 0) return undefined;
    const ref = params.workspace ?? idOf(params);
    return recovering.find(({ id, root }) => id === ref || root === ref)?.recovering;
  };
  return wrapAll(
    handlers,
    (handler) => (params, call) =>
      recoveryFor(params)?.then(() => handler(params, call)) ?? handler(params, call),
  );
}
