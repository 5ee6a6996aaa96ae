/**
 * Who has subscribed to a root: wakes their cursors as the ledger records, and reads history for each by its selection.
 * Owns the set of them. A cursor's pace and place are subscriptions.ts', what a page holds is history.ts'.
 */

import type { RootTable } from "../store/watch-table.ts";
import type { Clock, Position } from "./clock.ts";
import { type Selection, selectionOf } from "./filter.ts";
import { firstAfter, type Moment, momentOf } from "./from-now.ts";
import { gitAtRest } from "./git-lock.ts";
import { newsOf, pageAfter } from "./history.ts";
import type { Ignore } from "./ignore.ts";
import type { Ledger } from "./ledger.ts";
import { BATCH, type Cursor, openCursor, type Reader } from "./subscriptions.ts";
import type { Batch, SubscribeSpec, Subscription, WatchOptions } from "./types.ts";

type Deliver = (batch: Batch) => Promise<void> | void;

export interface Subscribers {
  readonly count: number;
  /** Takes down what was asked for, and when; `begin` is for a root that is present and crawled. */
  prepare(spec: SubscribeSpec, deliver: Deliver): { selection: Selection; begin(): Promise<Subscription> };
  close(): void;
}

interface Deps extends Pick<WatchOptions, "root" | "log"> {
  readonly table: RootTable;
  readonly clock: Clock;
  readonly ledger: Ledger;
  readonly ignore: Ignore;
}

export function openSubscribers(deps: Deps): Subscribers {
  const { clock, ledger, ignore } = deps;
  const cursors = new Map<Cursor, Selection>();
  ledger.onChanges((paths) => {
    if (cursors.size === 0) return;
    const urgent = paths.filter((path) => ignore.priorityOf(path) === "HIGH");
    for (const [cursor, { laneOf }] of cursors) {
      const own = laneOf ? paths.filter((path) => laneOf(path) === "HIGH") : [];
      cursor.wake([...urgent, ...own]);
    }
  });
  return {
    get count() {
      return cursors.size;
    },
    prepare(spec, deliver) {
      const selection = selectionOf(spec);
      const called = momentOf(clock.last);
      const known = spec.since === undefined ? undefined : clock.read(spec.since);
      return {
        selection,
        async begin() {
          const from = known ?? at(await beginning(deps, spec, called));
          const close = (): void => void cursors.delete(cursor);
          const reader = readerOf(deps, selection, spec.waitForGit ?? false, close);
          const cursor: Cursor = openCursor(from, spec.settleMs ?? 0, reader, deliver);
          cursors.set(cursor, selection);
          return {
            clock: clock.write(from.seq, from.base),
            fresh: spec.since !== undefined && !known,
            start: cursor.start,
            flush: cursor.flush,
            close() {
              close();
              cursor.close();
            },
          };
        },
      };
    },
    close() {
      for (const cursor of cursors.keys()) cursor.close();
      cursors.clear();
    },
  };
}

/** Where a subscription begins that has no position: at the call; at the end of history with an unknown clock. */
async function beginning({ table, clock }: Deps, { since }: SubscribeSpec, called: Moment): Promise<number> {
  return since === undefined ? firstAfter(table, called, () => clock.last) : clock.last;
}

function readerOf(deps: Deps, selection: Selection, waitForGit: boolean, end: () => void): Reader {
  const { table, clock, ignore, log, root } = deps;
  return {
    async read(position) {
      if (position.seq < table.horizon) return undefined;
      const { position: next, more, ...page } = await pageAfter(deps, position, selection, BATCH);
      return { batch: { ...page, fresh: false }, position: next, more };
    },
    lost() {
      const position = at(clock.last);
      return { batch: { clock: clock.write(position.seq), fresh: true, changes: [] }, position };
    },
    ahead(position, paths) {
      // One page has all of it.
      if (clock.last - position.seq <= BATCH || position.seq < table.horizon) return undefined;
      const changes = newsOf(deps, position, selection, paths);
      return { clock: clock.write(position.seq, position.base), fresh: false, changes };
    },
    async rest(signal) {
      const { gitDir } = ignore;
      if (waitForGit && gitDir !== undefined) await gitAtRest(gitDir, signal);
    },
    failed(error) {
      end();
      log.warn({ root, error: error.message }, "A subscription ended: its changes could not be delivered.");
    },
  };
}

function at(seq: number): Position {
  return { seq, base: seq };
}
