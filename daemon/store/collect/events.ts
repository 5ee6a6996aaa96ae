/**
 * Which events are removed: the oldest, by their age, up to the first that is kept.
 * INVARIANT: what is left has no gap, and nobody who follows them is still to be told of one that goes.
 */
import type { Pass } from "./pass.ts";

export function* removeEvents(pass: Pass): Generator<void> {
  const { sql, dryRun, before, events, report } = pass;
  for (let at = 0; ; ) {
    const page = sql.events.all(at);
    const needed = events.neededFrom();
    const kept = page.findIndex((event) => event.at >= before.events || event.seq >= needed);
    const going = kept < 0 ? page : page.slice(0, kept);
    const [last] = going.slice(-1);
    if (!last) return;
    at = last.seq;
    if (!dryRun) pass.essential(() => sql.removeEvents.run(at));
    for (const { seq, at: since, workspace, bytes } of going)
      report({ what: "event", id: String(seq), reason: "age", workspace, bytes, since });
    if (kept >= 0) return;
    if (pass.isOver()) yield;
  }
}
