/**
 * Opening the database: the lock that makes one daemon, the pragmas that make a commit durable, the migrations.
 * Owns the connection's settings. What is in the tables is the other files' of this folder.
 * INVARIANT: locking_mode=EXCLUSIVE, then WAL, then synchronous=FULL, in that order, asserted after a real write:
 * better-sqlite3 is built with DEFAULT_WAL_SYNCHRONOUS=1, so that without this it drops to NORMAL at the first write,
 * and a commit would not survive a power cut. EXCLUSIVE also keeps SQLite from mapping a -shm file (SIGBUS on a full disk).
 */
import Sqlite from "better-sqlite3";
import type { Image, PatchKind } from "../../protocol/methods/index.ts";
import { MIGRATIONS } from "./migrations.ts";
import { effectOf } from "./patch-row.ts";
import { makePrivate } from "./private-file.ts";

export type Database = Sqlite.Database;

/** Marks the file as iopipe's: "iopi". */
const APPLICATION_ID = 0x696f7069;
export const SYNCHRONOUS_FULL = 2;

/** Largest database that is checked page by page at every start; `iopipectl doctor` checks any. */
export const CHECKED_AT_START_BYTES = 64 * 1024 * 1024;

/** Another process holds the store: the one authority on which daemon is the daemon. */
export class StoreBusy extends Error {
  override readonly name = "StoreBusy";
}

/** The store cannot be used as it is; the message says why and what to do. Nothing was changed. */
export class StoreUnusable extends Error {
  override readonly name = "StoreUnusable";
}

/**
 * Opens (and creates or migrates) the database at `file`, holding its exclusive lock until it is closed.
 *
 * @throws {StoreBusy} when another process has it open
 * @throws {StoreUnusable} when it is damaged, foreign or of a newer schema
 */
export function openDatabase(file: string): Database {
  makePrivate(file);
  const db = new Sqlite(file, { timeout: 0 });
  try {
    lock(db, file);
    migrate(db, file);
    assertDurable(db);
    return db;
  } catch (error) {
    db.close();
    throw explain(error, file);
  }
}

/**
 * Opens an existing database to look at it, holding its exclusive lock; makes no change of its own.
 *
 * @throws {StoreBusy} when another process has it open
 * @throws {StoreUnusable} when it is damaged, or nobody's
 */
export function openForExamination(file: string): Database {
  const db = new Sqlite(file, { timeout: 0, fileMustExist: true });
  try {
    db.pragma("locking_mode = EXCLUSIVE");
    db.pragma("schema_version");
    return db;
  } catch (error) {
    db.close();
    throw explain(error, file);
  }
}

function lock(db: Database, file: string): void {
  db.pragma("locking_mode = EXCLUSIVE");
  const mode = db.pragma("journal_mode = WAL", { simple: true });
  if (mode !== "wal")
    throw new StoreUnusable(`${file} cannot use a write-ahead log: its journal mode stays ${mode}.`);
  db.pragma("synchronous = FULL");
  db.pragma("foreign_keys = ON");
  // Else savepoints spill into /tmp, which may be full where the state directory is not.
  db.pragma("temp_store = MEMORY");
  if (process.platform === "darwin") {
    db.pragma("fullfsync = 1");
    db.pragma("checkpoint_fullfsync = 1");
  }
}

function migrate(db: Database, file: string): void {
  const version = db.pragma("user_version", { simple: true }) as number;
  const owner = db.pragma("application_id", { simple: true }) as number;
  if (version > 0 && owner !== APPLICATION_ID)
    throw new StoreUnusable(`${file} is not iopipe's database. Move it away.`);
  if (version > MIGRATIONS.length) {
    throw new StoreUnusable(
      `${file} has schema ${version}; this iopiped knows up to ${MIGRATIONS.length}. Use the newer iopipe that wrote it.`,
    );
  }
  check(db, file);
  db.function("effect_of", { deterministic: true }, effectOfColumns);
  db.transaction(() => {
    for (const step of MIGRATIONS.slice(version)) db.exec(step);
    db.pragma(`application_id = ${APPLICATION_ID}`);
    db.pragma(`user_version = ${MIGRATIONS.length}`);
    // A real write at every start: it takes the exclusive lock, and assertDurable needs one before it.
    db.prepare("INSERT INTO counter VALUES ('starts', 1) ON CONFLICT DO UPDATE SET value = value + 1").run();
  }).immediate();
}

function effectOfColumns(path: string, kind: PatchKind, from: string | null, base: string, after: string) {
  const images = { base: JSON.parse(base) as Image, after: JSON.parse(after) as Image };
  return effectOf({ path, kind, ...(from !== null && { from }), ...images });
}

function check(db: Database, file: string): void {
  const pages = db.pragma("page_count", { simple: true }) as number;
  const pageBytes = db.pragma("page_size", { simple: true }) as number;
  if (pages * pageBytes > CHECKED_AT_START_BYTES) return;
  const result = db.pragma("quick_check(1)", { simple: true });
  if (result !== "ok") throw damaged(file, String(result));
}

function assertDurable(db: Database): void {
  const level = db.pragma("synchronous", { simple: true });
  if (level !== SYNCHRONOUS_FULL)
    throw new StoreUnusable(`SQLite runs with synchronous=${level} instead of FULL.`);
}

function damaged(file: string, reason: string): StoreUnusable {
  return new StoreUnusable(
    `${file} is damaged (${reason}). Copy the state directory, move the file away, and start again; the working trees are unharmed.`,
  );
}

function explain(error: unknown, file: string): unknown {
  if (!(error instanceof Sqlite.SqliteError)) return error;
  if (error.code.startsWith("SQLITE_BUSY")) return new StoreBusy(`${file} is held by another process.`);
  if (error.code.startsWith("SQLITE_CORRUPT") || error.code === "SQLITE_NOTADB")
    return damaged(file, error.message);
  return error;
}
