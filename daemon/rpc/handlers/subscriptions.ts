/** A connection's subscriptions, of either sort: their ids, their number, their end. */
import { randomUUID } from "node:crypto";
import { IopipeError } from "../../../protocol/wire/errors.ts";
import type { Peer } from "../call.ts";

/** Each is woken by every change or event; no client we know needs more. */
const MAX_SUBSCRIPTIONS = 256;

/** An id for a new one. @throws {IopipeError} TooLarge where the connection has too many */
export function newSubscription({ subscriptions }: Peer): string {
  if (subscriptions.size < MAX_SUBSCRIPTIONS) return randomUUID();
  throw new IopipeError("TooLarge", `This connection has ${MAX_SUBSCRIPTIONS} subscriptions.`, {
    limit: MAX_SUBSCRIPTIONS,
    hint: "End some of them first; one may follow a whole workspace.",
  });
}

/** Ends one. @throws {IopipeError} SubscriptionNotFound */
export function endSubscription({ subscriptions }: Peer, subscription: string): Record<string, never> {
  const end = subscriptions.get(subscription);
  if (!end) {
    throw new IopipeError("SubscriptionNotFound", `This connection has no subscription ${subscription}.`);
  }
  subscriptions.delete(subscription);
  end();
  return {};
}
