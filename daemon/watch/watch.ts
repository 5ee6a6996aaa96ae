/**
 * Watching one root: ties the table, the ignoring, the machinery of a present root and the subscriptions together, and
 * answers the workspace layer (types.ts).
 * Owns the answers and the subscriptions. The root's absence and return are life.ts, how changes are found is live.ts,
 * and what they are called is history.ts.
 * Failure: while the root is absent, questions end with RootGone; what was recorded stays, and the crawl after its
 * return finds the difference.
 */

import type { BigIntStats } from "node:fs";
import { IopipeError } from "../../protocol/wire/errors.ts";
import { checkPath } from "../disk/path.ts";
import { openClock, type Position } from "./clock.ts";
import { compare, type Difference } from "./compare.ts";
import { type Selection, selectionOf } from "./filter.ts";
import { firstAfter, type Moment, momentOf } from "./from-now.ts";
import { gitAtRest } from "./git-lock.ts";
import { newsOf, pageAfter } from "./history.ts";
import { openIgnore } from "./ignore.ts";
import { openLedger } from "./ledger.ts";
import { openLife } from "./life.ts";
import type { Live } from "./live.ts";
import { seen } from "./look.ts";
import { BATCH, type Cursor, openCursor, type Reader } from "./subscriptions.ts";
import type { Batch, Page, RootWatch, SubscribeSpec, Subscription, WatchOptions } from "./types.ts";
import { deadline, until } from "./waiting.ts";

/** The longest that a question without a time limit of its own waits for a crawl. */
const LONGEST_WAIT_MS = 3_600_000;

/** A number that a page's `limit` may not exceed. */
const LARGEST_PAGE = 10_000;

