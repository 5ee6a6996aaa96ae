/**
 * Which patches are removed: applied and undone ones with their operation, discarded ones by their age; and each session
 * with its last patch. Every patch that stays names its content.
 */
import type { Collected, Pass } from "./pass.ts";
import type { PatchToCollect, SessionToCollect } from "./sql.ts";

export function* removePatches(pass: Pass): Generator<void> {
  const { sql, dryRun, report } = pass;
  /** Sessions by how many of their patches go. */
  const goneOf = new Map<string, number>();
  for (let at = 0; ; ) {
    const page = sql.patches.all(at);
    const [last] = page.slice(-1);
    if (!last) break;
    at = last.n;
    const going = page.flatMap((patch) => collectedPatch(pass, patch) ?? []);
    for (const one of going) report(one.collected);
    for (const { session } of going) goneOf.set(session, (goneOf.get(session) ?? 0) + 1);
    if (!dryRun && going.length > 0) for (const one of remove(pass, going)) report(one);
    if (pass.isOver()) yield;
  }
  if (!dryRun) return;
  for (const [id, gone] of goneOf)
    if (sql.patchesOf.get(id) === gone)
      for (const one of sql.unused.all(unused(pass, id))) report(empty(one));
}

interface Going {
  readonly session: string;
  readonly collected: Collected;
}

function collectedPatch(pass: Pass, patch: PatchToCollect): Going | undefined {
  const { id, session, workspace, path, updated_at: since } = patch;
  const reason = reasonFor(pass, patch);
  if (reason) return { session, collected: { what: "patch", id, reason, workspace, path, since } };
  pass.name([patch.base, patch.after]);
  return undefined;
}

function reasonFor({ sql, cleared, before }: Pass, patch: PatchToCollect) {
  const { state, reason, operation, updated_at } = patch;
  if (state === "Pending" || reason === "stale") return undefined;
  if (state !== "Applied" && reason !== "undone") return updated_at < before.discarded ? "age" : undefined;
  if (operation === null) return undefined;
  // One that an earlier pass has cleared may have been left with patches.
  return cleared.has(operation) || sql.phaseOf.get(operation) === "cleared" ? "cleared" : undefined;
}

/** Removes them, and their sessions where they were the last and nobody has used those since. */
function remove(pass: Pass, going: readonly Going[]): Collected[] {
  const { sql } = pass;
  const sessions = [...new Set(going.map(({ session }) => session))];
  return pass.essential(() => {
    for (const { collected } of going) sql.removePatch.run(collected.id);
    return sessions.flatMap((id) => sql.removeSession.all(unused(pass, id))).map(empty);
  });
}

function unused({ before }: Pass, id: string) {
  return { id, usedBefore: before.discarded, leaseBefore: before.lease };
}

function empty({ id, workspace, title, updated_at: since }: SessionToCollect): Collected {
  return { what: "session", id, reason: "empty", workspace, ...(title && { title }), since };
}
