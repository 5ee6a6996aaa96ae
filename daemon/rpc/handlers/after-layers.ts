/**
 * Whoever asks for a session that a command is writing into is shown what it has written so far: its layer is staged
 * before the request is answered. A layer that nobody is in any more ends then.
 * Owns which requests these are; staging a layer is daemon/workspace's.
 */
import type { MethodName } from "../../../protocol/methods/index.ts";
import type { Call, Handlers } from "../call.ts";
import type { Parts } from "./index.ts";
import { type AnyHandler, type Naming, wrapAll } from "./wrap.ts";

/** By session, or by a patch of it. */
const OF_ONE: ReadonlySet<MethodName> = new Set<MethodName>([
  "session/get",
  "session/diff",
  "session/check",
  "session/submit",
  "session/apply",
  "session/rebase",
  "session/verify",
  "patch/apply",
  "file/read",
  "file/list",
]);

/** By workspace, or of all of them. */
const OF_ALL: ReadonlySet<MethodName> = new Set<MethodName>(["session/list", "patch/list"]);

export function afterLayers(handlers: Handlers, { store, workspaces, layers }: Parts): Handlers {
  const sessionOf = ({ session, patch = "" }: Naming): string =>
    session ?? store.patches.get(patch)?.session ?? "";
  const look = async (name: MethodName, session: string, signal: AbortSignal): Promise<void> => {
    try {
      await layers.look(session, signal);
    } catch (error) {
      // The answer says itself that what a command wrote stands unstaged.
      if (name !== "session/get" || store.layers.get(session)?.problem === undefined) throw error;
    }
  };
  const before = (name: MethodName, params: Naming, { signal }: Call): Promise<void> => {
    if (OF_ONE.has(name)) return look(name, sessionOf(params), signal);
    const { workspace } = params;
    return layers.lookAtAll(workspace === undefined ? undefined : workspaces.find(workspace).id);
  };
  // Without any layer a handler starts at once, so that requests start in their order.
  const looking =
    (name: MethodName, handler: AnyHandler): AnyHandler =>
    (params, call) =>
      store.layers.any()
        ? before(name, params, call).then(() => handler(params, call))
        : handler(params, call);
  return wrapAll(handlers, (handler, name) =>
    OF_ONE.has(name) || OF_ALL.has(name) ? looking(name, handler) : handler,
  );
}
