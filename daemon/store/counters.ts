/**
 * Durable high-water marks: numbers that must never be handed out twice, whatever the watch database lost.
 */
import type { Database } from "./database.ts";
import type { Transactions } from "./transactions.ts";

export interface Counters {
  /** 0 for a name never raised. */
  get(name: string): number;
  /** Raises the mark to at least `to`; durable when it returns. */
  raise(name: string, to: number): void;
}

export function openCounters(db: Database, essential: Transactions["essential"]): Counters {
  const select = db.prepare<[string], number>("SELECT value FROM counter WHERE name = ?").pluck();
  const upsert = db.prepare(
    "INSERT INTO counter VALUES (?, ?) ON CONFLICT DO UPDATE SET value = max(value, excluded.value)",
  );
  return {
    get: (name) => select.get(name) ?? 0,
    raise: (name, to) => void essential(() => upsert.run(name, to)),
  };
}
