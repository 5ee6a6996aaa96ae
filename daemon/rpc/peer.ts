/**
 * A peer: what handlers know of one connection, and how notifications reach it.
 * Owns the order of a subscription's answer and its notifications. Bytes and bounds are outbox.ts.
 * INVARIANT: no notification of a subscription leaves before the answer that names it.
 */
import type { Role } from "../../protocol/wire/index.ts";
import type { Log, Peer } from "./call.ts";
import type { Outbox } from "./outbox.ts";

/** A peer, with what only its connection does to it. */
export interface OwnedPeer extends Peer {
  /** Lets the notifications of the subscription go that `result` names, if it does; call when the answer is queued. */
  answered(result: unknown): void;
  /** Ends the subscriptions and calls the listeners, once. */
  close(): void;
}

export function createPeer(id: number, role: Role, outbox: Outbox, log: Log): OwnedPeer {
  const gate = createGate();
  const subscriptions = new Map<string, () => void>();
  const listeners: (() => void)[] = [];
  let closed = false;

  const attempt = (listener: () => void): void => {
    try {
      listener();
    } catch (error) {
      log.error({ peer: id, err: error }, "a listener failed at the end of a connection");
    }
  };

  return {
    id,
    role,
    name: undefined,
    knownSessions: new Set(),
    ownBlobs: new Set(),
    subscriptions,
    notify(method, params) {
      const send = (): Promise<void> => {
        if (!closed) outbox.send([Buffer.from(JSON.stringify({ jsonrpc: "2.0", method, params }))]);
        return outbox.caughtUp();
      };
      const { subscription } = params as { subscription?: string };
      if (closed || subscription === undefined) return send();
      return gate.pass(subscription, send);
    },
    onClose(listener) {
      if (closed) attempt(listener);
      else listeners.push(listener);
    },
    answered(result) {
      const subscription = (result as { subscription?: unknown } | null | undefined)?.subscription;
      if (typeof subscription !== "string") return;
      gate.keepOnly((other) => subscriptions.has(other));
      gate.open(subscription);
    },
    close() {
      if (closed) return;
      closed = true;
      for (const end of [...subscriptions.values(), ...listeners]) attempt(end);
      subscriptions.clear();
      gate.openAll();
    },
  };
}

/** Holds what is sent under a name until that name is opened, and keeps its order. */
function createGate() {
  const opened = new Set<string>();
  const held = new Map<string, (() => void)[]>();
  const open = (name: string): void => {
    opened.add(name);
    const sends = held.get(name) ?? [];
    held.delete(name);
    for (const send of sends) send();
  };
  return {
    pass(name: string, send: () => Promise<void>): Promise<void> {
      if (opened.has(name)) return send();
      return new Promise((resolve) => {
        const sends = held.get(name) ?? [];
        sends.push(() => resolve(send()));
        held.set(name, sends);
      });
    },
    open,
    openAll: () => [...held.keys()].forEach(open),
    keepOnly(wanted: (name: string) => boolean): void {
      for (const name of opened) if (!wanted(name)) opened.delete(name);
    },
  };
}
