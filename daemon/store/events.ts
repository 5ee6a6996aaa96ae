/**
 * Events: what happened to sessions, patches and operations, numbered without gaps and replayable after a restart, as long
 * as they are kept: the oldest are removed by their age (collect/events.ts).
 * INVARIANT: an event is appended in the transaction that makes it true, and announced only after that commits.
 */
import type { EventType } from "../../protocol/methods/index.ts";
import type { Database } from "./database.ts";
import { now } from "./ids.ts";

export interface EventRow {
  readonly seq: number;
  readonly at: string;
  readonly type: EventType;
  readonly workspace: string;
  readonly session?: string;
  readonly by?: string;
  /** The whole object as it was then: `{session}`, `{patch}` or `{operation}`. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** What listeners are told of an event; they read the body with `since` when they want it. */
export type Announced = Omit<EventRow, "body">;

export interface NewEvent {
  readonly type: EventType;
  readonly workspace: string;
  readonly session?: string | undefined;
  readonly by?: string | undefined;
}

export interface EventQuery {
  readonly workspace?: string | undefined;
  readonly session?: string | undefined;
  /** Only events of these sessions (a proposer's view). */
  readonly sessions?: ReadonlySet<string> | undefined;
}

export interface Events {
  /**
   * Appends an event inside the caller's transaction and returns its number.
   *
   * `body` is called after the number is given, so that a session in it has this event's `seq`.
   */
  append(event: NewEvent, body: () => Record<string, unknown>): number;
  /** Events after `seq` that `query` selects, oldest first. */
  since(seq: number, query: EventQuery, limit: number): EventRow[];
  /** Number of the last event of all; 0 before the first. */
  last(): number;
  /** Whether all events after `seq` that `query` selects are kept still. Of a session: from its first one on. */
  reaches(seq: number, query: EventQuery): boolean;
  /**
   * Calls `listener`, which does not throw, with each event after its commit, in order. Returns the way to stop.
   *
   * `needed`: the number from which on it has yet to read events; they are kept for it.
   */
  listen(listener: (event: Announced) => void, needed?: () => number): () => void;
  /** The lowest number that a listener needs; without any, Infinity. */
  neededFrom(): number;
  /** Called by the store when the outermost transaction has committed, or was rolled back. */
  settle(committed: boolean): void;
}

interface Raw {
  seq: number;
  at: string;
  type: EventType;
  workspace: string;
  session: string | null;
  by: string | null;
}

function toAnnounced({ session, by, ...raw }: Raw): Announced {
  return { ...raw, ...(session !== null && { session }), ...(by !== null && { by }) };
}

export function selects(query: EventQuery, event: Announced): boolean {
  if (query.workspace !== undefined && event.workspace !== query.workspace) return false;
  if (query.session !== undefined && event.session !== query.session) return false;
  return !query.sessions || (event.session !== undefined && query.sessions.has(event.session));
}

interface SinceParams {
  seq: number;
  workspace: string | null;
  session: string | null;
  sessions: string | null;
  limit: number;
}

const nothing = (): number => Number.POSITIVE_INFINITY;

export function openEvents(db: Database): Events {
  const insert = db.prepare(
    "INSERT INTO event (at, type, workspace, session, by, body) VALUES (@at, @type, @workspace, @session, @by, '{}')",
  );
  const setBody = db.prepare("UPDATE event SET body = ? WHERE seq = ?");
  const touchSession = db.prepare("UPDATE session SET seq = ?, updated_at = ? WHERE id = ?");
  const select = (which: string) =>
    db.prepare<[SinceParams], Raw & { body: string }>(
      `SELECT * FROM event WHERE ${which} AND seq > @seq AND (@workspace IS NULL OR workspace = @workspace)
       AND (@sessions IS NULL OR session IN (SELECT value FROM json_each(@sessions))) ORDER BY seq LIMIT @limit`,
    );
  const since = select("@session IS NULL");
  const ofSession = select("session = @session");
  const bySeq = db.prepare<[number], Raw>(
    "SELECT seq, at, type, workspace, session, by FROM event WHERE seq = ?",
  );
  const last = db.prepare<[], number>("SELECT coalesce(max(seq), 0) FROM event").pluck();
  const first = db.prepare<[], number>("SELECT coalesce(min(seq), 1) FROM event").pluck();
  const firstOf = db
    .prepare<[string], EventType>("SELECT type FROM event WHERE session = ? ORDER BY seq LIMIT 1")
    .pluck();

  const listeners = new Map<(event: Announced) => void, () => number>();
  let appended: number[] = [];

  return {
    append: ({ type, workspace, session, by }, body) => {
      const at = now();
      const run = insert.run({ at, type, workspace, session: session ?? null, by: by ?? null });
      const seq = Number(run.lastInsertRowid);
      if (session !== undefined) touchSession.run(seq, at, session);
      setBody.run(JSON.stringify(body()), seq);
      appended.push(seq);
      return seq;
    },
    since: (seq, { workspace = null, session = null, sessions }, limit) =>
      (session === null ? since : ofSession)
        .all({ seq, workspace, session, sessions: sessions ? JSON.stringify([...sessions]) : null, limit })
        .map(({ body, ...raw }) => ({ ...toAnnounced(raw), body: JSON.parse(body) })),
    last: () => last.get() as number,
    reaches: (seq, { session }) =>
      seq + 1 >= (first.get() as number) ||
      (session !== undefined && firstOf.get(session) === "session/opened"),
    listen: (listener, needed = nothing) => {
      listeners.set(listener, needed);
      return () => void listeners.delete(listener);
    },
    neededFrom: () => Math.min(...[...listeners.values()].map((needed) => needed())),
    settle: (committed) => {
      const seqs = appended;
      appended = [];
      if (!committed || listeners.size === 0) return;
      for (const seq of seqs) {
        const raw = bySeq.get(seq);
        // Missing where a savepoint inside the transaction was rolled back.
        if (!raw) continue;
        const event = toAnnounced(raw);
        for (const listener of listeners.keys()) listener(event);
      }
    },
  };
}
