/**
 * `iopipe/protocol`: the contract as values, for tools that check or generate (schemas carry zod).
 */
export * from "./methods/index.ts";
export type { Method, Notification } from "./methods/method.ts";
export { openrpc } from "./openrpc.ts";
export * from "./wire/index.ts";
