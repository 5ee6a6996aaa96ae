/**
 * Watching one root: ties the table, the ignoring, the machinery of a present root and its subscribers together, and
 * answers the workspace layer (types.ts).
 * Owns the answers. The root's absence and return are life.ts, the wait for it is with-root.ts, how changes are found is
 * live.ts, and what they are called is history.ts.
 * Failure: while the root is absent, questions end with RootGone; what was recorded stays, and the crawl after its
 * return finds the difference.
 */

import type { BigIntStats } from "node:fs";
import { IopipeError } from "../../protocol/wire/errors.ts";
import { checkPath } from "../disk/path.ts";
import { openClock } from "./clock.ts";
import { compare, type Difference } from "./compare.ts";
import { type Selection, selectionOf } from "./filter.ts";
import { pageAfter } from "./history.ts";
import { openIgnore } from "./ignore.ts";
import { openLedger } from "./ledger.ts";
import { openLife } from "./life.ts";
import type { Live } from "./live.ts";
import { seen } from "./look.ts";
import { openSubscribers } from "./subscribers.ts";
import type { Page, RootWatch, WatchOptions } from "./types.ts";
import { makeWithRoot } from "./with-root.ts";

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
  const subscribers = openSubscribers({ ...options, table, clock, ledger, ignore });
  const withRoot = makeWithRoot(root, life);

  /** Lists ignored directories from now on that an include names. */
  const openUp = async (live: Live, { prefixes }: Selection): Promise<void> => {
    const news = [...prefixes].filter(
      (prefix) => !life.hidden(prefix) && ignore.foldOf(prefix, true) !== undefined && ignore.openUp(prefix),
    );
    for (const prefix of news) live.hint(prefix);
    if (news.length > 0) await live.flush();
  };

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
        { signal },
      ),
    async sync(paths, timeoutMs, signal) {
      for (const path of paths ?? []) checkPath(path);
      return withRoot(
        async (live, limit) => {
          const verified = await live.prove(paths, limit);
          return { clock: clock.write(clock.last), verified };
        },
        { timeoutMs, signal },
      );
    },
    audit: (signal) =>
      withRoot(async (live, limit) => ({ ...(await live.audit(limit)), clock: clock.write(clock.last) }), {
        signal,
      }),
    async subscribe(spec, deliver, signal) {
      const asked = subscribers.prepare(spec, deliver);
      await withRoot((live) => openUp(live, asked.selection), { signal });
      return asked.begin();
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
    status: () => ({
      state: life.state,
      subscriptions: subscribers.count,
      ...(life.live?.status() ?? ABSENT),
    }),
    async close(reason = new IopipeError("ShuttingDown", `Watching ${root} has ended.`)) {
      withRoot.end(reason);
      subscribers.close();
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
