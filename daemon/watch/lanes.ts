/**
 * Lanes: hints that wait for their look, the most urgent apart, so that nobody waits for a file behind a checkout or an
 * install: HIGH first, then what is known and was written to (by somebody who edits it), then what is known at all (it
 * was replaced, or is gone), then the rest, which is made by the thousand.
 * Owns the waiting paths, each in one lane, in the order in which they came. Who looks when is reconcile.ts.
 */

import type { Ground } from "./examine.ts";

export interface Lanes {
  readonly size: number;
  add(path: string, written: boolean): void;
  /** Takes out everything, the most urgent first. */
  take(): Set<string>;
  /** Takes out the most urgent that are not of the rest, at most `limit`. */
  takeUrgent(limit: number): string[];
}

export function openLanes({ ledger, ignore }: Pick<Ground, "ledger" | "ignore">): Lanes {
  const [high, written, known, rest] = [
    new Set<string>(),
    new Set<string>(),
    new Set<string>(),
    new Set<string>(),
  ];
  const urgent = [high, written, known];
  const lanes = [...urgent, rest];

  const laneOf = (file: string, isWritten: boolean): Set<string> => {
    const priority = ignore.priorityOf(file);
    if (priority !== "MED") return priority === "HIGH" ? high : rest;
    const kind = ledger.table.kind(file);
    if (kind !== "file" && kind !== "symlink") return rest;
    return isWritten ? written : known;
  };

  return {
    get size() {
      return lanes.reduce((sum, lane) => sum + lane.size, 0);
    },
    add(file, isWritten) {
      if (!lanes.some((lane) => lane.has(file))) laneOf(file, isWritten).add(file);
    },
    take() {
      const taken = new Set(lanes.flatMap((lane) => [...lane]));
      for (const lane of lanes) lane.clear();
      return taken;
    },
    takeUrgent(limit) {
      const taken = urgent.flatMap((lane) => [...lane.values().take(limit)]).slice(0, limit);
      for (const file of taken) for (const lane of urgent) lane.delete(file);
      return taken;
    },
  };
}
