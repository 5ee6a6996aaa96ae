/**
 * Which methods change something: what outlives its connection and what a stopping daemon finishes first.
 * Owns the table; it is exhaustive, so that a new method must be put on one side.
 */
import type { MethodName } from "../../protocol/methods/index.ts";

const MUTATES: Readonly<Record<MethodName, boolean>> = {
  initialize: false,
  "rpc.discover": false,
  "daemon/status": false,
  "daemon/stop": true,
  // Ends after any slice: nothing that a stopping daemon waits for.
  "daemon/gc": false,
  "daemon/examine": false,
  "workspace/open": true,
  "workspace/list": false,
  "workspace/close": true,
  "workspace/disable": true,
  "workspace/enable": true,
  "workspace/policy": false,
  "workspace/trust": true,
  "session/open": true,
  "session/find": false,
  "session/list": false,
  "session/get": false,
  "session/submit": true,
  "session/wait": false,
  "session/diff": false,
  "session/check": false,
  "session/apply": true,
  "session/discard": true,
  "session/restore": true,
  "session/rebase": true,
  "session/decide": true,
  // Ends with whoever asked; what is recorded is recorded at once.
  "session/verify": false,
  "session/verdicts": false,
  "patch/stage": true,
  "patch/get": false,
  "patch/list": false,
  "patch/apply": true,
  "patch/discard": true,
  "file/read": false,
  "file/list": false,
  "blob/write": true,
  "blob/commit": true,
  "blob/read": false,
  "operation/list": false,
  "operation/get": false,
  "operation/diff": false,
  "operation/undo": true,
  "operation/resolve": true,
  "layer/open": true,
  "layer/close": true,
  "watch/subscribe": false,
  "watch/unsubscribe": false,
  "watch/since": false,
  "watch/audit": false,
  "watch/sync": false,
  "events/subscribe": false,
  "events/unsubscribe": false,
};

/** Whether `method` changes anything beyond its own connection; false for an unknown one. */
export function mutates(method: string): boolean {
  return Object.hasOwn(MUTATES, method) && MUTATES[method as MethodName];
}
