/** The statements of operations.ts, and the translation of what SQLite gives into rows (operation-row.ts). */
import type { Image } from "../../protocol/methods/index.ts";
import type { Database } from "./database.ts";
import type {
  DirectoryChange,
  Kept,
  OperationFileRow,
  OperationRow,
  Outcome,
  Phase,
} from "./operation-row.ts";

export interface RawOperation {
  n: number;
  id: string;
  workspace: string;
  session: string | null;
  title: string | null;
  agent: string | null;
  by: string | null;
  kind: "apply" | "undo";
  phase: Phase;
  undoes: string | null;
  digest: string | null;
  started_at: string;
  ended_at: string | null;
  made_directories: string;
  removed_directories: string;
  error: string | null;
}

export interface RawFile {
  n: number;
  path: string;
  patch: string | null;
  before: string;
  after: string;
  temporary: string | null;
  backup: string | null;
  temporary_ino: string | null;
  outcome: Outcome | null;
  undone_by: string | null;
  rescued: string | null;
}

/** `undoMs`: how long undo data is kept. */
export function readOperation(
  raw: RawOperation,
  files: readonly OperationFileRow[],
  undoMs: number,
): OperationRow {
  const keptUntil =
    raw.ended_at !== null && raw.phase !== "cleared" && new Date(Date.parse(raw.ended_at) + undoMs);
  return {
    n: raw.n,
    id: raw.id,
    workspace: raw.workspace,
    ...(raw.session !== null && { session: raw.session }),
    ...(raw.title !== null && { title: raw.title }),
    ...(raw.agent !== null && { agent: raw.agent }),
    ...(raw.by !== null && { by: raw.by }),
    kind: raw.kind,
    phase: raw.phase,
    ...(raw.undoes !== null && { undoes: raw.undoes }),
    ...(raw.digest !== null && { digest: raw.digest }),
    startedAt: raw.started_at,
    ...(raw.ended_at !== null && { endedAt: raw.ended_at }),
    ...(keptUntil && { keptUntil: keptUntil.toISOString() }),
    madeDirectories: JSON.parse(raw.made_directories) as DirectoryChange[],
    removedDirectories: JSON.parse(raw.removed_directories) as DirectoryChange[],
    ...(raw.error !== null && { error: raw.error }),
    files,
  };
}

export function readFileRow(raw: RawFile): OperationFileRow {
  return {
    n: raw.n,
    path: raw.path,
    ...(raw.patch !== null && { patch: raw.patch }),
    before: JSON.parse(raw.before) as Image,
    after: JSON.parse(raw.after) as Image,
    ...(raw.temporary !== null && { temporary: raw.temporary }),
    ...(raw.backup !== null && { backup: raw.backup }),
    ...(raw.temporary_ino !== null && { temporaryIno: raw.temporary_ino }),
    ...(raw.outcome !== null && { outcome: raw.outcome }),
    ...(raw.undone_by !== null && { undoneBy: raw.undone_by }),
    ...(raw.rescued !== null && { rescued: raw.rescued }),
  };
}

/** Names as they are (one character a byte), values in base64. */
export function writeKept({ uid, gid, extended }: Kept): string {
  const pairs = extended && [...extended].map(([name, value]) => [name, value.toString("base64")]);
  return JSON.stringify({ uid, gid, extended: pairs });
}

export function readKept(text: string): Kept {
  const { uid, gid, extended } = JSON.parse(text) as Kept & { extended?: [string, string][] };
  const pairs = extended?.map(([name, value]) => [name, Buffer.from(value, "base64")] as const);
  return { uid, gid, extended: pairs && new Map(pairs) };
}

interface ListParams {
  workspace: string;
  session: string | null;
  path: string | null;
  before: number;
  limit: number;
}

const UNCLOSED = "FROM operation WHERE workspace = @workspace AND phase IN ('prepare', 'commit', 'rollback')";

