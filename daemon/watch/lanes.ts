/**
 * Lanes: hints that wait for their look, the most urgent apart, so that nobody waits for a file behind a checkout or an
 * install: HIGH first, then what is known and was written to (by somebody who edits it), then what is known at all (it
 * was replaced, or is gone), then the rest, which is made by the thousand. Spare hints, of what somebody else tells of as
 * well, come when there is nothing else to do, and nobody waits for them.
 * Owns the waiting paths, each in one lane, in the order in which they came. Who looks when is reconcile.ts.
 */

import type { Ignore } from "./ignore.ts";
import type { Ledger } from "./ledger.ts";

export interface Lanes {
  /** Without the spare ones. */
  readonly size: number;
  readonly spare: number;
  add(path: string, written: boolean): void;
  /** One that is no news if no other hint is; forgotten where there are too many. */
  addSpare(path: string): void;
  /** Takes out everything, the most urgent first. */
  take(): Set<string>;
  /** Takes out the most urgent that are not of the rest, at most `limit`. */
  takeUrgent(limit: number): string[];
  takeSpare(limit: number): string[];
}

/** Spare hints kept. */
const MAX_SPARE = 10_000;

interface Known {
  readonly ledger: { readonly table: Pick<Ledger["table"], "kind"> };
  readonly ignore: Pick<Ignore, "priorityOf">;
}

export function openLanes({ ledger, ignore }: Known): Lanes {
  const [high, written, known, rest] = [
    new Set<string>(),
    new Set<string>(),
    new Set<string>(),
    new Set<string>(),
  ];
  const spare = new Set<string>();
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
    get spare() {
      return spare.size;
    },
    add(file, isWritten) {
      if (lanes.some((lane) => lane.has(file))) return;
      spare.delete(file);
      laneOf(file, isWritten).add(file);
    },
    addSpare(file) {
      if (spare.size < MAX_SPARE && !lanes.some((lane) => lane.has(file))) spare.add(file);
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
    takeSpare(limit) {
      const taken = [...spare.values().take(limit)];
      for (const file of taken) spare.delete(file);
      return taken;
    },
  };
}
