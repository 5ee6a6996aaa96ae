/**
 * Sessions and patches as the wire shows them, with what is computed and never stored: a session's state, digest and
 * counts, a patch's conflicts.
 */
import type { Patch, Session, Verdict } from "../../protocol/methods/index.ts";
import {
  type LayerRow,
  type PatchRow,
  patchToWire,
  type SessionRow,
  type Store,
  type VerdictRow,
} from "../store/index.ts";
import { conflictsOf } from "./conflicts.ts";
import { digestOf } from "./digest.ts";

/** A session as it stands now; `row` may be older, its patches and its number are read afresh. */
export function sessionToWire(store: Store, row: Pick<SessionRow, "id">): Session {
  const session = store.sessions.require(row.id);
  const layer = store.layers.get(session.id);
  const state = store.sessions.stateOf(session.id);
  const digest = digestOf(store, session.id);
  const verdicts = store.verdicts.ofSession(session.id);
  const { rejected, ...patches } = store.sessions.counts(session.id);
  return {
    id: session.id,
    workspace: session.workspace,
    title: session.title,
    ...(session.agent !== undefined && { agent: session.agent }),
    ...(session.key !== undefined && { key: session.key }),
    ...(session.scope !== undefined && { scope: [...session.scope] }),
    state,
    ready: session.ready,
    ...(session.message !== undefined && { message: session.message }),
    digest,
    seq: session.seq,
    createdAt: session.createdAt,
    updatedAt: session.updatedAt,
    ...(verdicts.length > 0 && {
      // Of what was applied they say what they said.
      verdicts: verdicts.map((row) => verdictToWire(row, state === "Pending" ? digest : row.digest)),
    }),
    ...(layer && { layer: layerToWire(layer) }),
    patches,
    ...(rejected > 0 && { rejected }),
  };
}

function layerToWire({ backend, createdAt: since, problem }: LayerRow): Session["layer"] {
  return { backend, since, ...(problem !== undefined && { problem }) };
}

/** A verdict where `digest` is what is staged now. */
export function verdictToWire(row: VerdictRow, digest: string): Verdict {
  const { n: _, session: __, workspace: ___, treeChanged, command, ...rest } = row;
  const fallen = row.digest !== digest ? "staged" : treeChanged ? "tree" : undefined;
  return { ...rest, command: [...command], ...(fallen && { void: fallen }) };
}

/** Patches of one workspace as results and events carry them. */
export function patchesToWire(store: Store, rows: readonly PatchRow[]): Patch[] {
  const conflicts = conflictsOf(store, rows);
  return rows.map((row) => ({ ...patchToWire(row), conflicts: conflicts.get(row.id) ?? [] }));
}
