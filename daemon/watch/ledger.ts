/**
 * The ledger: turns what was seen into rows with numbers. The one place that writes the watch table.
 * Owns sequence numbers per change, tombstones and the announcement of what changed. What a difference is, is
 * compare.ts; when to look is reconcile.ts.
 * Invariant: rows and numbers of one `write` are committed together, then announced once; a listener sees them all.
 */

import type { WatchRow } from "../store/watch-row.ts";
import type { RootTable } from "../store/watch-table.ts";
import type { Clock } from "./clock.ts";
import type { Difference } from "./compare.ts";
import type { Seen } from "./look.ts";

/** Who made a change; without one it is external. */
interface Mark {
  readonly operation: string;
}

export interface Ledger {
  readonly table: RootTable;
  readonly clock: Clock;
  /** Runs `work` in one transaction, then announces. Calls inside a call join it. */
  write(work: () => void): void;
  /** Writes what was seen; `difference` undefined: only the times are news, nothing is announced. */
  record(path: string, seen: Seen, difference: Difference | undefined, hash?: string, mark?: Mark): void;
  /** Tombstones a path and what was below it; returns the directories among them. Large trees: clear.ts first. */
  vanish(path: string, mark?: Mark): string[];
  /** Tombstones these rows. */
  bury(rows: readonly WatchRow[]): void;
  /** Notes `count` changes below an ignored directory; `seen` is the directory itself. */
  fold(path: string, count: number, seen?: Seen): void;
  onChanges(listener: (paths: readonly string[]) => void): () => void;
}

/** Most rows handled in one go when a tree vanishes. */
const PAGE = 1000;

export function openLedger(table: RootTable, clock: Clock): Ledger {
  const listeners = new Set<(paths: readonly string[]) => void>();
  let announced: string[] = [];
  let depth = 0;

  const put = (row: WatchRow): void => {
    table.put(row);
    announced.push(row.path);
  };

  const buryOne = (row: WatchRow, mark?: Mark): void =>
    put({ ...row, deleted: true, seq: clock.next(), hash: undefined, ...origin(mark) });

  const write = (work: () => void): void => {
    depth += 1;
    try {
      table.transaction(work);
    } finally {
      depth -= 1;
    }
    if (depth > 0 || announced.length === 0) return;
    const paths = announced;
    announced = [];
    for (const listener of listeners) listener(paths);
  };

  return {
    table,
    clock,
    write,
    record(path, seen, difference, hash, mark) {
      const row = table.get(path);
      const silent = !difference || (seen.kind === "directory" && !difference.created && !difference.type);
      if (silent && row) {
        table.put({ ...row, ...seen, hash: hash ?? row.hash });
        return;
      }
      const seq = clock.next();
      put({
        path,
        ...life(row, seq, seen.kind),
        ...seen,
        ...aspects(row, difference, seq, seen.kind),
        ...origin(mark),
        seq,
        hash,
        deleted: false,
        folded: 0,
      });
    },
    vanish(path, mark) {
      const directories: string[] = [];
      const kind = table.kind(path);
      const isLeaf = kind === "file" || kind === "symlink";
      for (
        let rows = isLeaf ? [] : table.below(path, PAGE);
        rows.length > 0;
        rows = table.below(path, PAGE)
      ) {
        for (const row of rows) {
          if (row.kind === "directory") directories.push(row.path);
          buryOne(row, mark);
        }
      }
      const row = table.get(path);
      if (row && !row.deleted) {
        if (row.kind === "directory") directories.push(path);
        buryOne(row, mark);
      }
      return directories;
    },
    bury(rows) {
      for (const row of rows) buryOne(row);
    },
    fold(path, count, seen) {
      const row = table.get(path);
      // Counted below a directory that is gone by now, or is no longer ignored.
      const base = seen ?? (row?.kind === "folded" && !row.deleted ? row : undefined);
      if (!base) return;
      const seq = clock.next();
      const { racy: _, ...known } = { ...base, kind: "folded" as const };
      put({
        ...life(row, seq, "folded"),
        contentSeq: seq,
        modeSeq: 0,
        typeSeq: 0,
        ...known,
        path,
        racy: false,
        deleted: false,
        seq,
        hash: undefined,
        folded: count,
        ...origin(),
      });
    },
    onChanges(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** When this life of the path began: goes on, or begins now and remembers the one before. */
function life(row: WatchRow | undefined, seq: number, kind: WatchRow["kind"]) {
  const { firstSeq, bornSeq, earlierBornSeq, earlierGoneSeq } = row ?? { ...NEVER, firstSeq: seq };
  if (!row || (row.kind === "directory" && kind !== "directory")) return { ...NEVER, firstSeq, bornSeq: seq };
  return row.deleted
    ? { firstSeq, bornSeq: seq, earlierBornSeq: bornSeq, earlierGoneSeq: row.seq }
    : { firstSeq, bornSeq, earlierBornSeq, earlierGoneSeq };
}

const NEVER = { bornSeq: 0, earlierBornSeq: 0, earlierGoneSeq: 0 };

function aspects(
  row: WatchRow | undefined,
  difference: Difference | undefined,
  seq: number,
  kind: WatchRow["kind"],
) {
  // A directory in a deleted file's place: history.ts tells older clocks of the deletion by this number.
  const type = difference?.type || (kind === "directory" && row !== undefined && row.kind !== kind);
  return {
    contentSeq: difference?.content === "no" ? (row?.contentSeq ?? 0) : seq,
    modeSeq: difference?.mode ? seq : (row?.modeSeq ?? 0),
    typeSeq: type ? seq : (row?.typeSeq ?? 0),
  };
}

function origin(mark?: Mark): Pick<WatchRow, "origin" | "operation"> {
  return mark
    ? { origin: "iopipe", operation: mark.operation }
    : { origin: "external", operation: undefined };
}
