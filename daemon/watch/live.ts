/**
 * The machinery that follows a root while it is there: direct watches, the native child, cookies and crawls, all
 * feeding one reconciler.
 * Owns their lifetimes and the proof behind `sync`; begun anew when the root returns. What was recorded outlives it
 * (ledger.ts), and requests come through watch.ts.
 * The proof: hints of directly watched directories are complete once a cookie came out of their queue, unless a burst
 * said otherwise. Whatever that does not cover (beyond the budget, polled, after a loss) is crawled. The native child
 * is never part of a proof: it merges a replaced and then deleted file into nothing, and goes blind in new directories.
 * Failure: every loss is counted and followed by a crawl, with a pause that grows with the crawl's cost.
 */

import path from "node:path";
import { setImmediate } from "node:timers/promises";
import { IopipeError } from "../../protocol/wire/errors.ts";
import { nameOf, parentOf } from "../disk/path.ts";
import { type Audited, openAudit } from "./audit.ts";
import { type Cookies, openCookies } from "./cookies.ts";
import { openDirect } from "./direct.ts";
import type { Ground } from "./examine.ts";
import { openGitWatch } from "./git-watch.ts";
import type { Ignore } from "./ignore.ts";
import type { Ledger } from "./ledger.ts";
import { defaultBudget, limitWarning, queueLength, unreportedFileSystem } from "./limits.ts";
import { startNative } from "./native.ts";
import { openReconciler } from "./reconcile.ts";
import { openRepair } from "./repair.ts";
import { openSight } from "./sight.ts";
import type { WatchLog, WatchStatus } from "./types.ts";
import { unproven } from "./unproven.ts";
import { openUrgent } from "./urgent.ts";
import { deadline } from "./waiting.ts";

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
/** Twice the child's longest debounce, and its start. */
const CHILD_WAIT_MS = 2000;
/** Paths that the log names of what an audit found. */
const LOGGED = 20;
/** Ignored directories that a `sync` looks at. */
const MAX_FOLDED = 1000;

export function openLive(options: LiveOptions): Live {
  const { root, ledger, ignore, log, cookieDir } = options;
  const published = new Set<string>();
  let first = true;
  let child: "starting" | "live" | "down" = "starting";
  let limited = false;
  let unreported: string | undefined;
  let childLosses = 0;
  let judged = Promise.resolve();
  const ended = new AbortController();
  const isClosed = (): boolean => ended.signal.aborted;

  const lost = (reason: string): void => {
    log.warn({ root, reason, losses: repair.losses + 1 }, "Events were lost; the root is crawled.");
    repair.lost();
  };

  /** From now on, as far as there is something that only polling sees. */
  const poll = (): void => {
    repair.poll();
    if (limited || unreported !== undefined) urgent.poll();
  };

  const limit = (): void => {
    const known = limited;
    limited = true;
    poll();
    if (known) return;
    options.changed();
    // How many the root wants is known after the crawl.
    const warn = (): void => options.warnForGood(limitWarning(direct.size + direct.uncovered.size));
    void ready.then(warn, () => {});
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

  /** The rules changed outside the tree, or what is tracked did. */
  const refreshIgnore = (isNews = false): Promise<void> => {
    const refresh = async (): Promise<void> => {
      const isOther = await ignore.refresh();
      if (!(isOther || isNews) || isClosed()) return;
      gitWatch.follow(ignore.files);
      await repair.crawl();
    };
    // One after another: who asks waits for the crawl of who asked before.
    judged = judged.then(refresh, refresh);
    return judged;
  };
  const refreshSoon = (): void => void refreshIgnore().catch(() => {});

  const direct = openDirect(root, options.directBudget ?? defaultBudget(), queueLength(), {
    hint,
    limit,
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
  const isBlind = (): boolean => !cookies.direct || direct.uncovered.size > 0 || unreported !== undefined;
  const repair = openRepair({
    async crawl() {
      const forgetOld = options.renewWarnings();
      await reconciler.crawl();
      forgetOld();
      first = false;
      while (!isClosed() && ledger.table.prune(MAX_TOMBSTONES, PRUNED_AT_ONCE)) await setImmediate();
    },
    polls: () => (limited || unreported !== undefined) && isBlind(),
    changed: options.changed,
  });
  const urgent = openUrgent(ground, {
    isReported: (file) => unreported === undefined && direct.has(parentOf(file)),
    hint: (file) => reconciler.hint(file),
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
      limit,
    },
  );
  const gitWatch = openGitWatch(refreshSoon);
  const stopFollowing = ledger.onChanges((paths) => {
    if (paths.some((file) => nameOf(file) === ".gitignore")) refreshSoon();
  });

  /** Resolves when the direct watches have told what happened before the call; at once where there are none. */
  const heardDirectly = async (signal: AbortSignal): Promise<void> => {
    if (cookies.direct) await cookies.prove(AbortSignal.any([signal, ended.signal]));
  };

  /** Gives the child the time to say what it saw before the call. */
  const hearChild = async (signal: AbortSignal): Promise<void> => {
    const late = deadline(
      CHILD_WAIT_MS,
      () => new Error("The child is late."),
      signal,
      () => signal.reason as Error,
    );
    await native
      .ready(late.signal)
      .then(() => cookies.heardByChild(late.signal))
      .catch(() => {})
      .finally(late.end);
  };

  /** Ignored directories are seen by the child alone. */
  const hearOfIgnored = async (signal: AbortSignal): Promise<void> => {
    const folded = ledger.table.folded(MAX_FOLDED);
    if (folded.length === 0) return;
    await hearChild(signal);
    folded.forEach((directory) => void reconciler.hint(directory));
  };

  const state = (): Live["state"] => {
    if (first) return "crawling";
    if (limited || unreported !== undefined) return "polling";
    if (child === "down" || repair.needed) return "degraded";
    return child === "starting" ? "crawling" : "live";
  };

  const audit = openAudit(
    ground,
    {
      async settle(signal) {
        await heardDirectly(signal);
        if (direct.uncovered.size > 0) await hearChild(signal);
        await reconciler.flush();
        await refreshIgnore();
      },
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
    unreported = await unreportedFileSystem(root);
    if (unreported) {
      options.warnForGood(
        `The root is on ${unreported}, which does not report others' changes; it is polled.`,
      );
    }
    await sight.begin();
    await ignore.refresh();
    if (!isClosed()) gitWatch.follow(ignore.files);
    await repair.crawl();
    poll();
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
      await heardDirectly(signal);
      if (!paths) await hearOfIgnored(signal);
      for (const file of paths ?? []) reconciler.hint(file);
      for (const file of unproven(ignore.exempt(), ledger.table, direct)) reconciler.hint(file);
      if (isBlind() || repair.needed) await repair.crawl();
      await reconciler.flush();
      await refreshIgnore();
      return unreported === undefined;
    },
    judgeAgain: () => void refreshIgnore(true).catch(() => {}),
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
      stopFollowing();
      audit.close();
      repair.close();
      urgent.close();
      gitWatch.close();
      direct.close();
      await Promise.all([native.close(), reconciler.close(gone)]);
      direct.close();
      await cookies.close();
    },
  };
}
