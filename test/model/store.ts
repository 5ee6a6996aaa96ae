/**
 * The real store, whose journal can be taken down and set up again a thousand times a second.
 * Owns one database whose outermost transaction never ends: a commit in it is as durable as the model wants, since only
 * the journal's rows are carried from one crash to the next.
 */
import * as fs from "node:fs";
import { join } from "node:path";
import { type Database, openDatabase } from "../../daemon/store/database.ts";
import { openStore, type Store } from "../../daemon/store/index.ts";
import { QUICK } from "../promotion/house.ts";

type Row = Readonly<Record<string, string | number | null>>;

/** The rows of the journal, oldest first. */
export interface Journal {
  readonly operations: readonly Row[];
  readonly files: readonly Row[];
}

export interface ModelStore {
  readonly store: Store;
  readonly workspace: string;
  journal(): Journal;
  /** Sets the journal up as it was; blobs stay, for they are named by what they hold. */
  restore(journal: Journal): void;
  /** Forgets a blob, so that a crash cannot lean on what another one rescued. */
  forget(hash: string): void;
  close(): void;
}

export function openModelStore(): ModelStore {
  const home = fs.mkdtempSync(join(QUICK, "iopipe-model-"));
  const opened: Database[] = [];
  const store = openStore(home, (file) => {
    opened.push(openDatabase(file));
    return opened[0] as Database;
  });
  const db = opened[0] as Database;
  db.exec("BEGIN");
  const workspace = store.workspaces.open("/model").id;

  const operations = db.prepare<[], Row>("SELECT * FROM operation ORDER BY n");
  const files = db.prepare<[], Row>("SELECT * FROM operation_file ORDER BY operation, n");
  const clear = ["event", "operation_file", "operation"].map((table) => db.prepare(`DELETE FROM ${table}`));
  const inserting = (table: string) => {
    const columns = (db.pragma(`table_info(${table})`) as { name: string }[]).map(({ name }) => name);
    return db.prepare(`INSERT INTO ${table} (${columns}) VALUES (${columns.map((name) => `@${name}`)})`);
  };
  const insertOperation = inserting("operation");
  const insertFile = inserting("operation_file");
  const forget = db.prepare("DELETE FROM blob WHERE hash = ?");
  return {
    store,
    workspace,
    journal: () => ({ operations: operations.all(), files: files.all() }),
    restore: (journal) => {
      for (const statement of clear) statement.run();
      for (const row of journal.operations) insertOperation.run(row);
      for (const row of journal.files) insertFile.run(row);
    },
    forget: (hash) => void forget.run(hash),
    close: () => {
      store.close();
      fs.rmSync(home, { recursive: true, force: true });
    },
  };
}

const keys = new WeakMap<Journal, string>();

/** Equal for journals that recovery reads in the same way. */
export function keyOfJournal(journal: Journal): string {
  const known = keys.get(journal);
  if (known !== undefined) return known;
  const operations = journal.operations.map(({ started_at: _, ended_at: __, ...row }) => row);
  const key = JSON.stringify([operations, journal.files]);
  keys.set(journal, key);
  return key;
}
