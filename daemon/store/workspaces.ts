/** Workspaces: which roots the daemon knows, and which are open (they are opened again at the next start). */
import type { Database } from "./database.ts";
import { newId, now } from "./ids.ts";
import type { Transactions } from "./transactions.ts";

export interface WorkspaceRow {
  readonly id: string;
  /** Absolute, real path. */
  readonly root: string;
  readonly open: boolean;
  /** JSON; what it means is the watch's. */
  readonly watchRules?: string;
  readonly createdAt: string;
}

export interface Workspaces {
  get(id: string): WorkspaceRow | undefined;
  byRoot(root: string): WorkspaceRow | undefined;
  /** Those that are open, oldest first. */
  opened(): WorkspaceRow[];
  /** Marks the root's workspace as open, creating it where there is none; `watchRules` replaces its own. */
  open(root: string, watchRules?: string): WorkspaceRow;
  close(id: string): void;
  /** The hash of the policy file that a reviewer trusts, if any. */
  trusted(id: string): string | undefined;
  trust(id: string, hash: string | undefined): void;
  /** Whether a reviewer has switched it off. */
  isDisabled(id: string): boolean;
  disable(id: string, isDisabled: boolean): void;
}

interface Raw {
  id: string;
  root: string;
  open: number;
  watch_rules: string | null;
  created_at: string;
}

const toRow = (raw: Raw): WorkspaceRow => ({
  id: raw.id,
  root: raw.root,
  open: raw.open === 1,
  ...(raw.watch_rules !== null && { watchRules: raw.watch_rules }),
  createdAt: raw.created_at,
});

export function openWorkspaces(db: Database, transaction: Transactions["transaction"]): Workspaces {
  const byId = db.prepare<[string], Raw>("SELECT * FROM workspace WHERE id = ?");
  const byRoot = db.prepare<[string], Raw>("SELECT * FROM workspace WHERE root = ?");
  const opened = db.prepare<[], Raw>("SELECT * FROM workspace WHERE open = 1 ORDER BY created_at, id");
  const upsert = db.prepare<[string, string, string], Raw>(
    "INSERT INTO workspace (id, root, open, created_at) VALUES (?, ?, 1, ?) ON CONFLICT (root) DO UPDATE SET open = 1 RETURNING *",
  );
  const rule = db.prepare("UPDATE workspace SET watch_rules = ? WHERE id = ?");
  const close = db.prepare("UPDATE workspace SET open = 0 WHERE id = ?");
  const trusted = db.prepare<[string], string | null>("SELECT trusted FROM workspace WHERE id = ?").pluck();
  const trust = db.prepare("UPDATE workspace SET trusted = ? WHERE id = ?");
  const disabled = db.prepare<[string], number>("SELECT disabled FROM workspace WHERE id = ?").pluck();
  const disable = db.prepare("UPDATE workspace SET disabled = ? WHERE id = ?");
  const one = (raw: Raw | undefined) => raw && toRow(raw);
  return {
    get: (id) => one(byId.get(id)),
    byRoot: (root) => one(byRoot.get(root)),
    opened: () => opened.all().map(toRow),
    open: (root, watchRules) =>
      transaction(() => {
        const { id } = upsert.get(newId("w"), root, now()) as Raw;
        if (watchRules !== undefined) rule.run(watchRules, id);
        return toRow(byId.get(id) as Raw);
      }),
    close: (id) => void transaction(() => close.run(id)),
    trusted: (id) => trusted.get(id) ?? undefined,
    trust: (id, hash) => void transaction(() => trust.run(hash ?? null, id)),
    isDisabled: (id) => disabled.get(id) === 1,
    disable: (id, isDisabled) => void transaction(() => disable.run(isDisabled ? 1 : 0, id)),
  };
}
