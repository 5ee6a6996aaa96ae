/** Handlers of watch/*: a workspace's observed changes. */
import { assertGlobs, type Batch, type Filter, type RootWatch } from "../../watch/index.ts";
import type { Handlers, Peer } from "../call.ts";
import type { Parts } from "./index.ts";
import { endSubscription, newSubscription } from "./subscriptions.ts";

/** Changes of one answer to watch/since. */
const MAX_CHANGES = 1000;

/** Differences in one answer to watch/audit: some megabytes, were all their paths long. */
const MAX_DIFFERENCES = 20_000;

/** What a caller who names no time waits for the barrier. */
const SYNC_TIMEOUT_MS = 30_000;

export function watchHandlers({ workspaces }: Parts) {
  /** By connection and watch, what hurries its subscriptions on. */
  const flushes = new WeakMap<Peer, Map<RootWatch, Set<() => void>>>();
  const flushesOf = (peer: Peer, watch: RootWatch): Set<() => void> => {
    const own = flushes.get(peer) ?? new Map<RootWatch, Set<() => void>>();
    const set = own.get(watch) ?? new Set();
    flushes.set(peer, own.set(watch, set));
    return set;
  };
  return {
    "watch/subscribe": async ({ workspace, ...spec }, { peer, signal }) => {
      refuseBadGlobs(spec);
      const { watch } = workspaces.find(workspace);
      const subscription = newSubscription(peer);
      const deliver = (batch: Batch) => peer.notify("watch/changes", { subscription, ...batch });
      const { clock, fresh, start, flush, close } = await watch.subscribe(spec, deliver, signal);
      if (signal.aborted) close();
      signal.throwIfAborted();
      const own = flushesOf(peer, watch);
      own.add(flush);
      peer.subscriptions.set(subscription, () => {
        own.delete(flush);
        close();
      });
      // The peer holds back what names a subscription until its answer is on the way.
      start();
      return { subscription, clock, fresh };
    },
    "watch/unsubscribe": ({ subscription }, { peer }) => endSubscription(peer, subscription),
    "watch/since": ({ workspace, clock, ...filter }, { signal }) => {
      refuseBadGlobs(filter);
      return workspaces.find(workspace).watch.since(clock, filter, MAX_CHANGES, signal);
    },
    "watch/sync": async ({ workspace, paths, timeoutMs = SYNC_TIMEOUT_MS }, { peer, signal }) => {
      const { watch } = workspaces.find(workspace);
      const proven = await watch.sync(paths, timeoutMs, signal);
      for (const flush of flushesOf(peer, watch)) flush();
      return proven;
    },
    "watch/audit": async ({ workspace }, { signal }) => {
      const { differences, ...audited } = await workspaces.find(workspace).watch.audit(signal);
      return { ...audited, differences: differences.slice(0, MAX_DIFFERENCES), total: differences.length };
    },
  } satisfies Partial<Handlers>;
}

function refuseBadGlobs({ include, exclude, lanes = {} }: Filter): void {
  const { high, med, low } = lanes;
  assertGlobs({ include, exclude, "lanes.high": high, "lanes.med": med, "lanes.low": low });
}
