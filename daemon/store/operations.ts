/**
 * Operations: the append-only log of promotions and undos, which is also their write-ahead journal.
 * Owns the rows, their events, and that patches move with them (how: operation-moves.ts). The protocol that writes them
 * in this order is promotion's; shapes and the wire's form are operation-row.ts, the statements operation-sql.ts.
 * INVARIANT: every function that writes is one transaction, durable when it returns. All but `begin` are essential:
 * they tell what has become of files already.
 * INVARIANT: while `temporary` or `backup` of a file is set, a file of that name may exist, whatever the phase.
 */
import type { EventType } from "../../protocol/methods/index.ts";
import { IopipeError, isKind } from "../../protocol/wire/errors.ts";
import type { Database } from "./database.ts";
import type { Events } from "./events.ts";
import { newId, now } from "./ids.ts";
import type { Limits } from "./limits.ts";
import { standings } from "./operation-moves.ts";
import {
  type Closing,
  type Kept,
  type NewOperation,
  type OperationRow,
  operationToWire,
} from "./operation-row.ts";
import {
  prepareOperations,
  type RawOperation,
  readFileRow,
  readKept,
  readOperation,
  writeKept,
} from "./operation-sql.ts";
import { NO_END, type Page } from "./page.ts";
import { type PatchRow, patchToWire } from "./patch-row.ts";
import type { Patches } from "./patches.ts";
import type { Transactions } from "./transactions.ts";

export interface OperationQuery {
  readonly workspace: string;
  readonly path?: string | undefined;
  readonly session?: string | undefined;
}

export interface Operations {
  /** Opens a journal in phase `prepare`, with the event operation/started. */
  begin(operation: NewOperation): OperationRow;
  /** Takes a directory out of those that the operation makes: somebody else made it. */
  notMade(id: string, path: string): void;
  /** The decision: phase `commit`, with the inode of each temporary file, and what is kept of files that go, by `n`. */
  decide(id: string, inodes: ReadonlyMap<number, string>, kept?: ReadonlyMap<number, Kept>): void;
  /** What an operation kept of a file that it took away. */
  kept(id: string, path: string): Kept | undefined;
  /** Inodes of temporary files that recovery wrote anew. */
  rewritten(id: string, inodes: ReadonlyMap<number, string>): void;
  /** Phase `rollback`. */
  rollBack(id: string, error: string): void;
  /** Closes a journal: outcomes, the patches' moves, and the event, in one transaction. */
  close(id: string, closing: Closing): OperationRow;
  /** The temporary files of closed operations are gone for good; blobs of late edits found in them, by `n`. */
  swept(operations: readonly { readonly id: string; readonly rescued: ReadonlyMap<number, string> }[]): void;
  /** @throws {IopipeError} OperationNotFound */
  require(id: string): OperationRow;
  get(id: string): OperationRow | undefined;
  /** Newest first. */
  list(query: OperationQuery, page: Page): OperationRow[];
  /** The operation, what it goes back to, and all undos that go back to the same: oldest first. */
  family(id: string): Pick<OperationRow, "id" | "madeDirectories" | "removedDirectories">[];
  /** Those that recovery must look at, oldest first. */
  openJournals(workspace: string): OperationRow[];
  /** Whether there is one of those. */
  isOpen(workspace: string): boolean;
  /** Whether there is one whose targets may be in any state; of the others only files of ours may be left. */
  isUnclosed(workspace: string): boolean;
  /** The newest committed apply of a session with this digest. */
  lastWithDigest(session: string, digest: string): OperationRow | undefined;
  /** The patches that an operation concerns. */
  patchesOf(id: string): string[];
  /** A person has looked at what needed attention. @throws {IopipeError} IllegalState when nothing does */
  resolve(id: string): OperationRow;
}

export interface OperationsDeps extends Transactions {
  readonly db: Database;
  readonly events: Events;
  readonly patches: Patches;
  readonly limits: Pick<Limits, "undoMs">;
}

const CLOSING_EVENTS: Readonly<Record<Closing["phase"], EventType>> = {
  applied: "operation/committed",
  aborted: "operation/rolledBack",
  attention: "operation/needsAttention",
};

