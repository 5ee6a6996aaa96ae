/**
 * Which calls may be sent again when the connection ended before their answer: those that change nothing, and
 * those that are idempotent: workspace/open by its root, layer/close by its session.
 */
import type { MethodName } from "../protocol/methods/index.ts";

const REPEATABLE: ReadonlySet<MethodName> = new Set<MethodName>([
  "initialize",
  "rpc.discover",
  "daemon/status",
  "workspace/open",
  "workspace/list",
  "session/list",
  "session/find",
  "session/get",
  "session/diff",
  "session/check",
  "patch/get",
  "patch/list",
  "file/read",
  "file/list",
  "blob/read",
  "operation/list",
  "operation/get",
  "operation/diff",
  "watch/since",
  "watch/sync",
  // A layer that has ended already is no mistake.
  "layer/close",
]);

/** Whether a call of `name` with `params` may be repeated. */
export function isRepeatable(name: MethodName, params: unknown): boolean {
  // Without `since` it waits for what comes after now, and the event waited for may be what was lost.
  if (name === "session/wait") return (params as { since?: number }).since !== undefined;
  return REPEATABLE.has(name);
}
