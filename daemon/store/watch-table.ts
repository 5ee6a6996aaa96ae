/**
 * The watch table: what was last known of every path of every watched root, in a database of its own (watch-database.ts).
 * Owns all the SQL on its rows. What a difference means is decided in daemon/watch; nothing here is the truth about
 * the disk: what is lost, the crawl finds again, so `synchronous=NORMAL` is enough.
 * Invariant: `seq` is unique within a root; a deleted path stays as a tombstone until it is pruned, and `horizon` says
 * up to which seq tombstones may be missing.
 */

import { randomBytes } from "node:crypto";
import type Database from "better-sqlite3";
import { closeWatchDatabase, openWatchDatabase, takeStoreId } from "./watch-database.ts";
import { type RowKind, type Stored, split, toRow, toStored, type WatchRow } from "./watch-row.ts";

/** One root's rows. Everything is synchronous; a call handles at most one directory or one page. */
export interface RootTable {
  readonly storeId: string;
  readonly incarnation: string;
  readonly horizon: number;
  lastSeq(): number;
  get(path: string): WatchRow | undefined;
  /** Of a living row: far cheaper than the row. */
  kind(path: string): RowKind | undefined;
  /** Rows right below `directory` ("" is the root), tombstones left out. */
  children(directory: string): WatchRow[];
  /** At most `limit` living rows below `directory`, at any depth. */
  below(directory: string, limit: number): WatchRow[];
  /** Ignored directories, at most `limit`. */
  folded(limit: number): string[];
  put(row: WatchRow): void;
  /** Takes a row out without a trace: for what is no longer looked at (below an ignored directory). */
  forget(path: string): void;
  /** Rows with a greater seq, tombstones included, in its order. */
  after(seq: number, limit: number): WatchRow[];
  /** Takes out the oldest tombstones beyond `keep`, at most `limit` at once; true while there are more. */
  prune(keep: number, limit: number): boolean;
  transaction<T>(work: () => T): T;
}

export interface WatchTable {
  /** The rows of a workspace, begun when there are none. */
  root(workspace: string): RootTable;
  /** Forgets a workspace; its clocks become unknown. */
  remove(workspace: string): void;
  close(): void;
}

/** Opens it in `file` (absolute), which is made where it is missing, damaged or of another version. */
export function openWatchTable(file: string): WatchTable {
  const db = openWatchDatabase(file);
  const storeId = takeStoreId(db);
  return {
    root: (workspace) => rootTable(db, storeId, workspace),
    remove(workspace) {
      const row = db.prepare("SELECT n FROM root WHERE workspace = ?").get(workspace) as
        | { n: number }
        | undefined;
      if (!row) return;
      db.prepare("DELETE FROM entry WHERE root = ?").run(row.n);
      db.prepare("DELETE FROM root WHERE n = ?").run(row.n);
    },
    close: () => closeWatchDatabase(db),
  };
}

function rootTable(db: Database.Database, storeId: string, workspace: string): RootTable {
  db.prepare("INSERT OR IGNORE INTO root (workspace, incarnation) VALUES (?, ?)").run(
    workspace,
    randomBytes(4).toString("hex"),
  );
  const root = db.prepare("SELECT n, incarnation, horizon FROM root WHERE workspace = ?").get(workspace) as {
    n: number;
    incarnation: string;
    horizon: number;
  };
  const sql = prepare(db);
  let horizon = root.horizon;
  return {
    storeId,
    incarnation: root.incarnation,
    get horizon() {
      return horizon;
    },
    lastSeq: () => (sql.last.get(root.n) as { seq: number | null }).seq ?? 0,
    get(path) {
      const [parent, name] = split(path);
      const found = sql.get.get(root.n, parent, name) as Stored | undefined;
      return found && toRow(found);
    },
    kind: (path) => sql.kind.get(root.n, ...split(path)) as RowKind | undefined,
    children: (directory) => (sql.children.all(root.n, directory) as Stored[]).map(toRow),
    below: (directory, limit) =>
      (sql.below.all(root.n, directory, root.n, ...range(directory), limit) as Stored[]).map(toRow),
    folded: (limit) => (sql.folded.all(root.n, limit) as Stored[]).map((row) => toRow(row).path),
    put: (row) => void sql.put.run(toStored(root.n, row)),
    forget: (path) => void sql.forget.run(root.n, ...split(path)),
    after: (seq, limit) => (sql.after.all(root.n, seq, limit) as Stored[]).map(toRow),
    prune(keep, limit) {
      const edge = sql.edge.get(root.n, keep) as { seq: number } | undefined;
      if (!edge) return false;
      const { seq } = sql.oldest.get(root.n, edge.seq, limit) as { seq: number };
      db.transaction(() => {
        sql.prune.run(root.n, seq);
        sql.horizon.run(seq, root.n);
      })();
      horizon = seq;
      return seq < edge.seq;
    },
    transaction: (work) => (db.inTransaction ? work() : db.transaction(work)()),
  };
}

function prepare(db: Database.Database) {
  const alive = "SELECT * FROM entry INDEXED BY entry_alive WHERE deleted = 0 AND root = ?";
  return {
    last: db.prepare("SELECT max(seq) AS seq FROM entry WHERE root = ?"),
    get: db.prepare("SELECT * FROM entry WHERE root = ? AND parent = ? AND name = ?"),
    kind: db
      .prepare("SELECT kind FROM entry WHERE root = ? AND parent = ? AND name = ? AND deleted = 0")
      .pluck(),
    children: db.prepare(`${alive} AND parent = ?`),
    below: db.prepare(`${alive} AND parent = ? UNION ALL ${alive} AND parent >= ? AND parent < ? LIMIT ?`),
    folded: db.prepare("SELECT * FROM entry WHERE root = ? AND kind = 'folded' AND deleted = 0 LIMIT ?"),
    forget: db.prepare("DELETE FROM entry WHERE root = ? AND parent = ? AND name = ?"),
    after: db.prepare("SELECT * FROM entry WHERE root = ? AND seq > ? ORDER BY seq LIMIT ?"),
    edge: db.prepare(
      "SELECT seq FROM entry WHERE root = ? AND deleted = 1 ORDER BY seq DESC LIMIT 1 OFFSET ?",
    ),
    oldest: db.prepare(`SELECT max(seq) AS seq FROM
      (SELECT seq FROM entry WHERE root = ? AND deleted = 1 AND seq <= ? ORDER BY seq LIMIT ?)`),
    prune: db.prepare("DELETE FROM entry WHERE root = ? AND deleted = 1 AND seq <= ?"),
    horizon: db.prepare("UPDATE root SET horizon = ? WHERE n = ?"),
    put: db.prepare(`INSERT OR REPLACE INTO entry VALUES (@root, @parent, @name, @kind, @identity, @size, @mtimeNs,
      @ctimeNs, @mode, @hash, @racy, @deleted, @seq, @firstSeq, @bornSeq, @earlierBornSeq, @earlierGoneSeq, @contentSeq, @modeSeq,
      @typeSeq, @origin, @operation, @folded)`),
  };
}

/** Bounds of what lies deeper below a directory: "0" is the character after "/". */
function range(directory: string): [string, string] {
  return directory === "" ? ["", "\u{10ffff}"] : [`${directory}/`, `${directory}0`];
}