export function openOperations(deps: OperationsDeps): Operations {
  const { db, events, patches, limits, transaction, essential } = deps;
  const sql = prepareOperations(db);
  const toRow = (raw: RawOperation): OperationRow =>
    readOperation(raw, sql.filesOf.all(raw.id).map(readFileRow), limits.undoMs);
  const get = (id: string): OperationRow | undefined => {
    const raw = sql.byId.get(id);
    return raw && toRow(raw);
  };
  const mustGet = (id: string): OperationRow => {
    const row = get(id);
    if (!row) throw new IopipeError("OperationNotFound", `There is no operation ${id}.`, { operation: id });
    return row;
  };
  const announce = (type: EventType, row: OperationRow): OperationRow => {
    const { workspace, session, by } = row;
    events.append({ type, workspace, session, by }, () => ({ operation: operationToWire(row) }));
    return row;
  };
  const setInodes = (id: string, inodes: ReadonlyMap<number, string>): void => {
    for (const [n, ino] of inodes) sql.setIno.run(ino, id, n);
  };

  /** An undo takes back what its whole family did with its paths, or does it again: an undo of an undo is a redo. */
  const markUndone = (row: OperationRow): void => {
    if (row.undoes === undefined) return;
    const family = sql.family.all(row.id);
    const isUndo = family.find(({ id }) => id === row.id)?.isUndo;
    for (const one of family)
      if (one.id !== row.id)
        sql.setUndone.run({ of: one.id, row: row.id, by: one.isUndo === isUndo ? null : row.id });
  };
  const announceStale = ({ workspace, by }: OperationRow, patch: PatchRow): void => {
    events.append({ type: "patch/stale", workspace, session: patch.session, by }, () => ({
      patch: patchToWire(patch),
    }));
  };
  const movePatches = (row: OperationRow): void => {
    for (const [patch, standing] of standings(row, sql.byId)) {
      // Purged, or moved by its session, since the operation began: the operation's row is what happened on disk.
      try {
        const moved = patches.move(patch, standing);
        if (moved.reason === "stale") announceStale(row, moved);
      } catch (error) {
        if (!isKind(error, "PatchNotFound", "IllegalState")) throw error;
      }
    }
  };

  return {
    begin: (operation) =>
      transaction(() => {
        const id = newId("o");
        sql.insert.run({
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
          sql.insertFile.run({
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
        return announce("operation/started", mustGet(id));
      }),
    notMade: (id, path) =>
      essential(() => {
        const made = mustGet(id).madeDirectories.filter((directory) => directory.path !== path);
        sql.setMade.run(JSON.stringify(made), id);
      }),
    decide: (id, inodes, kept = new Map()) =>
      essential(() => {
        setInodes(id, inodes);
        for (const [n, one] of kept) sql.setKept.run(writeKept(one), id, n);
        sql.setPhase.run("commit", null, id);
      }),
    kept: (id, path) => {
      const text = sql.kept.get(id, path)?.kept;
      return text ? readKept(text) : undefined;
    },
    rewritten: (id, inodes) => essential(() => setInodes(id, inodes)),
    rollBack: (id, error) => void essential(() => sql.setPhase.run("rollback", error, id)),
    close: (id, closing) =>
      essential(() => {
        sql.closeRow.run({
          id,
          phase: closing.phase,
          at: now(),
          made: JSON.stringify(closing.madeDirectories),
          removed: JSON.stringify(closing.removedDirectories),
          error: closing.error ?? null,
        });
        for (const { n, outcome, rescued } of closing.files)
          sql.closeFile.run(outcome, rescued ?? null, id, n);
        if (closing.swept) sql.clearNames.run(id);
        const row = mustGet(id);
        if (closing.phase !== "aborted") {
          markUndone(row);
          movePatches(row);
        }
        return announce(CLOSING_EVENTS[closing.phase], row);
      }),
    swept: (operations) =>
      essential(() => {
        for (const { id, rescued } of operations) {
          for (const [n, blob] of rescued) sql.setRescued.run(blob, id, n);
          sql.clearNames.run(id);
        }
      }),
    get,
    require: mustGet,
    list: ({ workspace, path = null, session = null }, { limit, before = NO_END }) => {
      const ofSession = session === null ? sql.list : sql.listOfSession;
      const list = path === null ? ofSession : sql.listOfPath;
      return list.all({ workspace, path, session, before, limit }).map(toRow);
    },
    family: (id) => sql.family.all(id).map((raw) => readOperation(raw, [], limits.undoMs)),
    openJournals: (workspace) => sql.open.all({ workspace }).map(toRow),
    isOpen: (workspace) => sql.open.get({ workspace }) !== undefined,
    isUnclosed: (workspace) => sql.unclosed.get({ workspace }) !== undefined,
    lastWithDigest: (session, digest) => {
      const raw = sql.applied.get(session, digest);
      return raw && toRow(raw);
    },
    patchesOf: (id) => [...new Set(mustGet(id).files.flatMap(({ patch }) => patch ?? []))],
    resolve: (id) =>
      essential(() => {
        const { phase } = mustGet(id);
        if (phase !== "attention")
          throw new IopipeError("IllegalState", `Operation ${id} does not need attention.`, {
            operation: id,
          });
        sql.setPhase.run("resolved", null, id);
        return mustGet(id);
      }),
  };
}