export function prepareOperations(db: Database) {
  const list = (which: string) =>
    db.prepare<[ListParams], RawOperation>(
      `SELECT * FROM operation WHERE ${which} AND ${which === "TRUE" ? "" : "+"}workspace = @workspace
       AND n < @before ORDER BY n DESC LIMIT @limit`,
    );
  return {
    byId: db.prepare<[string], RawOperation>("SELECT * FROM operation WHERE id = ?"),
    filesOf: db.prepare<
      [string],
      RawFile
    >(`SELECT n, path, patch, before, after, temporary, backup, temporary_ino, outcome, undone_by, rescued
       FROM operation_file WHERE operation = ? ORDER BY n`),
    insert: db.prepare(
      `INSERT INTO operation (id, workspace, session, title, agent, by, kind, phase, undoes, digest, started_at,
         made_directories, removed_directories)
       VALUES (@id, @workspace, @session, @title, @agent, @by, @kind, 'prepare', @undoes, @digest, @at, @made, @removed)`,
    ),
    insertFile: db.prepare(
      `INSERT INTO operation_file (operation, n, path, patch, before, after, temporary, backup)
       VALUES (@operation, @n, @path, @patch, @before, @after, @temporary, @backup)`,
    ),
    setMade: db.prepare("UPDATE operation SET made_directories = ? WHERE id = ?"),
    setPhase: db.prepare("UPDATE operation SET phase = ?, error = coalesce(?, error) WHERE id = ?"),
    setKept: db.prepare("UPDATE operation_file SET kept = ? WHERE operation = ? AND n = ?"),
    // The plus sign: by its path, not by reading all that an operation has.
    kept: db.prepare<[string, string], { kept: string | null }>(
      "SELECT kept FROM operation_file WHERE +operation = ? AND path = ?",
    ),
    setIno: db.prepare("UPDATE operation_file SET temporary_ino = ? WHERE operation = ? AND n = ?"),
    closeRow: db.prepare(
      `UPDATE operation SET phase = @phase, ended_at = @at, made_directories = @made, removed_directories = @removed,
         error = coalesce(@error, error) WHERE id = @id`,
    ),
    closeFile: db.prepare(
      "UPDATE operation_file SET outcome = ?, rescued = coalesce(?, rescued) WHERE operation = ? AND n = ?",
    ),
    setRescued: db.prepare("UPDATE operation_file SET rescued = ? WHERE operation = ? AND n = ?"),
    clearNames: db.prepare("UPDATE operation_file SET temporary = NULL, backup = NULL WHERE operation = ?"),
    /** Of the paths that both operations have: which one has undone them in `of`. */
    setUndone: db.prepare<[{ of: string; row: string; by: string | null }]>(
      `UPDATE operation_file SET undone_by = @by WHERE operation = @of AND outcome = 'after'
       AND path IN (SELECT path FROM operation_file WHERE operation = @row AND outcome = 'after')`,
    ),
    /**
     * An apply and all undos that go back to it, oldest first; `isUndo`: takes back what the apply did. The cross join
     * keeps SQLite from looking through all operations for them.
     */
    family: db.prepare<[string], RawOperation & { isUndo: 0 | 1 }>(
      `WITH RECURSIVE
         above (id, undoes, depth) AS (
           SELECT id, undoes, 0 FROM operation WHERE id = ?
           UNION ALL SELECT one.id, one.undoes, depth + 1 FROM above JOIN operation one ON one.id = above.undoes),
         below (id, isUndo) AS (
           SELECT * FROM (SELECT id, 0 FROM above ORDER BY depth DESC LIMIT 1)
           UNION ALL SELECT one.id, 1 - isUndo FROM below JOIN operation one ON one.undoes = below.id)
       SELECT operation.*, isUndo FROM below CROSS JOIN operation USING (id) ORDER BY n`,
    ),
    list: list("TRUE"),
    listOfSession: list("session = @session"),
    // The plus signs keep SQLite from the other indexes: few operations have any one path.
    listOfPath: list(`id IN (SELECT operation FROM operation_file WHERE path = @path)
      AND (@session IS NULL OR +session = @session)`),
    // Asked with every promotion, of a log that grows for as long as it can be undone: each half has its own index.
    unclosed: db.prepare<[{ workspace: string }], unknown>(`SELECT 1 ${UNCLOSED} LIMIT 1`),
    open: db.prepare<[{ workspace: string }], RawOperation>(
      `SELECT * FROM operation WHERE +workspace = @workspace AND id IN
         (SELECT id ${UNCLOSED}
          UNION ALL SELECT operation FROM operation_file WHERE temporary IS NOT NULL OR backup IS NOT NULL)
       ORDER BY n`,
    ),
    applied: db.prepare<[string, string], RawOperation>(
      `SELECT * FROM operation WHERE session = ? AND digest = ? AND kind = 'apply' AND phase = 'applied'
       ORDER BY n DESC LIMIT 1`,
    ),
  };
}
