/**
 * Patches in the database. Their shape is patch-row.ts.
 * INVARIANT: a row's path, kind, images and id never change; only its standing does, and only through `move`.
 */
import type { Decision, PatchState } from "../../protocol/methods/index.ts";
import { IopipeError } from "../../protocol/wire/errors.ts";
import type { Database } from "./database.ts";
import { now } from "./ids.ts";
import { assertLegal, type PatchStanding } from "./moves.ts";
import type { Page } from "./page.ts";
import { type NewPatch, type PatchRow, type RawPatch as Raw, readPatch as toRow } from "./patch-row.ts";

export interface PatchQuery {
  readonly workspace: string;
  readonly path?: string | undefined;
  readonly state?: PatchState | undefined;
  /** Only patches of these sessions (a proposer's view). */
  readonly sessions?: ReadonlySet<string> | undefined;
}

export interface Patches {
  /** Inserts a Pending patch. */
  insert(patch: NewPatch): PatchRow;
  get(id: string): PatchRow | undefined;
  /** @throws {IopipeError} PatchNotFound */
  require(id: string): PatchRow;
  /** A session's patches in order of staging. */
  ofSession(session: string, state?: PatchState): PatchRow[];
  /** A session's pending patches that are on `path`, or rename from it. */
  holding(session: string, path: string): PatchRow[];
  /** Those that are pending or stale and on one of `paths`, or rename from one. */
  unsettledAt(workspace: string, paths: readonly string[]): PatchRow[];
  /** The paths of a workspace's pending and stale patches: what staleness and HIGH priority are about. */
  unsettledPaths(workspace: string): string[];
  /** Whether an image of a patch of one of the sessions has these bytes. */
  holdBlob(sessions: ReadonlySet<string>, hash: string): boolean;
  /** Newest first. */
  list(query: PatchQuery, page: Page): PatchRow[];
  /**
   * Moves a patch; `operation` is kept unless given.
   *
   * @throws {IopipeError} IllegalState where the table of moves has no such move
   */
  move(id: string, to: PatchStanding & { readonly operation?: string }): PatchRow;
  decide(id: string, decision: Decision, note: string | undefined): void;
  /** Removes a row for good (purge, retention). */
  remove(id: string): void;
}

/** As the index patch_unsettled has it, word for word: else SQLite looks at every patch that is kept. */
const UNSETTLED = "(state = 'Pending' OR (state = 'Discarded' AND reason = 'stale'))";

interface ListParams {
  workspace: string;
  path: string | null;
  state: PatchState | null;
  sessions: string | null;
  before: number | null;
  limit: number;
}

export function openPatches(db: Database): Patches {
  const byId = db.prepare<[string], Raw>("SELECT * FROM patch WHERE id = ?");
  const ofSession = db.prepare<[{ session: string; state: string | null }], Raw>(
    "SELECT * FROM patch WHERE session = @session AND (@state IS NULL OR state = @state) ORDER BY n",
  );
  const unsettledAt = db.prepare<[{ workspace: string; paths: string }], Raw>(
    `SELECT * FROM patch WHERE workspace = @workspace AND ${UNSETTLED} AND path IN (SELECT value FROM json_each(@paths))
     UNION SELECT * FROM patch WHERE workspace = @workspace AND ${UNSETTLED}
       AND from_path IN (SELECT value FROM json_each(@paths)) ORDER BY n`,
  );
  const holding = db.prepare<[{ session: string; path: string }], Raw>(
    `SELECT * FROM patch WHERE session = @session AND state = 'Pending' AND path = @path
     UNION SELECT * FROM patch WHERE session = @session AND state = 'Pending' AND from_path = @path ORDER BY n`,
  );
  const unsettledPaths = db.prepare<[{ workspace: string }], Pick<Raw, "path" | "from_path">>(
    `SELECT path, from_path FROM patch WHERE workspace = @workspace AND ${UNSETTLED}`,
  );
  const list = db.prepare<[ListParams], Raw>(
    `SELECT * FROM patch WHERE workspace = @workspace AND (@path IS NULL OR path = @path)
     AND (@state IS NULL OR state = @state) AND (@before IS NULL OR n < @before)
     AND (@sessions IS NULL OR session IN (SELECT value FROM json_each(@sessions))) ORDER BY n DESC LIMIT @limit`,
  );
  const holdBlob = db.prepare<[{ sessions: string; hash: string }]>(
    `SELECT 1 FROM patch WHERE (base ->> 'hash' = @hash OR after ->> 'hash' = @hash)
     AND session IN (SELECT value FROM json_each(@sessions)) LIMIT 1`,
  );
  const insert = db.prepare(
    `INSERT INTO patch (id, session, workspace, path, kind, from_path, state, base, after, added, removed, is_binary,
       full_replace, note, break_hard_links, created_at, updated_at)
     VALUES (@id, @session, @workspace, @path, @kind, @from, 'Pending', @base, @after, @added, @removed, @binary,
       @fullReplace, @note, @breakHardLinks, @at, @at)`,
  );
  const move = db.prepare(
    `UPDATE patch SET state = @state, reason = @reason, operation = coalesce(@operation, operation), updated_at = @at
     WHERE id = @id`,
  );
  const decide = db.prepare(
    "UPDATE patch SET decision = ?, note = coalesce(?, note), updated_at = ? WHERE id = ?",
  );
  const remove = db.prepare("DELETE FROM patch WHERE id = ?");

  const get = (id: string): PatchRow | undefined => {
    const raw = byId.get(id);
    return raw && toRow(raw);
  };
  const mustGet = (id: string): PatchRow => {
    const row = get(id);
    if (!row) throw new IopipeError("PatchNotFound", `There is no patch ${id}.`, { patch: id });
    return row;
  };
  return {
    get,
    require: mustGet,
    insert: (patch) => {
      insert.run({
        ...patch,
        from: patch.from ?? null,
        base: JSON.stringify(patch.base),
        after: JSON.stringify(patch.after),
        binary: Number(patch.binary),
        fullReplace: Number(patch.fullReplace),
        note: patch.note ?? null,
        breakHardLinks: Number(patch.breakHardLinks),
        at: now(),
      });
      return mustGet(patch.id);
    },
    ofSession: (session, state) => ofSession.all({ session, state: state ?? null }).map(toRow),
    holding: (session, path) => holding.all({ session, path }).map(toRow),
    unsettledAt: (workspace, paths) =>
      unsettledAt.all({ workspace, paths: JSON.stringify(paths) }).map(toRow),
    unsettledPaths: (workspace) => {
      const rows = unsettledPaths.all({ workspace });
      return [
        ...new Set(rows.flatMap(({ path, from_path }) => (from_path === null ? path : [path, from_path]))),
      ];
    },
    holdBlob: (sessions, hash) =>
      holdBlob.get({ sessions: JSON.stringify([...sessions]), hash }) !== undefined,
    list: ({ workspace, path = null, state = null, sessions }, { limit, before = null }) =>
      list
        .all({
          ...{ workspace, path, state, before, limit },
          sessions: sessions ? JSON.stringify([...sessions]) : null,
        })
        .map(toRow),
    move: (id, to) => {
      assertLegal(id, mustGet(id), to);
      move.run({
        id,
        state: to.state,
        reason: to.reason ?? null,
        operation: to.operation ?? null,
        at: now(),
      });
      return mustGet(id);
    },
    decide: (id, decision, note) => void decide.run(decision, note ?? null, now(), id),
    remove: (id) => void remove.run(id),
  };
}
