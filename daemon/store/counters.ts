/**
 * Durable high-water marks: numbers that must never be handed out twice, whatever the watch database lost.
 */
import type { Database } from "./database.ts";

export interface Counters {
  /** 0 for a name never raised. */
  get(name: string): number;
  /** Raises the mark to at least `to`; durable when it returns. */
  raise(name: string, to: number): void;
}

export function openCounters(db: Database): Counters {
  const select = db.prepare<[string], number>("SELECT value FROM counter WHERE name = ?").pluck();
  const upsert = db.prepare(
    "INSERT INTO counter VALUES (?, ?) ON CONFLICT DO UPDATE SET value = max(value, excluded.value)",
  );
  return {
    get: (name) => select.get(name) ?? 0,
    raise: (name, to) => void upsert.run(name, to),
  };
}
