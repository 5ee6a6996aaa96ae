/**
 * The statements of patches.ts; what SQLite gives becomes rows in patch-row.ts.
 * INVARIANT: none looks at more rows than it gives, sorts or counts: patches are kept as long as their operation can be
 * undone, and a session may have ten thousand.
 * Where a question has two halves they are joined by UNION ALL: to sort and compare whole rows takes SQLite thirty times
 * as long as to find them.
 */
import type { PatchState } from "../../protocol/methods/index.ts";
import type { Database } from "./database.ts";
import type { RawPatch } from "./patch-row.ts";

/** As the indexes patch_unsettled have it, word for word: else SQLite looks at every patch that is kept. */
export const UNSETTLED = "(state = 'Pending' OR (state = 'Discarded' AND reason = 'stale'))";

interface ListParams {
  workspace: string;
  path: string | null;
  state: PatchState | null;
  sessions: string | null;
  before: number;
  limit: number;
}

/** Below a directory: from `from` on, before `to`. */
interface Range {
  session: string;
  from: string;
  to: string;
}

export function preparePatches(db: Database) {
  const list = (...which: string[]) => {
    const halves = which.map((each) => `SELECT * FROM patch WHERE ${each} AND n < @before`);
    return db.prepare<[ListParams], RawPatch>(`${halves.join(" UNION ALL ")} ORDER BY n DESC LIMIT @limit`);
  };
  const inState = (state: string) => `workspace = @workspace AND state = ${state}`;
  return {
    byId: db.prepare<[string], RawPatch>("SELECT * FROM patch WHERE id = ?"),
    ofSession: db.prepare<[string], RawPatch>("SELECT * FROM patch WHERE session = ? ORDER BY n"),
    inState: db.prepare<[string, PatchState], RawPatch>(
      "SELECT * FROM patch WHERE session = ? AND state = ? ORDER BY n",
    ),
    unsettledOf: db.prepare<[string], RawPatch>(
      `SELECT * FROM patch WHERE session = ? AND ${UNSETTLED} ORDER BY n`,
    ),
    someUnsettledOf: db.prepare<[string, number], RawPatch>(
      `SELECT * FROM patch WHERE session = ? AND ${UNSETTLED} LIMIT ?`,
    ),
    unsettledAt: db.prepare<[{ workspace: string; paths: string }], RawPatch>(
      `SELECT * FROM patch INDEXED BY patch_unsettled WHERE workspace = @workspace AND ${UNSETTLED}
         AND path IN (SELECT value FROM json_each(@paths))
       UNION ALL SELECT * FROM patch INDEXED BY patch_unsettled_from WHERE workspace = @workspace AND ${UNSETTLED}
         AND from_path IN (SELECT value FROM json_each(@paths))`,
    ),
    rivalling: db.prepare<[{ workspace: string; session: string; paths: string; limit: number }], RawPatch>(
      `SELECT * FROM patch INDEXED BY patch_unsettled WHERE workspace = @workspace AND ${UNSETTLED}
         AND path IN (SELECT value FROM json_each(@paths)) AND session <> @session AND state = 'Pending'
       UNION ALL SELECT * FROM patch INDEXED BY patch_unsettled_from WHERE workspace = @workspace AND ${UNSETTLED}
         AND from_path IN (SELECT value FROM json_each(@paths)) AND session <> @session AND state = 'Pending'
       LIMIT @limit`,
    ),
    rivallingBelow: db.prepare<
      [{ workspace: string; session: string; paths: string; limit: number }],
      RawPatch
    >(
      `SELECT patch.* FROM (SELECT value AS above FROM json_each(@paths)) CROSS JOIN patch INDEXED BY patch_unsettled
         ON workspace = @workspace AND ${UNSETTLED} AND path > above || '/' AND path < above || '0'
         AND session <> @session AND state = 'Pending' AND kind <> 'delete'
       LIMIT @limit`,
    ),
    unsettledPaths: db
      .prepare<[{ workspace: string }], string>(
        `SELECT path FROM patch INDEXED BY patch_unsettled WHERE workspace = @workspace AND ${UNSETTLED}
         UNION SELECT from_path FROM patch INDEXED BY patch_unsettled_from
           WHERE workspace = @workspace AND ${UNSETTLED} AND from_path IS NOT NULL`,
      )
      .pluck(),
    holding: db.prepare<[{ session: string; path: string }], RawPatch>(
      `SELECT * FROM patch WHERE session = @session AND state = 'Pending' AND path = @path
       UNION ALL SELECT * FROM patch WHERE session = @session AND state = 'Pending' AND from_path = @path`,
    ),
    // As one value: a page of sessions asks for thousands of them.
    effects: db
      .prepare<[string], string>(
        "SELECT json_group_array(effect ORDER BY path) FROM patch WHERE session = ? AND state = 'Pending'",
      )
      .pluck(),
    below: db
      .prepare<[Range], string>(
        `SELECT path FROM patch
         WHERE session = @session AND state = 'Pending' AND path >= @from AND path < @to AND kind <> 'delete'`,
      )
      .pluck(),
    countBelow: db
      .prepare<[Range], number>(
        `SELECT count(*) FROM patch
         WHERE session = @session AND state = 'Pending' AND path >= @from AND path < @to AND kind <> 'delete'`,
      )
      .pluck(),
    removesBelow: db.prepare<[Range]>(
      `SELECT 1 FROM patch
         WHERE session = @session AND state = 'Pending' AND path >= @from AND path < @to AND kind = 'delete'
       UNION ALL SELECT 1 FROM patch
         WHERE session = @session AND state = 'Pending' AND from_path >= @from AND from_path < @to LIMIT 1`,
    ),
    holdBlob: db.prepare<[{ sessions: string; hash: string }]>(
      `SELECT 1 FROM patch WHERE (base ->> 'hash' = @hash OR after ->> 'hash' = @hash)
       AND session IN (SELECT value FROM json_each(@sessions)) LIMIT 1`,
    ),
    // Merged from an index in the order that is asked for: SQLite stops at the limit.
    list: list(inState("'Pending'"), inState("'Applied'"), inState("'Discarded'")),
    listInState: list(inState("@state")),
    // The plus signs keep SQLite from the other indexes: few patches have any one path, or one of few sessions.
    listOfPath: list(
      `workspace = @workspace AND path = @path AND (@state IS NULL OR state = @state)
       AND (@sessions IS NULL OR +session IN (SELECT value FROM json_each(@sessions)))`,
    ),
    listOfSessions: list(
      `session IN (SELECT value FROM json_each(@sessions)) AND (@state IS NULL OR state = @state)
       AND +workspace = @workspace`,
    ),
    insert: db.prepare(
      `INSERT INTO patch (id, session, workspace, path, kind, from_path, state, base, after, added, removed, is_binary,
         full_replace, note, break_hard_links, findings, effect, created_at, updated_at)
       VALUES (@id, @session, @workspace, @path, @kind, @from, 'Pending', @base, @after, @added, @removed, @binary,
         @fullReplace, @note, @breakHardLinks, @findings, @effect, @at, @at)`,
    ),
    move: db.prepare(
      `UPDATE patch SET state = @state, reason = @reason, operation = coalesce(@operation, operation),
         updated_at = @at WHERE id = @id`,
    ),
    decide: db.prepare(
      "UPDATE patch SET decision = ?, note = coalesce(?, note), updated_at = ? WHERE id = ?",
    ),
    learn: db.prepare("UPDATE patch SET findings = ? WHERE id = ?"),
    remove: db.prepare("DELETE FROM patch WHERE id = ?"),
  };
}
