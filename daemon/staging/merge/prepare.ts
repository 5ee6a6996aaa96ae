/**
 * A merge onto the disk that is ready to be recorded: its bytes are durable, and it is known what it comes to.
 * Failure: as staging's; nothing is recorded before `record`.
 */
import type { SessionRow } from "../../store/index.ts";
import { type Deps, measureEffect, recordEffect } from "../stage.ts";
import { pathsOf } from "../stale.ts";
import type { View } from "../view.ts";
import { type MergedOnto, mergeOntoDisk, type Proposal } from "./onto-disk.ts";

export interface PreparedMerge extends MergedOnto {
  /** The paths that its patches change, a rename's two among them; what was merged to what is there already is not. */
  readonly changed: ReadonlySet<string>;
  /** Makes it pending patches of `session`, which is then no longer ready for review, with their events. */
  record(session: SessionRow, by: string | undefined): void;
}

export async function prepareMerge(
  deps: Deps,
  view: View,
  proposals: readonly Proposal[],
): Promise<PreparedMerge> {
  const onto = await mergeOntoDisk(deps, view, proposals);
  const effect = await measureEffect(deps, view);
  return {
    ...onto,
    changed: new Set(effect.wanted.flatMap(pathsOf)),
    record: (session, by) =>
      deps.store.transaction(() => {
        const patches = recordEffect(deps.store, session, view, effect, by);
        if (patches.length + effect.superseded.length > 0) deps.store.sessions.reopen(session.id);
      }),
  };
}
