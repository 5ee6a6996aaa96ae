/**
 * The watch table: what was last known of every path of every watched root, in a database of its own.
 * Owns its schema and all its SQL. What a difference means is decided in daemon/watch; nothing here is the truth about
 * the disk: what is lost, the crawl finds again, so `synchronous=NORMAL` is enough.
 * Invariant: `seq` is unique within a root; a deleted path stays as a tombstone until it is pruned, and `horizon` says
 * up to which seq tombstones may be missing.
 * Durability: survives a kill of the process. A power cut may take the newest rows; the boot's id tells, and the store
 * gets a new id, so that every older clock is answered `fresh` instead of with a gap.
 * Failure: a damaged or foreign file is thrown away and begun anew. Times: nanoseconds as decimal strings.
 */

import { randomBytes } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import Database from "better-sqlite3";
import { makePrivate } from "./private-file.ts";

type RowKind = "file" | "symlink" | "directory" | "folded";

export interface WatchRow {
  readonly path: string;
  readonly kind: RowKind;
  /** Device, inode and birth time: another one is another file. */
  readonly identity: string;
  readonly size: number;
  readonly mtimeNs: string;
  readonly ctimeNs: string;
  /** Permission bits. */
  readonly mode: number;
  /** sha256 of the bytes (a symlink's target), where it is known to belong to these times. */
  readonly hash?: string | undefined;
  /** The file was written so shortly before it was looked at that equal times prove nothing. */
  readonly racy: boolean;
  readonly deleted: boolean;
  readonly seq: number;
  /** When the path was first known at all; no client of an older clock can know it. */
  readonly firstSeq: number;
  /** When this life of the path began, and when the one before began and ended (0: never). */
  readonly bornSeq: number;
  readonly earlierBornSeq: number;
  readonly earlierGoneSeq: number;
  readonly contentSeq: number;
  readonly modeSeq: number;
  readonly typeSeq: number;
  readonly origin: "external" | "iopipe";
  readonly operation?: string | undefined;
  /** Changes below an ignored directory that the last entry stands for. */
  readonly folded: number;
}

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

const SCHEMA_VERSION = 2;

const SCHEMA = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE root (n INTEGER PRIMARY KEY, workspace TEXT NOT NULL UNIQUE, incarnation TEXT NOT NULL,
  horizon INTEGER NOT NULL DEFAULT 0);
CREATE TABLE entry (root INTEGER NOT NULL, parent TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
  identity TEXT NOT NULL, size INTEGER NOT NULL, mtimeNs TEXT NOT NULL, ctimeNs TEXT NOT NULL, mode INTEGER NOT NULL,
  hash TEXT, racy INTEGER NOT NULL, deleted INTEGER NOT NULL, seq INTEGER NOT NULL,
  firstSeq INTEGER NOT NULL, bornSeq INTEGER NOT NULL,
  earlierBornSeq INTEGER NOT NULL, earlierGoneSeq INTEGER NOT NULL, contentSeq INTEGER NOT NULL,
  modeSeq INTEGER NOT NULL, typeSeq INTEGER NOT NULL, origin TEXT NOT NULL, operation TEXT, folded INTEGER NOT NULL,
  PRIMARY KEY (root, parent, name)) WITHOUT ROWID;
CREATE INDEX entry_alive ON entry (root, parent, name) WHERE deleted = 0;
CREATE INDEX entry_seq ON entry (root, seq);
CREATE INDEX entry_folded ON entry (root) WHERE kind = 'folded' AND deleted = 0;
CREATE INDEX entry_deleted ON entry (root, seq) WHERE deleted = 1;
`;

/** Opens `file` (absolute), making it where it is missing, damaged or of another version. */
export function openWatchTable(file: string): WatchTable {
  const db = openDatabase(file);
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
    close() {
      if (!db.open) return;
      setMeta(db, "clean", "yes");
      db.close();
    },
  };
}

function openDatabase(file: string): Database.Database {
  try {
    const db = open(file);
    if (db.pragma("user_version", { simple: true }) === SCHEMA_VERSION) return db;
    db.close();
  } catch (error) {
    const { code } = error as { code?: string };
    if (code !== "SQLITE_CORRUPT" && code !== "SQLITE_NOTADB") throw error;
  }
  for (const suffix of ["", "-wal", "-shm"]) rmSync(file + suffix, { force: true });
  const db = open(file);
  db.transaction(() => {
    db.exec(SCHEMA);
    db.pragma(`user_version = ${SCHEMA_VERSION}`);
  })();
  return db;
}

function open(file: string): Database.Database {
  makePrivate(file);
  const db = new Database(file);
  db.pragma("locking_mode = EXCLUSIVE");
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = NORMAL");
  return db;
}

/** The store's id; a new one where the last run's rows may have gone down with the machine. */
function takeStoreId(db: Database.Database): string {
  const boot = bootId();
  const known = meta(db, "store");
  const intact = meta(db, "clean") === "yes" || (boot !== undefined && meta(db, "boot") === boot);
  const storeId = known !== undefined && intact ? known : randomBytes(6).toString("hex");
  db.transaction(() => {
    setMeta(db, "store", storeId);
    setMeta(db, "boot", boot ?? "");
    setMeta(db, "clean", "no");
  })();
  return storeId;
}

/** Names this run of the machine; undefined where the system has no such name. Source: random(4). */
function bootId(): string | undefined {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return undefined;
  }
}

function meta(db: Database.Database, key: string): string | undefined {
  const row = db.prepare("SELECT value FROM meta WHERE key = ?").get(key) as { value: string } | undefined;
  return row?.value;
}

function setMeta(db: Database.Database, key: string, value: string): void {
  db.prepare("INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value").run(
    key,
    value,
  );
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

function split(path: string): [parent: string, name: string] {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? ["", path] : [path.slice(0, slash), path.slice(slash + 1)];
}

type Stored = Omit<WatchRow, "path" | "hash" | "racy" | "deleted" | "operation"> & {
  root: number;
  parent: string;
  name: string;
  hash: string | null;
  racy: number;
  deleted: number;
  operation: string | null;
};

function toStored(root: number, { path, ...row }: WatchRow): Stored {
  const [parent, name] = split(path);
  return {
    ...row,
    root,
    parent,
    name,
    hash: row.hash ?? null,
    racy: row.racy ? 1 : 0,
    deleted: row.deleted ? 1 : 0,
    operation: row.operation ?? null,
  };
}

function toRow({ root: _, parent, name, ...row }: Stored): WatchRow {
  return {
    ...row,
    path: parent === "" ? name : `${parent}/${name}`,
    hash: row.hash ?? undefined,
    racy: row.racy === 1,
    deleted: row.deleted === 1,
    operation: row.operation ?? undefined,
  };
}
