/**
 * Which content goes: blobs that nothing names, and files that no row names.
 * INVARIANT: the loop does not turn between asking whether a blob is held and its end.
 */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { isTemporaryName } from "../../disk/index.ts";
import type { Collected, Pass } from "./pass.ts";

/** Removed with one commit; what lies in the database is read to be freed. */
const AT_ONCE = 50;
const AT_ONCE_BYTES = 512 * 1024;

/** After removePatches: all that is named by then is known. */
export function* removeBlobs(pass: Pass): Generator<void> {
  const { sql, dryRun, blobs, report } = pass;
  for (let at = ""; ; ) {
    const page = sql.blobs.all(at);
    if (page.length === 0) return;
    const going: Collected[] = [];
    for (let bytes = 0; bytes < AT_ONCE_BYTES && going.length < AT_ONCE; ) {
      const next = page.shift();
      if (!next) break;
      at = next.hash;
      if (!isUnnamed(pass, next.hash)) continue;
      bytes += next.size;
      going.push({ what: "blob", id: next.hash, reason: "unnamed", bytes: next.size });
    }
    if (!dryRun && going.length > 0) blobs.remove(going.map(({ id }) => id));
    for (const one of going) report(one);
    if (pass.isOver()) yield;
  }
}

function isUnnamed({ isNamed, holds, sql, before }: Pass, hash: string): boolean {
  if (isNamed(hash) || holds.isHeld(hash)) return false;
  return (sql.createdAt.get(hash) as string) <= before.unnamed;
}

const FOLDER = /^[0-9a-f]{2}$/;
const HASH = /^[0-9a-f]{64}$/;

/** A file system's clock may be behind by its ticks. */
const CLOCK_SLACK_MS = 1000;

/** Files that a crash left without a row, and temporary ones of earlier runs. */
export function* removeStrays(pass: Pass): Generator<void> {
  const { directory, dryRun, blobs, report } = pass;
  for (const folder of readdirSync(directory).filter((name) => FOLDER.test(name))) {
    for (const name of readdirSync(join(directory, folder))) {
      const id = join(folder, name);
      const file = statSync(join(directory, id), { throwIfNoEntry: false });
      if (!file || !isStray(pass, name, file.mtimeMs)) continue;
      if (!dryRun) blobs.removeFile(id);
      report({ what: "file", id, reason: "stray", bytes: file.size, since: file.mtime.toISOString() });
      // The listing may be older than what comes next; a file that is gone by then is left out.
      if (pass.isOver()) yield;
    }
    if (pass.isOver()) yield;
  }
}

function isStray({ sql, holds, openedAt }: Pass, name: string, changedMs: number): boolean {
  if (HASH.test(name)) return sql.sizeOf.get(name) === undefined && !holds.isHeld(name);
  return isTemporaryName(name) && changedMs < openedAt - CLOCK_SLACK_MS;
}
