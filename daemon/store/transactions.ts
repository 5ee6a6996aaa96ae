/**
 * Transactions: every change of the database, its durability, and the events that it makes true.
 * Owns the outermost BEGIN and COMMIT; nested calls join by savepoint.
 * Failure: rolled back, and thrown; IoFailed where the database is no longer in its place (presence.ts).
 * INVARIANT: nothing is changed but inside one of the two kinds of transaction, also by a single statement.
 */
import type { Ballast } from "./ballast.ts";
import type { Database } from "./database.ts";
import type { Events } from "./events.ts";
import type { Presence } from "./presence.ts";

export interface Transactions {
  /** Runs `work` in a transaction, durable when it returns; nested calls join the outer one. Rolls back when it throws. */
  transaction<T>(work: () => T): T;
  /**
   * As `transaction`, also where the disk is full: the ballast is given up, and `work` runs a second time. For what
   * frees room or tells what has happened already; never for what a client can be refused.
   */
  essential<T>(work: () => T): T;
}

export interface TransactionsDeps {
  readonly db: Database;
  readonly events: Events;
  readonly ballast: Ballast;
  readonly presence: Presence;
}

export function openTransactions({ db, events, ballast, presence }: TransactionsDeps): Transactions {
  const outermost = <T>(work: () => T): T => {
    let committed = false;
    try {
      const result = db
        .transaction(() => {
          const worked = work();
          const lost = presence.look();
          if (lost) throw lost;
          return worked;
        })
        .immediate();
      committed = true;
      return result;
    } finally {
      events.settle(committed);
    }
  };
  return {
    transaction: (work) => (db.inTransaction ? db.transaction(work)() : outermost(work)),
    essential: (work) => {
      if (db.inTransaction) return db.transaction(work)();
      const result = ballast.roomFor(
        () => outermost(work),
        () => checkpoint(db),
      );
      ballast.fill();
      return result;
    },
  };
}

/** Moves the log's pages into the database, so that the log begins anew in the room that it has already. */
function checkpoint(db: Database): void {
  try {
    db.pragma("wal_checkpoint");
  } catch {
    // No room for that either; the transaction that is run again says so.
  }
}
