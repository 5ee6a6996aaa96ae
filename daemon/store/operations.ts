/**
 * Operations: the append-only log of promotions and undos, which is also their write-ahead journal.
 * Owns the rows, their events, and the moves of patches that a closing operation makes. The protocol that writes them
 * in this order is promotion's; shapes and the wire's form are operation-row.ts.
 * INVARIANT: every function that writes is one transaction, durable when it returns.
 * INVARIANT: while `temporary` or `backup` of a file is set, a file of that name may exist, whatever the phase.
 */
import type { EventType } from "../../protocol/methods/index.ts";
import { IopipeError, isKind } from "../../protocol/wire/errors.ts";
import type { Database } from "./database.ts";
import type { Events } from "./events.ts";
import { newId, now } from "./ids.ts";
import { standings } from "./operation-moves.ts";
import {
  type DirectoryChange,
  type OperationFileRow,
  type OperationRow,
  type Outcome,
  operationToWire,
} from "./operation-row.ts";
import { type RawFile, type RawOperation, readFileRow, readOperation } from "./operation-sql.ts";
import type { Patches } from "./patches.ts";

/** What an operation is when it begins. */
export type NewOperation = Pick<OperationRow, "workspace" | "kind"> & {
  readonly session?: string | undefined;
  readonly title?: string | undefined;
  readonly agent?: string | undefined;
  readonly by?: string | undefined;
  readonly undoes?: string | undefined;
  readonly digest?: string | undefined;
  readonly madeDirectories: readonly DirectoryChange[];
  readonly removedDirectories: readonly DirectoryChange[];
  readonly files: readonly (Pick<OperationFileRow, "path" | "before" | "after"> & {
    readonly patch?: string | undefined;
    readonly temporary?: string | undefined;
    readonly backup?: string | undefined;
  })[];
};

export interface FileClosing {
  readonly n: number;
  readonly outcome: Outcome;
  readonly rescued?: string | undefined;
}

export interface Closing {
  readonly phase: "applied" | "aborted" | "attention";
  readonly files: readonly FileClosing[];
  /** The directories that were in fact made and removed. */
  readonly madeDirectories: readonly DirectoryChange[];
  readonly removedDirectories: readonly DirectoryChange[];
  /** Whether our temporary files are gone for good; else their names are kept, and the journal counts as open. */
  readonly swept: boolean;
  readonly error?: string | undefined;
}

export interface OperationQuery {
  readonly workspace: string;
  readonly path?: string | undefined;
  readonly session?: string | undefined;
  /** Only operations of these sessions (a proposer's view). */
  readonly sessions?: ReadonlySet<string> | undefined;
}

export interface Operations {
  /** Opens a journal in phase `prepare`, with the event operation/started. */
  begin(operation: NewOperation): OperationRow;
  /** Takes a directory out of those that the operation makes: somebody else made it. */
  notMade(id: string, path: string): void;
  /** The decision: phase `commit`, with the inode of each temporary file by `n`. */
  decide(id: string, inodes: ReadonlyMap<number, string>): void;
  /** Inodes of temporary files that recovery wrote anew. */
  rewritten(id: string, inodes: ReadonlyMap<number, string>): void;
  /** Phase `rollback`. */
  rollBack(id: string, error: string): void;
  /** Closes a journal: outcomes, the patches' moves, and the event, in one transaction. */
  close(id: string, closing: Closing): OperationRow;
  /** The temporary files of a closed operation are gone; blobs of late edits found in them, by `n`. */
  swept(id: string, rescued: ReadonlyMap<number, string>): void;
  /** @throws {IopipeError} OperationNotFound */
  require(id: string): OperationRow;
  get(id: string): OperationRow | undefined;
  /** Newest first. */
  list(query: OperationQuery): OperationRow[];
  /** Those that recovery must look at, oldest first. */
  openJournals(workspace: string): OperationRow[];
  /** The newest committed apply of a session with this digest. */
  lastWithDigest(session: string, digest: string): OperationRow | undefined;
  /** The patches that an operation concerns. */
  patchesOf(id: string): string[];
  /** A person has looked at what needed attention. @throws {IopipeError} IllegalState when nothing does */
  resolve(id: string): OperationRow;
}

