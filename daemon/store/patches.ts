/**
 * Patches as rows.
 * INVARIANT: a row's path, kind, images and id never change; only its standing does, and only through `move`.
 */
import type { Decision, DiscardReason, Image, PatchKind, PatchState } from "../../protocol/methods/index.ts";
import { IopipeError } from "../../protocol/wire/errors.ts";
import type { Database } from "./database.ts";
import { now } from "./ids.ts";
import { assertLegal, type PatchStanding } from "./moves.ts";

export interface PatchRow {
  readonly id: string;
  readonly session: string;
  readonly workspace: string;
  readonly path: string;
  readonly kind: PatchKind;
  readonly from?: string;
  readonly state: PatchState;
  readonly reason?: DiscardReason;
  readonly base: Image;
  readonly after: Image;
  readonly added: number;
  readonly removed: number;
  readonly binary: boolean;
  readonly fullReplace: boolean;
  readonly decision: Decision;
  readonly note?: string;
  readonly breakHardLinks: boolean;
  /** The operation that applied it, while it is Applied or was undone. */
  readonly operation?: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  /** Order of staging. */
  readonly n: number;
}

export type NewPatch = Omit<
  PatchRow,
  "state" | "reason" | "decision" | "operation" | "createdAt" | "updatedAt" | "n"
>;

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
  /** A workspace's patches that are pending or stale, whichever session holds them. */
  unsettled(workspace: string): PatchRow[];
  /** Those of `unsettled` that are on `path`, or rename from it. */
  unsettledAt(workspace: string, path: string): PatchRow[];
  /** The paths of `unsettled`: what staleness and HIGH priority are about. */
  unsettledPaths(workspace: string): string[];
  /** Whether an image of the session's patches has these bytes. */
  holdsBlob(session: string, hash: string): boolean;
  /** Newest first. */
  list(query: PatchQuery): PatchRow[];
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

interface Raw {
  n: number;
  id: string;
  session: string;
  workspace: string;
  path: string;
  kind: PatchKind;
  from_path: string | null;
  state: PatchState;
  reason: DiscardReason | null;
  base: string;
  after: string;
  added: number;
  removed: number;
  is_binary: number;
  full_replace: number;
  decision: Decision;
  note: string | null;
  break_hard_links: number;
  operation: string | null;
  created_at: string;
  updated_at: string;
}

function toRow(raw: Raw): PatchRow {
  return {
    id: raw.id,
    session: raw.session,
    workspace: raw.workspace,
    path: raw.path,
    kind: raw.kind,
    ...(raw.from_path !== null && { from: raw.from_path }),
    state: raw.state,
    ...(raw.reason !== null && { reason: raw.reason }),
    base: JSON.parse(raw.base) as Image,
    after: JSON.parse(raw.after) as Image,
    added: raw.added,
    removed: raw.removed,
    binary: raw.is_binary === 1,
    fullReplace: raw.full_replace === 1,
    decision: raw.decision,
    ...(raw.note !== null && { note: raw.note }),
    breakHardLinks: raw.break_hard_links === 1,
    ...(raw.operation !== null && { operation: raw.operation }),
    createdAt: raw.created_at,
    updatedAt: raw.updated_at,
    n: raw.n,
  };
}

const UNSETTLED = "(state = 'Pending' OR (state = 'Discarded' AND reason = 'stale'))";

export function openPatches(db: Database): Patches {
  const byId = db.prepare<[string], Raw>("SELECT * FROM patch WHERE id = ?");
  const ofSession = db.prepare<[{ session: string; state: string | null }], Raw>(
    "SELECT * FROM patch WHERE session = @session AND (@state IS NULL OR state = @state) ORDER BY n",
  );
  const unsettled = db.prepare<[string], Raw>(
    `SELECT * FROM patch WHERE workspace = ? AND ${UNSETTLED} ORDER BY n`,
  );
  const unsettledAt = db.prepare<[{ workspace: string; path: string }], Raw>(
    `SELECT * FROM patch WHERE workspace = @workspace AND (path = @path OR from_path = @path) AND ${UNSETTLED} ORDER BY n`,
  );
  const unsettledPaths = db
    .prepare<[{ workspace: string }], string>(
      `SELECT path FROM patch WHERE workspace = @workspace AND ${UNSETTLED}
       UNION SELECT from_path FROM patch WHERE workspace = @workspace AND from_path IS NOT NULL AND ${UNSETTLED}`,
    )
    .pluck();
  const list = db.prepare<[{ workspace: string; path: string | null; state: string | null }], Raw>(
    `SELECT * FROM patch WHERE workspace = @workspace AND (@path IS NULL OR path = @path)
     AND (@state IS NULL OR state = @state) ORDER BY n DESC`,
  );
  const holdsBlob = db.prepare<[string, string, string]>(
    "SELECT 1 FROM patch WHERE session = ? AND (base ->> 'hash' = ? OR after ->> 'hash' = ?) LIMIT 1",
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
    unsettled: (workspace) => unsettled.all(workspace).map(toRow),
    unsettledAt: (workspace, path) => unsettledAt.all({ workspace, path }).map(toRow),
    unsettledPaths: (workspace) => unsettledPaths.all({ workspace }),
    holdsBlob: (session, hash) => holdsBlob.get(session, hash, hash) !== undefined,
    list: ({ workspace, path, state, sessions }) =>
      list
        .all({ workspace, path: path ?? null, state: state ?? null })
        .filter((raw) => !sessions || sessions.has(raw.session))
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
