/**
 * Preloaded into a daemon (`node --import`): it never records that a promotion is decided. The negative control of the
 * random histories: killed in the middle of publishing, such a daemon leaves half of the promotion behind.
 */
import Database from "better-sqlite3";

/** Of daemon/store/operation-sql.ts. With another text the control finds nothing, and the run fails. */
const SET_PHASE = "UPDATE operation SET phase = ?";

const { prepare } = Database.prototype;
Database.prototype.prepare = function (this: Database.Database, sql: string) {
  const statement = prepare.call(this, sql);
  if (!sql.startsWith(SET_PHASE)) return statement;
  const run = statement.run.bind(statement) as (...values: unknown[]) => Database.RunResult;
  return Object.assign(statement, {
    run: (...values: unknown[]) =>
      values[0] === "commit" ? { changes: 0, lastInsertRowid: 0 } : run(...values),
  });
} as typeof prepare;
