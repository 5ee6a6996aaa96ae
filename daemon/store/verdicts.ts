/**
 * Verdicts as rows: what a command said of a session's staged content. The newest of each check and command is kept.
 * Owns none of their meaning: whether one still counts is daemon/workspace's (verify/standing.ts).
 */
import type { Verdict } from "../../protocol/methods/index.ts";
import type { Database } from "./database.ts";
import type { Transactions } from "./transactions.ts";

export interface VerdictRow {
  readonly n: number;
  readonly session: string;
  readonly workspace: string;
  /** The policy's check; undefined for a command of a reviewer's. */
  readonly check?: string;
  readonly command: readonly string[];
  readonly outcome: Verdict["outcome"];
  readonly exitCode?: number;
  readonly digest: string;
  readonly clock: string;
  /** Whether the tree was seen to change since it began. */
  readonly treeChanged: boolean;
  readonly startedAt: string;
  readonly durationMs: number;
  readonly by?: string;
}

/** The end of what the command printed. */
interface Printed {
  readonly output: string;
  /** Whether there was more before. */
  readonly cut: boolean;
}

export interface Verdicts {
  /** Takes the place of what the same check or command said before; joins the caller's transaction. */
  insert(row: Omit<VerdictRow, "n"> & Printed): VerdictRow;
  /** By name; commands, which have none, oldest first. */
  ofSession(session: string): VerdictRow[];
  printed(n: number): Printed;
  /** Of pending work in the workspace, those whose tree was not seen to change. */
  standing(workspace: string): VerdictRow[];
  /** The tree has changed since they began. */
  fall(numbers: readonly number[]): void;
}

interface Raw {
  n: number;
  session: string;
  workspace: string;
  name: string;
  command: string;
  outcome: Verdict["outcome"];
  exit_code: number | null;
  digest: string;
  clock: string;
  tree_changed: number;
  started_at: string;
  duration_ms: number;
  by: string | null;
}

/** Without what was printed, which may be 64 KiB each. */
const COLUMNS =
  "n, session, workspace, name, command, outcome, exit_code, digest, clock, tree_changed, started_at, duration_ms, by";

/** Of one session; older ones go. */
const MOST = 50;

const toRow = (raw: Raw): VerdictRow => ({
  n: raw.n,
  session: raw.session,
  workspace: raw.workspace,
  ...(raw.name !== "" && { check: raw.name }),
  command: JSON.parse(raw.command) as string[],
  outcome: raw.outcome,
  ...(raw.exit_code !== null && { exitCode: raw.exit_code }),
  digest: raw.digest,
  clock: raw.clock,
  treeChanged: raw.tree_changed === 1,
  startedAt: raw.started_at,
  durationMs: raw.duration_ms,
  ...(raw.by !== null && { by: raw.by }),
});

export function openVerdicts(db: Database, transaction: Transactions["transaction"]): Verdicts {
  const removeSame = db.prepare(
    "DELETE FROM verdict WHERE session = @session AND name = @name AND (name <> '' OR command = @command)",
  );
  const removeOld = db.prepare(
    `DELETE FROM verdict WHERE session = @session
     AND n NOT IN (SELECT n FROM verdict WHERE session = @session ORDER BY n DESC LIMIT ${MOST})`,
  );
  const insert = db.prepare<[object], Raw>(
    `INSERT INTO verdict (session, workspace, name, command, outcome, exit_code, digest, clock, tree_changed,
       output, is_cut, started_at, duration_ms, by)
     VALUES (@session, @workspace, @name, @command, @outcome, @exitCode, @digest, @clock, @treeChanged,
       @output, @cut, @startedAt, @durationMs, @by) RETURNING ${COLUMNS}`,
  );
  const ofSession = db.prepare<[string], Raw>(
    `SELECT ${COLUMNS} FROM verdict WHERE session = ? ORDER BY name, n`,
  );
  const printed = db.prepare<[number], { output: string; is_cut: number }>(
    "SELECT output, is_cut FROM verdict WHERE n = ?",
  );
  const standing = db.prepare<[string], Raw>(
    `SELECT ${COLUMNS} FROM verdict WHERE workspace = ? AND NOT tree_changed ORDER BY n`,
  );
  const fall = db.prepare("UPDATE verdict SET tree_changed = 1 WHERE n = ?");
  return {
    insert: ({ check = "", command, exitCode = null, treeChanged, cut, by = null, ...row }) =>
      transaction(() => {
        const raw = { ...row, name: check, command: JSON.stringify(command), exitCode, by };
        removeSame.run({ session: raw.session, name: raw.name, command: raw.command });
        const inserted = insert.get({ ...raw, treeChanged: Number(treeChanged), cut: Number(cut) });
        removeOld.run({ session: raw.session });
        return toRow(inserted as Raw);
      }),
    ofSession: (session) => ofSession.all(session).map(toRow),
    printed: (n) => {
      const { output = "", is_cut = 0 } = printed.get(n) ?? {};
      return { output, cut: is_cut === 1 };
    },
    standing: (workspace) => standing.all(workspace).map(toRow),
    fall: (numbers) => {
      transaction(() => {
        for (const n of numbers) fall.run(n);
      });
    },
  };
}
