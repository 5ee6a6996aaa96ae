/** Sessions as rows. Their state is computed from their patches, never stored beside them. The SQL is session-sql.ts. */
import type { SessionState } from "../../protocol/methods/index.ts";
import { IopipeError } from "../../protocol/wire/errors.ts";
import type { Role } from "../../protocol/wire/locations.ts";
import type { Database } from "./database.ts";
import { now } from "./ids.ts";
import type { Limits } from "./limits.ts";
import { NO_END, type Page } from "./page.ts";
import { prepareSessions, type RawSession } from "./session-sql.ts";
import type { Transactions } from "./transactions.ts";

export interface SessionRow {
  /** Counts the store's sessions; newer is greater. */
  readonly n: number;
  readonly id: string;
  readonly workspace: string;
  readonly title: string;
  readonly agent?: string;
  readonly key?: string;
  /** Paths that it says it is about, with all below them; undefined: says nothing. */
  readonly scope?: readonly string[];
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
  /** Of these, rejected since the session was last submitted. */
  readonly rejected: number;
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
  /** The newest Pending one of a workspace with this key and role. */
  pendingByKey(workspace: string, key: string, role: Role): SessionRow | undefined;
  /** What a key stands for: its pendingByKey(), else the newest that has it. */
  byKey(workspace: string, key: string, role: Role): SessionRow | undefined;
  /** Newest first. */
  list(query: SessionQuery, page: Page): SessionRow[];
  /** How many of all sessions are Pending. */
  pending(): number;
  /** Pending while there is work or nothing yet, else Applied if one patch is. */
  stateOf(id: string): SessionState;
  submit(id: string, message: string | undefined): void;
  /** Staged into again: no longer ready for review. */
  reopen(id: string): void;
  counts(id: string): PatchCounts;
  /** Renews the session's lease: somebody is using it. Durable at most once in a hundredth of its length; never throws. */
  use(id: string): void;
  /** Whether its lease lasts. */
  isLeased(id: string): boolean;
  /** Those that are Pending, and that nobody has used nor anything has happened to for as long as a lease lasts. */
  orphaned(): SessionRow[];
  /** Removes a session that has no patch at all. */
  removeEmpty(id: string): void;
}

function toRow(raw: RawSession): SessionRow {
  return {
    n: raw.n,
    id: raw.id,
    workspace: raw.workspace,
    title: raw.title,
    ...(raw.agent !== null && { agent: raw.agent }),
    ...(raw.key !== null && { key: raw.key }),
    ...(raw.scope !== null && { scope: JSON.parse(raw.scope) as string[] }),
    role: raw.role,
    ready: raw.ready === 1,
    ...(raw.message !== null && { message: raw.message }),
    seq: raw.seq,
    createdAt: raw.created_at,
    updatedAt: raw.updated_at,
  };
}

/** Leases remembered in memory; beyond that each costs a write more. */
const MAX_REMEMBERED = 10_000;

export function openSessions(
  db: Database,
  { orphanedMs }: Pick<Limits, "orphanedMs">,
  transaction: Transactions["transaction"],
): Sessions {
  const sql = prepareSessions(db);
  const renewedAt = new Map<string, number>();

  const get = (id: string): SessionRow | undefined => {
    const raw = sql.byId.get(id);
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
    pendingByKey: (workspace, key, role) => {
      const raw = sql.pendingByKey.get(workspace, key, role);
      return raw && toRow(raw);
    },
    byKey: (workspace, key, role) => {
      const raw = sql.pendingByKey.get(workspace, key, role) ?? sql.newestByKey.get(workspace, key, role);
      return raw && toRow(raw);
    },
    insert: (row) => {
      const scope = row.scope ? JSON.stringify(row.scope) : null;
      sql.insert.run({ agent: null, key: null, ...row, scope, at: now() });
      return mustGet(row.id);
    },
    list: ({ workspace = null, ids, state = null }, { limit, before = NO_END }) => {
      const list = sql[listFor({ workspace, ids, state })];
      return list
        .all({ workspace, ids: ids ? JSON.stringify([...ids]) : null, state, before, limit })
        .map(toRow);
    },
    pending: () => sql.pending.get() as number,
    stateOf: (id) => sql.stateOf.get(mustGet(id).id) as SessionState,
    submit: (id, message) => void sql.submit.run({ id, message: message ?? null, at: now() }),
    reopen: (id) => void sql.reopen.run(now(), id),
    counts: (id) => sql.counts.get({ id }) as PatchCounts,
    use: (id) => {
      const at = Date.now();
      if (at - (renewedAt.get(id) ?? 0) < orphanedMs / 100) return;
      if (renewedAt.size >= MAX_REMEMBERED) renewedAt.clear();
      try {
        transaction(() => sql.renew.run(new Date(at + orphanedMs).toISOString(), id));
        renewedAt.set(id, at);
      } catch {
        // A full disk must not keep anybody from reading; the next use tries again.
      }
    },
    isLeased: (id) => sql.leased.get(id, now()) !== undefined,
    orphaned: () => {
      const usedBefore = new Date(Date.now() - orphanedMs).toISOString();
      return sql.orphaned.all({ now: now(), usedBefore }).map(toRow);
    },
    removeEmpty: (id) => void sql.removeEmpty.run(id),
  };
}

function listFor({
  workspace,
  ids,
  state,
}: {
  workspace: string | null;
  ids: unknown;
  state: string | null;
}) {
  if (ids) return "listNamed";
  if (state === "Pending") return "listPending";
  return workspace === null ? "list" : "listOfWorkspace";
}
