/**
 * Operations as rows and as the wire shows them: the shapes of the journal, and the one translation of its phases.
 * Owns no SQL (operations.ts) and no move between phases (promotion).
 */

import type { Image, Operation, OperationState } from "../../protocol/methods/index.ts";
import type { ExtendedAttributes } from "../disk/index.ts";

/**
 * How far an operation is. Open: `prepare` rolls back, `commit` rolls forward, `rollback` goes on rolling back.
 * Closed: `applied`, `aborted`, `attention` (a person must look), `resolved` (one has), `cleared` (what is needed to undo
 * it is not kept any more; of the other closed ones, but for attention).
 */
export type Phase =
  | "prepare"
  | "commit"
  | "rollback"
  | "applied"
  | "aborted"
  | "attention"
  | "resolved"
  | "cleared";

export type Outcome = "before" | "after" | "foreign";

/** What a file has beside its bytes and mode. */
export interface Kept {
  readonly uid: number;
  readonly gid: number;
  /** Undefined where they are not to be changed. */
  readonly extended?: ExtendedAttributes | undefined;
}

/** A directory that an operation makes or removes; `mode` undefined leaves it to the umask. */
export interface DirectoryChange {
  readonly path: string;
  readonly mode?: number | undefined;
}

export interface OperationFileRow {
  readonly n: number;
  readonly path: string;
  readonly patch?: string;
  /** As it was on disk at apply. Its bytes are in the blob store before the row is written. */
  readonly before: Image;
  readonly after: Image;
  /** Paths of our files while they may exist: until the operation is closed and swept. */
  readonly temporary?: string;
  readonly backup?: string;
  /** The temporary file's inode, known from the decision on: proof of whose swap put a file at the target. */
  readonly temporaryIno?: string;
  readonly outcome?: Outcome;
  readonly undoneBy?: string;
  /** Blob with the bytes of a late edit. */
  readonly rescued?: string;
}

export interface OperationRow {
  /** Counts the store's operations; newer is greater. */
  readonly n: number;
  readonly id: string;
  readonly workspace: string;
  readonly session?: string;
  readonly title?: string;
  readonly agent?: string;
  readonly by?: string;
  readonly kind: "apply" | "undo";
  readonly phase: Phase;
  readonly undoes?: string;
  readonly digest?: string;
  readonly startedAt: string;
  readonly endedAt?: string;
  /** Once it is closed, until it is cleared: that long at least its undo data is kept, within the store's budget. */
  readonly keptUntil?: string;
  readonly madeDirectories: readonly DirectoryChange[];
  readonly removedDirectories: readonly DirectoryChange[];
  /** What went wrong, for people. */
  readonly error?: string;
  readonly files: readonly OperationFileRow[];
}

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

/** An operation as results and events carry it. */
export function operationToWire(row: OperationRow): Operation {
  const state = stateOf(row);
  return {
    id: row.id,
    workspace: row.workspace,
    ...(row.session !== undefined && { session: row.session }),
    ...(row.title !== undefined && { title: row.title }),
    ...(row.agent !== undefined && { agent: row.agent }),
    kind: row.kind,
    state,
    startedAt: row.startedAt,
    ...(row.endedAt !== undefined && { endedAt: row.endedAt }),
    ...(row.undoes !== undefined && { undoes: row.undoes }),
    ...(row.keptUntil !== undefined && state !== "rolledBack" && { undoableUntil: row.keptUntil }),
    ...(row.phase === "cleared" && { cleared: true }),
    files: row.files.map(({ path, before, after, outcome, undoneBy, rescued }) => ({
      path,
      before,
      after,
      ...(outcome !== undefined && { outcome }),
      ...(undoneBy !== undefined && { undoneBy }),
      ...(rescued !== undefined && { rescued }),
    })),
  };
}

const STATES: Readonly<Record<Exclude<Phase, "resolved" | "cleared">, OperationState>> = {
  prepare: "running",
  commit: "running",
  rollback: "running",
  applied: "committed",
  aborted: "rolledBack",
  attention: "needsAttention",
};

/** One that was resolved or cleared is what became of most: committed where a file of it stands, else rolled back. */
function stateOf({ phase, files }: OperationRow): OperationState {
  if (phase !== "resolved" && phase !== "cleared") return STATES[phase];
  return files.some(({ outcome }) => outcome === "after") ? "committed" : "rolledBack";
}
