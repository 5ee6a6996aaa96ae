/**
 * The watch table's database: its file, its schema, and the id of what it holds.
 * Durability: survives a kill of the process. A power cut may take the newest rows; the boot's id tells, and the store
 * gets a new id, so that every older clock is answered `fresh` instead of with a gap.
 * Failure: a damaged or foreign file is thrown away and begun anew.
 */

import { randomBytes } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import Database from "better-sqlite3";
import { makePrivate } from "./private-file.ts";

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
export function openWatchDatabase(file: string): Database.Database {
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

/** That it was closed: nothing is missing in what it holds, whatever becomes of the machine. */
export function closeWatchDatabase(db: Database.Database): void {
  if (!db.open) return;
  setMeta(db, "clean", "yes");
  db.close();
}

/** The store's id; a new one where the last run's rows may have gone down with the machine. */
export function takeStoreId(db: Database.Database): string {
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
