/**
 * The machinery that follows a root while it is there: direct watches, the native child, cookies and crawls, all
 * feeding one reconciler.
 * Owns their lifetimes; begun anew when the root returns. What was recorded outlives it (ledger.ts), what is proven of
 * it is proof.ts, and requests come through watch.ts.
 * Failure: every loss is counted and followed by a crawl, with a pause that grows with the crawl's cost.
 */

import path from "node:path";
import { setImmediate } from "node:timers/promises";
import { IopipeError } from "../../protocol/wire/errors.ts";
import { parentOf } from "../disk/path.ts";
import { type Audited, openAudit } from "./audit.ts";
import { type Cookies, openCookies } from "./cookies.ts";
import { openDirect } from "./direct.ts";
import type { Ground } from "./examine.ts";
import type { Ignore } from "./ignore.ts";
import { openJudging } from "./judging.ts";
import type { Ledger } from "./ledger.ts";
import { defaultBudget, queueLength } from "./limits.ts";
import { startNative } from "./native.ts";
import { openPolling, type Polling } from "./polling.ts";
import { openProof } from "./proof.ts";
import { openReconciler } from "./reconcile.ts";
import { openRepair } from "./repair.ts";
import { openSight } from "./sight.ts";
import type { WatchLog, WatchStatus } from "./types.ts";
import { openUrgent } from "./urgent.ts";

export interface Live {
  /** Resolves after the first crawl; rejects when closed before. */
  readonly ready: Promise<void>;
  readonly state: "crawling" | "live" | "degraded" | "polling";
  hint(path: string): void;
  /** Somebody works on a path: it is looked at, and what happens there is to be seen at once. */
  urge(path: string): void;
  /** Brings what was hinted before the call into the table. */
  flush(): Promise<void>;
  /** Own writes of the step under way (examine.ts). */
  readonly published: Set<string>;
  /**
   * Brings everything that happened before the call into the table; false where that cannot be proven. Without `paths`
   * it also waits, not for long, for what the child has to tell of ignored directories.
   */
  prove(paths: readonly string[] | undefined, signal: AbortSignal): Promise<boolean>;
  /** The rules are others: everything is judged by them, soon. */
  judgeAgain(): void;
  /** Compares the table with the disk, and repairs what differs. */
  audit(signal: AbortSignal): Promise<Audited>;
  status(): Omit<WatchStatus, "state" | "subscriptions">;
  close(): Promise<void>;
}

export interface LiveOptions {
  readonly root: string;
  readonly ledger: Ledger;
  readonly ignore: Ignore;
  readonly cookieDir: string;
  readonly log: WatchLog;
  readonly directBudget?: number | undefined;
  readonly auditShare?: number | undefined;
  hidden(path: string): boolean;
  /** A fact about one path, until the next crawl finds it again. */
  warn(message: string): void;
  /** A fact about the root. */
  warnForGood(message: string): void;
  /** Called before a crawl; what it gives, after: forgets facts that the crawl did not find again. */
  renewWarnings(): () => void;
  /** The state may have changed. */
  changed(): void;
  /** The root itself did something. */
  rootStirred(): void;
}

/** Tombstones kept; clients that are further behind look afresh. */
const MAX_TOMBSTONES = 100_000;
const PRUNED_AT_ONCE = 1000;
/** Paths that the log names of what an audit found. */
const LOGGED = 20;

