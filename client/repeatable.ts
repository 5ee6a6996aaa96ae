/**
 * Which calls may be sent again when the connection ended before their answer: those that change nothing, and
 * those that are idempotent. Owns the table; it is exhaustive, so that a new method must be put on one side.
 */
import type { MethodName } from "../protocol/methods/index.ts";

const REPEATABLE: Readonly<Record<MethodName, boolean>> = {
  initialize: true,
  "rpc.discover": true,
  "daemon/status": true,
  "daemon/stop": false,
  // What went the first time would not be told of.
  "daemon/gc": false,
  "daemon/examine": true,
  // Idempotent by its root.
  "workspace/open": true,
  "workspace/list": true,
  "workspace/close": false,
  "workspace/disable": false,
  "workspace/enable": false,
  "workspace/policy": true,
  "workspace/trust": false,
  "session/open": false,
  "session/find": true,
  "session/list": true,
  "session/get": true,
  "session/submit": false,
  // See isRepeatable.
  "session/wait": false,
  "session/diff": true,
  "session/check": true,
  "session/apply": false,
  "session/discard": false,
  "session/restore": false,
  "session/rebase": false,
  "session/decide": false,
  // Commands are not run twice unasked.
  "session/verify": false,
  "session/verdicts": true,
  "patch/stage": false,
  "patch/get": true,
  "patch/list": true,
  "patch/apply": false,
  "patch/discard": false,
  "file/read": true,
  "file/list": true,
  "blob/write": false,
  "blob/commit": false,
  "blob/read": true,
  "operation/list": true,
  "operation/get": true,
  "operation/diff": true,
  "operation/undo": false,
  "operation/resolve": false,
  "layer/open": false,
  // Idempotent by its session: a layer that has ended already is no mistake.
  "layer/close": true,
  // Of the connection that ended; subscription.ts begins them anew.
  "watch/subscribe": false,
  "watch/unsubscribe": false,
  "watch/since": true,
  // What it put right the first time would not be told of.
  "watch/audit": false,
  "watch/sync": true,
  "events/subscribe": false,
  "events/unsubscribe": false,
};

/** Whether a call of `name` with `params` may be repeated. */
export function isRepeatable(name: MethodName, params: unknown): boolean {
  // Without `since` it waits for what comes after now, and the event waited for may be what was lost.
  if (name === "session/wait") return (params as { since?: number }).since !== undefined;
  return REPEATABLE[name] === true;
}