/** Starts watching a root; answers at once, the crawl goes on behind. */
export function watchRoot(options: WatchOptions): RootWatch {
  const { root, workspace } = options;
  const table = options.table.root(workspace);
  const clock = openClock(workspace, table, options.counters);
  const ledger = openLedger(table, clock);
  const ignore = openIgnore(root);
  let { rules = {} } = options;
  ignore.setRules(rules);
  const life = openLife({ ...options, ledger, ignore });
  const history = { ledger, clock, ignore };
  const cursors = new Map<Cursor, Selection>();
  let ended: IopipeError | undefined;
  ledger.onChanges((paths) => {
    if (cursors.size === 0) return;
    const urgent = paths.filter((path) => ignore.priorityOf(path) === "HIGH");
    for (const [cursor, { laneOf }] of cursors) {
      const own = laneOf ? paths.filter((path) => laneOf(path) === "HIGH") : [];
      cursor.wake([...urgent, ...own]);
    }
  });

  const isStill = async (live: Live): Promise<boolean> => {
    await life.look();
    return (await life.present()) === live;
  };

  /**
   * Does `work` with a present, crawled root; begins again where another directory took its place meanwhile: what was
   * found out about one that is no longer the root is no answer.
   */
  const attempt = async <T>(
    work: (live: Live, signal: AbortSignal) => Promise<T>,
    limit: AbortSignal,
  ): Promise<T> => {
    for (;;) {
      const live = await until(life.present(), limit);
      try {
        await until(live.ready, limit);
        const result = await until(work(live, limit), limit);
        if (await until(isStill(live), limit)) return result;
      } catch (error) {
        if (await until(isStill(live), limit)) throw error;
      }
    }
  };

  /** The same, no longer than the time allows. */
  const withRoot = async <T>(
    work: (live: Live, signal: AbortSignal) => Promise<T>,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<T> => {
    const limit = deadline(
      timeoutMs,
      () => timedOut(root, timeoutMs),
      signal,
      () => cancelled(root),
    );
    try {
      return await attempt(work, limit.signal);
    } catch (error) {
      throw limit.signal.aborted ? error : (ended ?? error);
    } finally {
      limit.end();
    }
  };

  /** Lists ignored directories from now on that an include names. */
  const openUp = async (live: Live, { prefixes }: Selection): Promise<void> => {
    const news = [...prefixes].filter(
      (prefix) => !life.hidden(prefix) && ignore.foldOf(prefix, true) !== undefined && ignore.openUp(prefix),
    );
    for (const prefix of news) live.hint(prefix);
    if (news.length > 0) await live.flush();
  };

  /** Where a subscription begins that has no position: at the call; at the end of history with an unknown clock. */
  const beginning = async ({ since }: SubscribeSpec, called: Moment): Promise<number> =>
    since === undefined ? firstAfter(table, called, () => clock.last) : clock.last;

  const readerOf = (selection: Selection, waitForGit: boolean, end: () => void): Reader => ({
    async read(position) {
      if (position.seq < table.horizon) return undefined;
      const { position: next, more, ...page } = await pageAfter(history, position, selection, BATCH);
      return { batch: { ...page, fresh: false }, position: next, more };
    },
    lost() {
      const position = at(clock.last);
      return { batch: { clock: clock.write(position.seq), fresh: true, changes: [] }, position };
    },
    ahead(position, paths) {
      // One page has all of it.
      if (clock.last - position.seq <= BATCH || position.seq < table.horizon) return undefined;
      const changes = newsOf(history, position, selection, paths);
      return { clock: clock.write(position.seq, position.base), fresh: false, changes };
    },
    async rest(signal) {
      const { gitDir } = ignore;
      if (waitForGit && gitDir !== undefined) await gitAtRest(gitDir, signal);
    },
    failed(error) {
      end();
      options.log.warn(
        { root, error: error.message },
        "A subscription ended: its changes could not be delivered.",
      );
    },
  });

  return {
    get state() {
      return life.state;
    },
    get warnings() {
      return life.warnings;
    },
    clock: () => clock.write(clock.last),
    since: (text, filter, limit, signal) =>
      withRoot(
        async (live): Promise<Page> => {
          const selection = selectionOf(filter);
          await openUp(live, selection);
          const position = text === undefined ? undefined : clock.read(text);
          const { position: _, ...page } = await pageAfter(
            history,
            position,
            selection,
            Math.min(limit, LARGEST_PAGE),
          );
          return page;
        },
        LONGEST_WAIT_MS,
        signal,
      ),
    async sync(paths, timeoutMs, signal) {
      for (const path of paths ?? []) checkPath(path);
      return withRoot(
        async (live, limit) => {
          const verified = await live.prove(paths, limit);
          return { clock: clock.write(clock.last), verified };
        },
        timeoutMs,
        signal,
      );
    },
    audit: (signal) =>
      withRoot(
        async (live, limit) => ({ ...(await live.audit(limit)), clock: clock.write(clock.last) }),
        LONGEST_WAIT_MS,
        signal,
      ),
    async subscribe(
      spec: SubscribeSpec,
      deliver: (batch: Batch) => Promise<void> | void,
      signal,
    ): Promise<Subscription> {
      const selection = selectionOf(spec);
      const called = momentOf(clock.last);
      const known = spec.since === undefined ? undefined : clock.read(spec.since);
      await withRoot((live) => openUp(live, selection), LONGEST_WAIT_MS, signal);
      const from = known ?? at(await beginning(spec, called));
      const reader = readerOf(selection, spec.waitForGit ?? false, () => cursors.delete(cursor));
      const cursor: Cursor = openCursor(from, spec.settleMs ?? 0, reader, deliver);
      cursors.set(cursor, selection);
      return {
        clock: clock.write(from.seq, from.base),
        fresh: spec.since !== undefined && !known,
        start: cursor.start,
        flush: cursor.flush,
        close() {
          cursors.delete(cursor);
          cursor.close();
        },
      };
    },
    published(path, operation, stat) {
      if (life.hidden(path)) return;
      life.live?.published.add(path);
      ledger.write(() => publish(path, { operation }, stat));
    },
    setHigh(paths, among) {
      for (const path of ignore.setHigh(paths, among)) life.live?.urge(path);
    },
    get rules() {
      return Object.keys(rules).length === 0 ? undefined : rules;
    },
    setRules(given) {
      rules = given;
      ignore.setRules(rules);
      life.live?.judgeAgain();
    },
    onChanges: ledger.onChanges,
    onState: life.onState,
    status: () => ({ state: life.state, subscriptions: cursors.size, ...(life.live?.status() ?? ABSENT) }),
    async close(reason = new IopipeError("ShuttingDown", `Watching ${root} has ended.`)) {
      ended = reason;
      for (const cursor of cursors.keys()) cursor.close();
      cursors.clear();
      await life.close();
    },
  };

  function publish(path: string, mark: { operation: string }, stat: BigIntStats | undefined): void {
    const now = stat && seen(stat);
    if (!now) {
      ledger.vanish(path, mark);
      return;
    }
    const difference: Difference = compare(table.get(path), now) ?? REPLACED;
    const content = difference.content === "no" ? "no" : "yes";
    ledger.record(path, now, { ...difference, content }, undefined, mark);
  }
}

const ABSENT = {
  directories: 0,
  direct: 0,
  childPid: undefined,
  childRestarts: 0,
  losses: 0,
  childLosses: 0,
  auditPasses: 0,
  auditDifferences: 0,
  crawls: 0,
  lastCrawlMs: 0,
};

/** An own write that left no trace in the times is a change of content all the same. */
const REPLACED: Difference = { created: false, type: false, mode: false, content: "yes" };

function at(seq: number): Position {
  return { seq, base: seq };
}

function timedOut(root: string, ms: number): IopipeError {
  return new IopipeError("SyncTimeout", `The watcher of ${root} did not catch up within ${ms} ms.`);
}

function cancelled(root: string): IopipeError {
  return new IopipeError("Cancelled", `Waiting for ${root} was cancelled.`);
}
