/** Operations as SQLite gives them, and their translation into rows (operation-row.ts). */
import type { Image } from "../../protocol/methods/index.ts";
import type { DirectoryChange, OperationFileRow, OperationRow, Outcome, Phase } from "./operation-row.ts";

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

export function readOperation(raw: RawOperation, files: readonly OperationFileRow[]): OperationRow {
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
