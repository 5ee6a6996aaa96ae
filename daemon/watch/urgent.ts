/**
 * Urgent polling: where changes are not reported (network file systems, beyond the limit of watches), HIGH paths are
 * looked at several times a second, between the crawls that look at everything (repair.ts).
 * Owns one timer and the list of known files whose name makes them HIGH: read from the table once, followed from then on.
 * Bounded: AT_ONCE looks at a time; more paths than that take turns.
 */

import { setImmediate } from "node:timers/promises";
import type { Ignore } from "./ignore.ts";
import type { Ledger } from "./ledger.ts";

export interface Urgent {
  /** Looks at HIGH paths from now on; calls after the first do nothing. */
  poll(): void;
  close(): void;
}

export interface UrgentHooks {
  /** Whether somebody reports what happens to a path. */
  isReported(path: string): boolean;
  hint(path: string): void;
}

const INTERVAL_MS = 200;
/** Some milliseconds of lstat; a tenth of a second over a slow network. */
const AT_ONCE = 200;
/** Rows read between two turns of the loop. */
const CHUNK = 1000;

export function openUrgent(
  { ledger, ignore }: { ledger: Ledger; ignore: Ignore },
  hooks: UrgentHooks,
): Urgent {
  const named = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let waiting: string[] = [];
  let closed = false;

  const add = (paths: readonly string[]): void => {
    for (const path of paths) if (ignore.priorityOf(path) === "HIGH") named.add(path);
  };
  const stopFollowing = ledger.onChanges((paths) => {
    if (timer) add(paths);
  });

  const addKnown = async (): Promise<void> => {
    for (let seq = 0; !closed; await setImmediate()) {
      const rows = ledger.table.after(seq, CHUNK);
      add(rows.filter(({ kind, deleted }) => kind === "file" && !deleted).map(({ path }) => path));
      if (rows.length < CHUNK) return;
      seq = rows.at(-1)?.seq ?? seq;
    }
  };

  const lookAtSome = (): void => {
    if (waiting.length === 0)
      waiting = [...ignore.high.union(named)].filter((path) => !hooks.isReported(path));
    for (const path of waiting.splice(0, AT_ONCE)) hooks.hint(path);
  };

  return {
    poll() {
      if (timer || closed) return;
      timer = setInterval(lookAtSome, INTERVAL_MS).unref();
      // The timer looks at what is pending all the same.
      addKnown().catch(() => {});
    },
    close() {
      closed = true;
      stopFollowing();
      clearInterval(timer);
    },
  };
}
