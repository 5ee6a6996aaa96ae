/** Workspaces: which roots the daemon knows, and which are open (they are opened again at the next start). */
import type { Database } from "./database.ts";
import { newId, now } from "./ids.ts";
import type { Transactions } from "./transactions.ts";

export interface WorkspaceRow {
  readonly id: string;
  /** Absolute, real path. */
  readonly root: string;
  readonly open: boolean;
  readonly createdAt: string;
}

export interface Workspaces {
  get(id: string): WorkspaceRow | undefined;
  byRoot(root: string): WorkspaceRow | undefined;
  /** Those that are open, oldest first. */
  opened(): WorkspaceRow[];
  /** Marks the root's workspace as open, creating it where there is none. */
  open(root: string): WorkspaceRow;
  close(id: string): void;
  /** The hash of the policy file that a reviewer trusts, if any. */
  trusted(id: string): string | undefined;
  trust(id: string, hash: string | undefined): void;
}

interface Raw {
  id: string;
  root: string;
  open: number;
  created_at: string;
}

const toRow = (raw: Raw): WorkspaceRow => ({
  id: raw.id,
  root: raw.root,
  open: raw.open === 1,
  createdAt: raw.created_at,
});

export function openWorkspaces(db: Database, transaction: Transactions["transaction"]): Workspaces {
  const byId = db.prepare<[string], Raw>("SELECT * FROM workspace WHERE id = ?");
  const byRoot = db.prepare<[string], Raw>("SELECT * FROM workspace WHERE root = ?");
  const opened = db.prepare<[], Raw>("SELECT * FROM workspace WHERE open = 1 ORDER BY created_at, id");
  const upsert = db.prepare<[string, string, string], Raw>(
    "INSERT INTO workspace (id, root, open, created_at) VALUES (?, ?, 1, ?) ON CONFLICT (root) DO UPDATE SET open = 1 RETURNING *",
  );
  const close = db.prepare("UPDATE workspace SET open = 0 WHERE id = ?");
  const trusted = db.prepare<[string], string | null>("SELECT trusted FROM workspace WHERE id = ?").pluck();
  const trust = db.prepare("UPDATE workspace SET trusted = ? WHERE id = ?");
  const one = (raw: Raw | undefined) => raw && toRow(raw);
  return {
    get: (id) => one(byId.get(id)),
    byRoot: (root) => one(byRoot.get(root)),
    opened: () => opened.all().map(toRow),
    open: (root) => toRow(transaction(() => upsert.get(newId("w"), root, now()) as Raw)),
    close: (id) => void transaction(() => close.run(id)),
    trusted: (id) => trusted.get(id) ?? undefined,
    trust: (id, hash) => void transaction(() => trust.run(hash ?? null, id)),
  };
}
