/** Sessions as rows. Their state is computed from their patches, never stored beside them. */
import type { SessionState } from "../../protocol/methods/index.ts";
import { IopipeError } from "../../protocol/wire/errors.ts";
import type { Role } from "../../protocol/wire/locations.ts";
import type { Database } from "./database.ts";
import { now } from "./ids.ts";
import type { Page } from "./page.ts";

export interface SessionRow {
  /** Counts the store's sessions; newer is greater. */
  readonly n: number;
  readonly id: string;
  readonly workspace: string;
  readonly title: string;
  readonly agent?: string;
  readonly key?: string;
  /** The role that opened it, and owns its key. */
  readonly role: Role;
  readonly ready: boolean;
  readonly message?: string;
  /** Number of its last event; 0 before the first. */
  readonly seq: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface PatchCounts {
  readonly pending: number;
  readonly stale: number;
  readonly applied: number;
  /** Discarded for any reason but stale. */
  readonly discarded: number;
}

export interface SessionQuery {
  readonly workspace?: string | undefined;
  /** Only these ids (a proposer's view). */
  readonly ids?: ReadonlySet<string> | undefined;
  readonly state?: SessionState | undefined;
}

export interface Sessions {
  insert(row: Omit<SessionRow, "n" | "seq" | "ready" | "message" | "createdAt" | "updatedAt">): SessionRow;
  get(id: string): SessionRow | undefined;
  /** @throws {IopipeError} SessionNotFound */
  require(id: string): SessionRow;
  /** Those of a workspace with this key and role, newest first. */
  byKey(workspace: string, key: string, role: Role): SessionRow[];
  /** Newest first. */
  list(query: SessionQuery, page: Page): SessionRow[];
  /** How many of all sessions are Pending. */
  pending(): number;
  /** PROTOCOL.md, "Values": Pending while there is work or nothing yet, else Applied if one patch is. */
  stateOf(id: string): SessionState;
  submit(id: string, message: string | undefined): void;
  /** Staged into again: no longer ready for review. */
  reopen(id: string): void;
  counts(id: string): PatchCounts;
}

interface Raw {
  n: number;
  id: string;
  workspace: string;
  title: string;
  agent: string | null;
  key: string | null;
  role: Role;
  ready: number;
  message: string | null;
  seq: number;
  created_at: string;
  updated_at: string;
}

function toRow(raw: Raw): SessionRow {
  return {
    n: raw.n,
    id: raw.id,
    workspace: raw.workspace,
    title: raw.title,
    ...(raw.agent !== null && { agent: raw.agent }),
    ...(raw.key !== null && { key: raw.key }),
    role: raw.role,
    ready: raw.ready === 1,
    ...(raw.message !== null && { message: raw.message }),
    seq: raw.seq,
    createdAt: raw.created_at,
    updatedAt: raw.updated_at,
  };
}

const STATE = `CASE
  WHEN EXISTS (SELECT 1 FROM patch WHERE session = s.id AND state = 'Pending')
    OR EXISTS (SELECT 1 FROM patch WHERE session = s.id AND state = 'Discarded' AND reason = 'stale')
    OR NOT EXISTS (SELECT 1 FROM patch WHERE session = s.id) THEN 'Pending'
  WHEN EXISTS (SELECT 1 FROM patch WHERE session = s.id AND state = 'Applied') THEN 'Applied'
  ELSE 'Discarded' END`;

interface ListParams {
  workspace: string | null;
  ids: string | null;
  state: SessionState | null;
  before: number | null;
  limit: number;
}

export function openSessions(db: Database): Sessions {
  const byId = db.prepare<[string], Raw>("SELECT * FROM session WHERE id = ?");
  const byKey = db.prepare<[string, string, string], Raw>(
    "SELECT * FROM session WHERE workspace = ? AND key = ? AND role = ? ORDER BY n DESC",
  );
  const insert = db.prepare(
    `INSERT INTO session (id, workspace, title, agent, key, role, created_at, updated_at)
     VALUES (@id, @workspace, @title, @agent, @key, @role, @at, @at)`,
  );
  const list = db.prepare<[ListParams], Raw>(
    `SELECT s.* FROM session s WHERE (@workspace IS NULL OR s.workspace = @workspace)
     AND (@before IS NULL OR s.n < @before) AND (@ids IS NULL OR s.id IN (SELECT value FROM json_each(@ids)))
     AND (@state IS NULL OR @state = ${STATE}) ORDER BY s.n DESC LIMIT @limit`,
  );
  const pending = db.prepare<[], number>(`SELECT count(*) FROM session s WHERE 'Pending' = ${STATE}`).pluck();
  const stateOf = db.prepare<[string], SessionState>(`SELECT ${STATE} FROM session s WHERE id = ?`).pluck();
  const submit = db.prepare("UPDATE session SET ready = 1, message = ?, updated_at = ? WHERE id = ?");
  const reopen = db.prepare("UPDATE session SET ready = 0, message = NULL, updated_at = ? WHERE id = ?");
  const counts = db.prepare<[string], PatchCounts>(
    `SELECT count(*) FILTER (WHERE state = 'Pending') AS pending,
       count(*) FILTER (WHERE state = 'Discarded' AND reason = 'stale') AS stale,
       count(*) FILTER (WHERE state = 'Applied') AS applied,
       count(*) FILTER (WHERE state = 'Discarded' AND reason <> 'stale') AS discarded
     FROM patch WHERE session = ?`,
  );

  const get = (id: string): SessionRow | undefined => {
    const raw = byId.get(id);
    return raw && toRow(raw);
  };
  const mustGet = (id: string): SessionRow => {
    const row = get(id);
    if (!row) throw new IopipeError("SessionNotFound", `There is no session ${id}.`, { session: id });
    return row;
  };
  return {
    get,
    require: mustGet,
    byKey: (workspace, key, role) => byKey.all(workspace, key, role).map(toRow),
    insert: (row) => {
      insert.run({ agent: null, key: null, ...row, at: now() });
      return mustGet(row.id);
    },
    list: ({ workspace = null, ids, state = null }, { limit, before = null }) =>
      list.all({ workspace, ids: ids ? JSON.stringify([...ids]) : null, state, before, limit }).map(toRow),
    pending: () => pending.get() as number,
    stateOf: (id) => stateOf.get(mustGet(id).id) as SessionState,
    submit: (id, message) => void submit.run(message ?? null, now(), id),
    reopen: (id) => void reopen.run(now(), id),
    counts: (id) => counts.get(id) as PatchCounts,
  };
}
