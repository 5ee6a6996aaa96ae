/**
 * Clearing large trees: takes out the rows below a directory a page at a time, before the directory's own row goes, so
 * that a moved or ignored tree of any size never holds up the loop.
 * Owns the paging only; what remains, less than a page, goes with the directory (ledger.ts, scan.ts).
 * RACE: between two pages an own write may bring a path back to life below; clearing stops there, and what is left is
 * looked at again with its directory.
 */

import { setImmediate } from "node:timers/promises";
import type { WatchRow } from "../store/watch-row.ts";
import { type Finding, type Ground, isPublished } from "./examine.ts";

/** Rows handled between two turns of the loop: some ten milliseconds. */
const PAGE = 500;

/** Clears the way for what was found: rows below a directory that is gone, replaced or ignored now. */
export async function clearFor(ground: Ground, finding: Finding): Promise<void> {
  const isVanish = finding.do === "vanish";
  if (!isVanish && finding.do !== "record" && (finding.do !== "fold" || !finding.seen)) return;
  const kind = ground.ledger.table.kind(finding.path);
  // What is exempt lies below an ignored directory, and vanishes with it.
  if (kind !== "directory" && !(isVanish && kind === "folded")) return;
  if (finding.do !== "fold") await clearBelow(ground, finding.path, (rows) => ground.ledger.bury(rows));
  else await forgetBelow(ground, finding.path);
}

/** Takes out all rows below an ignored directory without calling them deleted. */
async function forgetBelow(ground: Ground, directory: string): Promise<void> {
  const forget = (rows: readonly WatchRow[]): void => {
    for (const row of rows) ground.ledger.table.forget(row.path);
  };
  await clearBelow(ground, directory, forget);
  ground.ledger.write(() => forget(ground.ledger.table.below(directory, PAGE)));
}

async function clearBelow(
  ground: Ground,
  directory: string,
  clear: (rows: readonly WatchRow[]) => void,
): Promise<void> {
  const { ledger, direct } = ground;
  for (;;) {
    const rows = ledger.table.below(directory, PAGE);
    if (rows.length < PAGE || isPublished(ground, directory)) return;
    ledger.write(() => clear(rows));
    for (const row of rows) if (row.kind === "directory") direct.drop(row.path);
    await setImmediate();
  }
}
