/**
 * Requests that change something hold the content that they use until they end, however long they take: it is not
 * collected between the moment that it is put and the one that a row names it.
 * Owns which requests these are; what is held is the store's (holds.ts).
 */
import type { Store } from "../../store/index.ts";
import type { Handlers } from "../call.ts";
import { mutates } from "../mutating.ts";
import { type AnyHandler, wrapAll } from "./wrap.ts";

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
  return wrapAll(handlers, (handler, name) => (mutates(name) ? holding(handler) : handler));
}
