/**
 * Requests that change something hold the content that they use until they end, however long they take: it is not
 * collected between the moment that it is put and the one that a row names it.
 * Owns which requests these are; what is held is the store's (holds.ts).
 */
import type { MethodName } from "../../../protocol/methods/index.ts";
import type { Store } from "../../store/index.ts";
import type { Call, Handlers } from "../call.ts";
import { mutates } from "../mutating.ts";

type AnyHandler = (params: never, call: Call) => unknown;

export function holdingBlobs(handlers: Handlers, { holds }: Store): Handlers {
  const holding =
    (handler: AnyHandler): AnyHandler =>
    async (params, call) => {
      const end = holds.begin();
      try {
        return await handler(params, call);
      } finally {
        end();
      }
    };
  const entries = (Object.entries(handlers) as [MethodName, AnyHandler][]).map(([name, handler]) => [
    name,
    mutates(name) ? holding(handler) : handler,
  ]);
  return Object.fromEntries(entries) as Handlers;
}
