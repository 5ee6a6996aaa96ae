/** A patch's row: its shape, and its translations from what SQLite gives and to the wire. The SQL is patch-sql.ts. */
import { createHash } from "node:crypto";
import type {
  Decision,
  DiscardReason,
  Image,
  Patch,
  PatchKind,
  PatchState,
} from "../../protocol/methods/index.ts";

/** What was found out about a patch when it was staged, of its content and so for good; absent where nothing was. */
interface Findings extends Pick<Patch, "risk" | "match" | "syntax"> {
  /** Which lines of the base it changes: 0-based ranges, ends excluded. Only where its content is lines, and changes. */
  readonly touched?: readonly (readonly [start: number, end: number])[];
}

export interface PatchRow {
  readonly id: string;
  readonly session: string;
  readonly workspace: string;
  readonly path: string;
  readonly kind: PatchKind;
  readonly from?: string;
  readonly state: PatchState;
  readonly reason?: DiscardReason;
  readonly base: Image;
  readonly after: Image;
  readonly added: number;
  readonly removed: number;
  readonly binary: boolean;
  readonly fullReplace: boolean;
  readonly decision: Decision;
  readonly note?: string;
  readonly breakHardLinks: boolean;
  readonly findings: Findings;
  /** The operation that applied it, while it is Applied or was undone. */
  readonly operation?: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  /** Order of staging. */
  readonly n: number;
}

export type NewPatch = Omit<
  PatchRow,
  "state" | "reason" | "decision" | "operation" | "createdAt" | "updatedAt" | "n"
>;

export interface RawPatch {
  n: number;
  id: string;
  session: string;
  workspace: string;
  path: string;
  kind: PatchKind;
  from_path: string | null;
  state: PatchState;
  reason: DiscardReason | null;
  base: string;
  after: string;
  added: number;
  removed: number;
  is_binary: number;
  full_replace: number;
  decision: Decision;
  note: string | null;
  break_hard_links: number;
  findings: string;
  operation: string | null;
  created_at: string;
  updated_at: string;
}

/**
 * What applying a patch would do, as lowercase hex sha256: what a session's digest is made of. It covers path, kind,
 * from, base and after (existence, type, content, mode, target) and nothing else: no ids, times or sizes, so that it
 * differs exactly where what would be applied does.
 */
export function effectOf({ path, kind, from, base, after }: Effect): string {
  // JSON of an array, so that the order of fields cannot vary; absent is null.
  const canonical = JSON.stringify([path, kind, from ?? null, aspects(base), aspects(after)]);
  return createHash("sha256").update(canonical).digest("hex");
}

type Effect = Pick<PatchRow, "path" | "kind" | "from" | "base" | "after">;

function aspects({ exists, type, hash, target, mode }: Image): unknown[] {
  return [exists, type ?? null, hash ?? null, target ?? null, mode ?? null];
}

/** A row as SQLite gives it, as a row. */
export function readPatch(raw: RawPatch): PatchRow {
  return {
    id: raw.id,
    session: raw.session,
    workspace: raw.workspace,
    path: raw.path,
    kind: raw.kind,
    ...(raw.from_path !== null && { from: raw.from_path }),
    state: raw.state,
    ...(raw.reason !== null && { reason: raw.reason }),
    base: JSON.parse(raw.base) as Image,
    after: JSON.parse(raw.after) as Image,
    added: raw.added,
    removed: raw.removed,
    binary: raw.is_binary === 1,
    fullReplace: raw.full_replace === 1,
    decision: raw.decision,
    ...(raw.note !== null && { note: raw.note }),
    breakHardLinks: raw.break_hard_links === 1,
    findings: JSON.parse(raw.findings) as Findings,
    ...(raw.operation !== null && { operation: raw.operation }),
    createdAt: raw.created_at,
    updatedAt: raw.updated_at,
    n: raw.n,
  };
}

/** A patch as results and events carry it, but for its conflicts, which are other patches' (staging/wire.ts). */
export function patchToWire(row: PatchRow): Patch {
  const { touched: _, ...shown } = row.findings;
  return {
    id: row.id,
    session: row.session,
    path: row.path,
    kind: row.kind,
    ...(row.from !== undefined && { from: row.from }),
    state: row.state,
    ...(row.reason !== undefined && { reason: row.reason }),
    base: row.base,
    after: row.after,
    added: row.added,
    removed: row.removed,
    binary: row.binary,
    fullReplace: row.fullReplace,
    ...shown,
    decision: row.decision,
    ...(row.note !== undefined && { note: row.note }),
    conflicts: [],
  };
}