export function openLive(options: LiveOptions): Live {
  const { root, ledger, ignore, log, cookieDir } = options;
  const published = new Set<string>();
  let first = true;
  let child: "starting" | "live" | "down" = "starting";
  let childLosses = 0;
  const ended = new AbortController();
  const isClosed = (): boolean => ended.signal.aborted;

  const lost = (reason: string): void => {
    log.warn({ root, reason, losses: repair.losses + 1 }, "Events were lost; the root is crawled.");
    repair.lost();
  };

  const hint = (file: string, written = false): void => {
    if (file === "") options.rootStirred();
    else reconciler.hint(file, written);
    cookies.beat();
  };

  /** Whether somebody waits for what happens in a directory. */
  const isUrgent = (directory: string): boolean =>
    ignore.high.values().some((file) => parentOf(file) === directory) ||
    ledger.table.children(directory).some(({ path: file }) => ignore.priorityOf(file) === "HIGH");

  /** The child reports what happens in directories that are not covered: those where something does are to be. */
  const heardOf = (file: string): void => {
    // The direct watch has told of it already: looked at all the same, for the child's watches are others.
    if (file !== "" && direct.has(parentOf(file))) {
      reconciler.hintSpare(file);
      cookies.beat();
      return;
    }
    hint(file);
    if (direct.uncovered.size > 0 && ignore.priorityOf(file) !== "LOW") cover(parentOf(file), false);
  };

  const direct = openDirect(root, options.directBudget ?? defaultBudget(), queueLength(), {
    hint,
    limit: () => polling.limit(),
    isUrgent,
    lost: () => lost("the direct queue was about to overflow"),
  });
  const cover = (directory: string, urgent: boolean): void => {
    if (direct.warm(directory, urgent)) reconciler.hint(directory);
  };
  const sight = openSight(root);
  const ground: Ground = {
    root,
    sight,
    ledger,
    ignore,
    direct,
    published,
    hidden: options.hidden,
    warn: options.warn,
  };
  const reconciler = openReconciler(ground, { lost });
  const isBlind = (): boolean => !cookies.direct || direct.uncovered.size > 0 || polling.isUnreported;
  const repair = openRepair({
    async crawl() {
      const forgetOld = options.renewWarnings();
      await reconciler.crawl();
      forgetOld();
      first = false;
      while (!isClosed() && ledger.table.prune(MAX_TOMBSTONES, PRUNED_AT_ONCE)) await setImmediate();
    },
    polls: () => polling.needed && isBlind(),
    changed: options.changed,
  });
  const urgent = openUrgent(ground, {
    isReported: (file) => !polling.isUnreported && direct.has(parentOf(file)),
    hint: (file) => reconciler.hint(file),
  });
  const polling: Polling = openPolling({
    ...{ root, repair, urgent, warnForGood: options.warnForGood, changed: options.changed },
    // Those are known after the crawl.
    directories: () => ready.then(() => direct.size + direct.uncovered.size),
  });
  const cookies: Cookies = openCookies(cookieDir, {
    lost() {
      childLosses += 1;
      // Where the direct watches see everything, the child's losses lose nothing but counts.
      if (direct.uncovered.size > 0) lost("a cookie did not come back");
    },
    stalled() {
      childLosses += 1;
      native.replace("no cookie came back");
    },
    moved: () => native.replace("the directory of its cookies was taken away"),
  });
  const childIs = (now: "live" | "down"): void => {
    child = now;
    cookies.childChanged(now === "live");
    if (now === "live" && direct.uncovered.size > 0) repair.crawlSoon();
    options.changed();
  };
  const native = startNative(
    { root, cookieDir, ignored: [path.join(root, ".git")], log },
    {
      hints: (paths) => paths.forEach(heardOf),
      cookies: cookies.seenByChild,
      ready: () => childIs("live"),
      down: () => childIs("down"),
      limit: polling.limit,
    },
  );
  const judging = openJudging({ ledger, ignore, crawl: () => repair.crawl() });
  const proof = openProof({
    ...{ ground, cookies, native, reconciler, repair, isBlind },
    isUnreported: () => polling.isUnreported,
    judge: () => judging.judge(),
    ended: ended.signal,
  });

  const state = (): Live["state"] => {
    if (first) return "crawling";
    if (polling.needed) return "polling";
    if (child === "down" || repair.needed) return "degraded";
    return child === "starting" ? "crawling" : "live";
  };

  const audit = openAudit(
    ground,
    {
      settle: proof.settle,
      isCalm: () => state() === "live",
      async found(differences, inPassing) {
        const paths = differences.slice(0, LOGGED).map(({ path: file }) => file);
        log.warn({ root, paths, count: differences.length }, "The audit found differences from the disk.");
        for (const { path: file } of differences) reconciler.hint(file);
        await reconciler.flush();
        if (inPassing) repair.lost(differences.length);
        else repair.madeGood(differences.length);
      },
    },
    options.auditShare,
  );

  const begin = async (): Promise<void> => {
    await polling.begin();
    await sight.begin();
    await judging.begin();
    await repair.crawl();
    polling.poll();
    if (!isClosed()) audit.begin();
  };
  const ready = begin();
  ready.catch(() => {});

  return {
    ready,
    get state() {
      return state();
    },
    hint,
    urge(file) {
      hint(file);
      cover(parentOf(file), true);
    },
    flush: reconciler.flush,
    published,
    async prove(paths, signal) {
      await ready;
      return await proof.prove(paths, signal);
    },
    judgeAgain: () => void judging.judge(true).catch(() => {}),
    audit: audit.now,
    status: () => ({
      directories: direct.size + direct.uncovered.size,
      direct: direct.size,
      childPid: native.pid,
      childRestarts: native.restarts,
      losses: repair.losses,
      childLosses,
      auditPasses: audit.passes,
      auditDifferences: audit.differences,
      crawls: repair.crawls,
      lastCrawlMs: repair.lastCrawlMs,
    }),
    async close() {
      const gone = new IopipeError("WatchFailed", `The root ${root} became another directory meanwhile.`);
      ended.abort(gone);
      judging.close();
      audit.close();
      repair.close();
      urgent.close();
      direct.close();
      await Promise.all([native.close(), reconciler.close(gone)]);
      direct.close();
      await cookies.close();
    },
  };
}
