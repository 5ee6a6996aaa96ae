/**
 * Repair: crawls that make good for what was lost or cannot be watched.
 * Owns the count of losses and the timers between crawls. What counts as a loss is said by those who see it; the crawl
 * itself is reconcile.ts.
 * Invariant: a loss is repaired by a crawl that began after it.
 * Time: the first repair at once, further ones and polling after a pause of twenty times a crawl's cost, so that they
 * take at most a twentieth of a core.
 */

export interface Repair {
  readonly losses: number;
  /** Something was lost that no crawl has made good for yet. */
  readonly needed: boolean;
  readonly crawls: number;
  readonly lastCrawlMs: number;
  /** Events were lost, or may have been. */
  lost(count?: number): void;
  /** So many changes had been lost, and are made good for. */
  madeGood(count: number): void;
  /** Looks at everything from now on. */
  crawl(): Promise<void>;
  crawlSoon(): void;
  /** Crawls from time to time, as long as `poll` in the hooks says so. */
  poll(): void;
  close(): void;
}

export interface RepairHooks {
  crawl(): Promise<void>;
  /** Whether there is still something that only polling sees. */
  polls(): boolean;
  changed(): void;
}

const CRAWL_SHARE = 20;
const SHORTEST_POLL_MS = 1000;

export function openRepair(hooks: RepairHooks): Repair {
  let losses = 0;
  let repaired = 0;
  let crawls = 0;
  let lastCrawlMs = 0;
  let closed = false;
  let repairTimer: NodeJS.Timeout | undefined;
  let pollTimer: NodeJS.Timeout | undefined;

  const crawl = async (): Promise<void> => {
    const before = losses;
    const startedAt = performance.now();
    await hooks.crawl();
    crawls += 1;
    lastCrawlMs = Math.round(performance.now() - startedAt);
    repaired = Math.max(repaired, before);
    hooks.changed();
  };

  // Whoever failed it has been told; what stays lost is crawled for again.
  const crawlSoon = (): void => void crawl().catch(() => {});

  const poll = (): void => {
    if (pollTimer || closed || !hooks.polls()) return;
    pollTimer = setTimeout(
      async () => {
        await crawl().catch(() => {});
        pollTimer = undefined;
        poll();
      },
      Math.max(SHORTEST_POLL_MS, lastCrawlMs * CRAWL_SHARE),
    ).unref();
  };

  return {
    get losses() {
      return losses;
    },
    get needed() {
      return losses > repaired;
    },
    get crawls() {
      return crawls;
    },
    get lastCrawlMs() {
      return lastCrawlMs;
    },
    madeGood(count) {
      losses += count;
      repaired += count;
    },
    lost(count = 1) {
      const isFirst = losses === 0;
      losses += count;
      hooks.changed();
      if (repairTimer || closed) return;
      repairTimer = setTimeout(
        () => {
          repairTimer = undefined;
          crawlSoon();
        },
        isFirst ? 0 : Math.max(SHORTEST_POLL_MS, lastCrawlMs * CRAWL_SHARE),
      ).unref();
    },
    crawl,
    crawlSoon,
    poll,
    close() {
      closed = true;
      clearTimeout(repairTimer);
      clearTimeout(pollTimer);
    },
  };
}
