/**
 * The statements of a pass (pass.ts).
 * INVARIANT: each reads one page by its key, or one row: a pass goes through all that is kept, but never in one go.
 */
import type { DiscardReason, PatchState } from "../../../protocol/methods/index.ts";
import type { Database } from "../database.ts";
import type { Phase } from "../operation-row.ts";

export interface OperationToCollect {
  n: number;
  id: string;
  workspace: string;
  title: string | null;
  phase: Phase;
  ended_at: string | null;
}

export interface FileToCollect {
  n: number;
  before: string | null;
  after: string | null;
  rescued: string | null;
  beforeSize: number | null;
  afterSize: number | null;
}

export interface PatchToCollect {
  n: number;
  id: string;
  session: string;
  workspace: string;
  path: string;
  state: PatchState;
  reason: DiscardReason | null;
  operation: string | null;
  base: string | null;
  after: string | null;
  updated_at: string;
}

export interface SessionToCollect {
  id: string;
  workspace: string;
  title: string;
  updated_at: string;
}

export interface EventToCollect {
  seq: number;
  at: string;
  workspace: string;
  bytes: number;
}

interface Unused {
  id: string;
  usedBefore: string;
  leaseBefore: string;
}

const UNUSED = `id = @id AND updated_at < @usedBefore AND coalesce(lease_until, '') < @leaseBefore`;
const SESSION = "id, workspace, title, updated_at";

export function prepareCollection(db: Database) {
  return {
    operations: db.prepare<[number], OperationToCollect>(
      `SELECT n, id, workspace, title, phase, ended_at FROM operation WHERE n < ? ORDER BY n DESC LIMIT 100`,
    ),
    files: db.prepare<[string, number], FileToCollect>(
      `SELECT n, before ->> 'hash' AS before, after ->> 'hash' AS after, rescued, before ->> 'size' AS beforeSize,
         after ->> 'size' AS afterSize FROM operation_file
       WHERE operation = ? AND n > ? ORDER BY n LIMIT 500`,
    ),
    hasNames: db.prepare<[string]>(
      "SELECT 1 FROM operation_file WHERE operation = ? AND (temporary IS NOT NULL OR backup IS NOT NULL) LIMIT 1",
    ),
    undoers: db.prepare<[string], { id: string; phase: Phase }>(
      "SELECT id, phase FROM operation WHERE undoes = ?",
    ),
    phaseOf: db.prepare<[string], Phase>("SELECT phase FROM operation WHERE id = ?").pluck(),
    clear: db.prepare(
      "UPDATE operation SET phase = 'cleared' WHERE id = ? AND phase IN ('applied', 'aborted', 'resolved')",
    ),
    forgetKept: db.prepare("UPDATE operation_file SET kept = NULL WHERE operation = ? AND kept IS NOT NULL"),
    patches: db.prepare<[number], PatchToCollect>(
      `SELECT n, id, session, workspace, path, state, reason, operation, base ->> 'hash' AS base,
         after ->> 'hash' AS after, updated_at FROM patch WHERE n > ? ORDER BY n LIMIT 100`,
    ),
    removePatch: db.prepare("DELETE FROM patch WHERE id = ?"),
    patchesOf: db.prepare<[string], number>("SELECT count(*) FROM patch WHERE session = ?").pluck(),
    unused: db.prepare<[Unused], SessionToCollect>(`SELECT ${SESSION} FROM session WHERE ${UNUSED}`),
    removeSession: db.prepare<[Unused], SessionToCollect>(
      `DELETE FROM session WHERE ${UNUSED} AND patchless RETURNING ${SESSION}`,
    ),
    // But for the last one of all, whose number is where "now" is.
    events: db.prepare<[number], EventToCollect>(
      `SELECT seq, at, workspace, octet_length(body) AS bytes FROM event
       WHERE seq > ? AND seq < (SELECT max(seq) FROM event) ORDER BY seq LIMIT 200`,
    ),
    removeEvents: db.prepare<[number]>("DELETE FROM event WHERE seq <= ?"),
    blobs: db.prepare<[string], { hash: string; size: number }>(
      "SELECT hash, size FROM blob WHERE hash > ? ORDER BY hash LIMIT 200",
    ),
    // Behind the bytes in the row: asked of those alone that may go.
    createdAt: db.prepare<[string], string>("SELECT created_at FROM blob WHERE hash = ?").pluck(),
    sizeOf: db.prepare<[string], number>("SELECT size FROM blob WHERE hash = ?").pluck(),
  };
}
