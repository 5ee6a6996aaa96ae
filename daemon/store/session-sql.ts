/**
 * The statements of sessions.ts, which translates what SQLite gives.
 * INVARIANT: sessions that ever were are many, those with work to do are few: what is asked again and again (which are
 * Pending, how many) goes by indexes of these.
 */
import type { SessionState } from "../../protocol/methods/index.ts";
import type { Role } from "../../protocol/wire/locations.ts";
import type { Database } from "./database.ts";
import { UNSETTLED } from "./patch-sql.ts";
import type { PatchCounts } from "./sessions.ts";

export interface RawSession {
  n: number;
  id: string;
  workspace: string;
  title: string;
  agent: string | null;
  key: string | null;
  scope: string | null;
  role: Role;
  ready: number;
  message: string | null;
  seq: number;
  created_at: string;
  updated_at: string;
}

const STATE = `CASE
  WHEN EXISTS (SELECT 1 FROM patch WHERE session = s.id AND state = 'Pending')
    OR EXISTS (SELECT 1 FROM patch WHERE session = s.id AND state = 'Discarded' AND reason = 'stale')
    OR NOT EXISTS (SELECT 1 FROM patch WHERE session = s.id) THEN 'Pending'
  WHEN EXISTS (SELECT 1 FROM patch WHERE session = s.id AND state = 'Applied') THEN 'Applied'
  ELSE 'Discarded' END`;

/** The first session after another one, by id, that has an unsettled patch: one seek, however many it has. */
const nextUnsettled = (after: string) =>
  `SELECT min(session) FROM patch INDEXED BY patch_unsettled_session WHERE ${after} AND ${UNSETTLED}`;

/** The ids of those that STATE finds Pending: in as many steps as there are, not as they have patches. */
const PENDING = `SELECT id FROM session WHERE patchless
  UNION SELECT id FROM (
    WITH RECURSIVE unsettled (id) AS (${nextUnsettled("TRUE")}
      UNION ALL SELECT (${nextUnsettled("session > unsettled.id")}) FROM unsettled WHERE unsettled.id IS NOT NULL)
    SELECT id FROM unsettled WHERE id IS NOT NULL)`;

interface ListParams {
  workspace: string | null;
  ids: string | null;
  state: SessionState | null;
  before: number;
  limit: number;
}

export function prepareSessions(db: Database) {
  const list = (which: string) =>
    db.prepare<[ListParams], RawSession>(
      `SELECT s.* FROM session s WHERE ${which} AND s.n < @before AND (@state IS NULL OR @state = ${STATE})
       ORDER BY s.n DESC LIMIT @limit`,
    );
  // The plus sign keeps SQLite from the index of the workspace.
  const inWorkspace = "(@workspace IS NULL OR +s.workspace = @workspace)";
  return {
    byId: db.prepare<[string], RawSession>("SELECT * FROM session WHERE id = ?"),
    pendingByKey: db.prepare<[string, string, string], RawSession>(
      `SELECT s.* FROM session s WHERE s.id IN (${PENDING}) AND +s.workspace = ? AND +s.key = ? AND s.role = ?
       ORDER BY n DESC LIMIT 1`,
    ),
    newestByKey: db.prepare<[string, string, string], RawSession>(
      "SELECT * FROM session WHERE workspace = ? AND key = ? AND role = ? ORDER BY n DESC LIMIT 1",
    ),
    list: list("TRUE"),
    listOfWorkspace: list("s.workspace = @workspace"),
    listPending: list(`s.id IN (${PENDING}) AND ${inWorkspace}`),
    listNamed: list(`s.id IN (SELECT value FROM json_each(@ids)) AND ${inWorkspace}`),
    pending: db.prepare<[], number>(`SELECT count(*) FROM (${PENDING})`).pluck(),
    stateOf: db.prepare<[string], SessionState>(`SELECT ${STATE} FROM session s WHERE id = ?`).pluck(),
    counts: db.prepare<[{ id: string }], PatchCounts>(
      `SELECT count(*) FILTER (WHERE state = 'Pending') AS pending,
         count(*) FILTER (WHERE state = 'Discarded' AND reason = 'stale') AS stale,
         count(*) FILTER (WHERE state = 'Applied') AS applied,
         count(*) FILTER (WHERE state = 'Discarded' AND reason <> 'stale') AS discarded,
         count(*) FILTER (WHERE state = 'Discarded' AND reason = 'rejected'
           AND updated_at >= (SELECT coalesce(submitted_at, '') FROM session WHERE id = @id)) AS rejected
       FROM patch WHERE session = @id`,
    ),
    insert: db.prepare(
      `INSERT INTO session (id, workspace, title, agent, key, scope, role, created_at, updated_at)
       VALUES (@id, @workspace, @title, @agent, @key, @scope, @role, @at, @at)`,
    ),
    submit: db.prepare(
      "UPDATE session SET ready = 1, message = @message, updated_at = @at, submitted_at = @at WHERE id = @id",
    ),
    renew: db.prepare("UPDATE session SET lease_until = ? WHERE id = ?"),
    orphaned: db.prepare<[{ now: string; usedBefore: string }], RawSession>(
      `SELECT s.* FROM session s WHERE s.id IN (${PENDING})
       AND coalesce(s.lease_until, '') < @now AND s.updated_at < @usedBefore`,
    ),
    leased: db.prepare<[string, string]>("SELECT 1 FROM session WHERE id = ? AND lease_until >= ?"),
    removeEmpty: db.prepare("DELETE FROM session WHERE id = ? AND patchless"),
    reopen: db.prepare("UPDATE session SET ready = 0, message = NULL, updated_at = ? WHERE id = ?"),
  };
}