export interface OperationsDeps {
  readonly db: Database;
  readonly events: Events;
  readonly patches: Patches;
  transaction<T>(work: () => T): T;
}

const CLOSING_EVENTS: Readonly<Record<Closing["phase"], EventType>> = {
  applied: "operation/committed",
  aborted: "operation/rolledBack",
  attention: "operation/needsAttention",
};

const OPEN = `(phase IN ('prepare', 'commit', 'rollback') OR EXISTS (SELECT 1 FROM operation_file f
  WHERE f.operation = o.id AND (f.temporary IS NOT NULL OR f.backup IS NOT NULL)))`;

export function openOperations({ db, events, patches, transaction }: OperationsDeps): Operations {
  const byId = db.prepare<[string], RawOperation>("SELECT * FROM operation WHERE id = ?");
  const filesOf = db.prepare<[string], RawFile>(
    "SELECT * FROM operation_file WHERE operation = ? ORDER BY n",
  );
  const insert = db.prepare(
    `INSERT INTO operation (id, workspace, session, title, agent, by, kind, phase, undoes, digest, started_at,
       made_directories, removed_directories)
     VALUES (@id, @workspace, @session, @title, @agent, @by, @kind, 'prepare', @undoes, @digest, @at, @made, @removed)`,
  );
  const insertFile = db.prepare(
    `INSERT INTO operation_file (operation, n, path, patch, before, after, temporary, backup)
     VALUES (@operation, @n, @path, @patch, @before, @after, @temporary, @backup)`,
  );
  const setMade = db.prepare("UPDATE operation SET made_directories = ? WHERE id = ?");
  const setPhase = db.prepare("UPDATE operation SET phase = ?, error = coalesce(?, error) WHERE id = ?");
  const setIno = db.prepare("UPDATE operation_file SET temporary_ino = ? WHERE operation = ? AND n = ?");
  const closeRow = db.prepare(
    `UPDATE operation SET phase = @phase, ended_at = @at, made_directories = @made, removed_directories = @removed,
       error = coalesce(@error, error) WHERE id = @id`,
  );
  const closeFile = db.prepare(
    "UPDATE operation_file SET outcome = ?, rescued = coalesce(?, rescued) WHERE operation = ? AND n = ?",
  );
  const setRescued = db.prepare("UPDATE operation_file SET rescued = ? WHERE operation = ? AND n = ?");
  const clearNames = db.prepare(
    "UPDATE operation_file SET temporary = NULL, backup = NULL WHERE operation = ?",
  );
  const setUndone = db.prepare("UPDATE operation_file SET undone_by = ? WHERE operation = ? AND path = ?");
  const clearUndone = db.prepare(
    "UPDATE operation_file SET undone_by = NULL WHERE operation = ? AND undone_by = ? AND path = ?",
  );
  const list = db.prepare<[{ workspace: string; session: string | null; path: string | null }], RawOperation>(
    `SELECT * FROM operation o WHERE workspace = @workspace AND (@session IS NULL OR session = @session)
     AND (@path IS NULL OR EXISTS (SELECT 1 FROM operation_file f WHERE f.operation = o.id AND f.path = @path))
     ORDER BY n DESC`,
  );
  const open = db.prepare<[string], RawOperation>(
    `SELECT * FROM operation o WHERE workspace = ? AND ${OPEN} ORDER BY n`,
  );
  const applied = db.prepare<[string, string], RawOperation>(
    `SELECT * FROM operation WHERE session = ? AND digest = ? AND kind = 'apply' AND phase = 'applied'
     ORDER BY n DESC LIMIT 1`,
  );

  const toRow = (raw: RawOperation): OperationRow => readOperation(raw, filesOf.all(raw.id).map(readFileRow));
  const get = (id: string): OperationRow | undefined => {
    const raw = byId.get(id);
    return raw && toRow(raw);
  };
  const mustGet = (id: string): OperationRow => {
    const row = get(id);
    if (!row) throw new IopipeError("OperationNotFound", `There is no operation ${id}.`, { operation: id });
    return row;
  };
  const announce = (type: EventType, { id, workspace, session, by }: OperationRow): void => {
    events.append({ type, workspace, session, by }, () => ({ operation: operationToWire(mustGet(id)) }));
  };
  const setInodes = (id: string, inodes: ReadonlyMap<number, string>): void => {
    for (const [n, ino] of inodes) setIno.run(ino, id, n);
  };

  /** What became of each path of an undone operation. An undo of an undo makes the first operation undoable again. */
  const markUndone = (row: OperationRow): void => {
    if (row.undoes === undefined) return;
    const undone = byId.get(row.undoes)?.undoes ?? null;
    for (const { path, outcome } of row.files) {
      if (outcome !== "after") continue;
      setUndone.run(row.id, row.undoes, path);
      if (undone !== null) clearUndone.run(undone, row.undoes, path);
    }
  };
  const movePatches = (row: OperationRow): void => {
    for (const [patch, standing] of standings(row, byId)) {
      // Purged, or moved by its session, since the operation began: the operation's row is what happened on disk.
      try {
        patches.move(patch, standing);
      } catch (error) {
        if (!isKind(error, "PatchNotFound", "IllegalState")) throw error;
      }
    }
  };

  return {
    begin: (operation) =>
      transaction(() => {
        const id = newId("o");
        insert.run({
          id,
          workspace: operation.workspace,
          kind: operation.kind,
          session: operation.session ?? null,
          title: operation.title ?? null,
          agent: operation.agent ?? null,
          by: operation.by ?? null,
          undoes: operation.undoes ?? null,
          digest: operation.digest ?? null,
          at: now(),
          made: JSON.stringify(operation.madeDirectories),
          removed: JSON.stringify(operation.removedDirectories),
        });
        for (const [n, file] of operation.files.entries()) {
          insertFile.run({
            operation: id,
            n,
            path: file.path,
            patch: file.patch ?? null,
            before: JSON.stringify(file.before),
            after: JSON.stringify(file.after),
            temporary: file.temporary ?? null,
            backup: file.backup ?? null,
          });
        }
        const row = mustGet(id);
        announce("operation/started", row);
        return row;
      }),
    notMade: (id, path) => {
      const made = mustGet(id).madeDirectories.filter((directory) => directory.path !== path);
      setMade.run(JSON.stringify(made), id);
    },
    decide: (id, inodes) =>
      transaction(() => {
        setInodes(id, inodes);
        setPhase.run("commit", null, id);
      }),
    rewritten: (id, inodes) => transaction(() => setInodes(id, inodes)),
    rollBack: (id, error) => void setPhase.run("rollback", error, id),
    close: (id, closing) =>
      transaction(() => {
        closeRow.run({
          id,
          phase: closing.phase,
          at: now(),
          made: JSON.stringify(closing.madeDirectories),
          removed: JSON.stringify(closing.removedDirectories),
          error: closing.error ?? null,
        });
        for (const { n, outcome, rescued } of closing.files) closeFile.run(outcome, rescued ?? null, id, n);
        if (closing.swept) clearNames.run(id);
        const row = mustGet(id);
        if (closing.phase !== "aborted") {
          markUndone(row);
          movePatches(row);
        }
        announce(CLOSING_EVENTS[closing.phase], row);
        return mustGet(id);
      }),
    swept: (id, rescued) =>
      transaction(() => {
        for (const [n, blob] of rescued) setRescued.run(blob, id, n);
        clearNames.run(id);
      }),
    get,
    require: mustGet,
    list: ({ workspace, path, session, sessions }) =>
      list
        .all({ workspace, session: session ?? null, path: path ?? null })
        .filter((raw) => !sessions || (raw.session !== null && sessions.has(raw.session)))
        .map(toRow),
    openJournals: (workspace) => open.all(workspace).map(toRow),
    lastWithDigest: (session, digest) => {
      const raw = applied.get(session, digest);
      return raw && toRow(raw);
    },
    patchesOf: (id) => [...new Set(mustGet(id).files.flatMap(({ patch }) => patch ?? []))],
    resolve: (id) => {
      const { phase } = mustGet(id);
      if (phase !== "attention")
        throw new IopipeError("IllegalState", `Operation ${id} does not need attention.`, { operation: id });
      setPhase.run("resolved", null, id);
      return mustGet(id);
    },
  };
}

export {
  type DirectoryChange,
  type OperationFileRow,
  type OperationRow,
  type Outcome,
  operationToWire,
  type Phase,
} from "./operation-row.ts";
