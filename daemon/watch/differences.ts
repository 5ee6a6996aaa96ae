/**
 * Differences: where the table and the disk do not say the same. Reads both, writes neither.
 * Owns what counts as one: what a client could be told of, and a directory that is another one or not listed. What was
 * only on its way is told apart by audit.ts.
 */

import { readdir } from "node:fs/promises";
import path from "node:path";
import type { AuditDifference } from "../../protocol/methods/values.ts";
import { joinPath } from "../disk/path.ts";
import type { WatchRow } from "../store/watch-row.ts";
import type { Ground } from "./examine.ts";
import { eachAtOnce, isAbsent, type Seen, sameStat } from "./look.ts";

/** A path that differs, and what was seen there. */
export interface Suspect extends AuditDifference {
  readonly seen: Seen | undefined;
}

export interface Compared {
  readonly suspects: readonly Suspect[];
  /** Listed directories right below. */
  readonly directories: readonly string[];
  /** How many paths were looked at. */
  readonly paths: number;
}

/** Names looked at between two turns of the loop. */
const CHUNK = 500;

/** Compares what is right below `directory`; one that cannot be read has no differences, as it has no events. */
export async function compareDirectory(ground: Ground, directory: string): Promise<Compared> {
  const { root, ledger } = ground;
  const rows = new Map(ledger.table.children(directory).map((row) => [row.path, row]));
  const names = await namesIn(path.join(root, directory));
  if (!names) return { suspects: [], directories: [], paths: 0 };
  const listed = names.map((name) => joinPath(directory, name)).filter((file) => !ground.hidden(file));
  const files = [...new Set([...listed, ...rows.keys()])];
  const suspects: Suspect[] = [];
  for (let from = 0; from < files.length; from += CHUNK) {
    const chunk = files.slice(from, from + CHUNK);
    const found = await eachAtOnce(chunk, (file) => differenceAt(ground, file, rows.get(file)));
    for (const suspect of found) if (suspect) suspects.push(suspect);
  }
  const directories = files.filter((file) => rows.get(file)?.kind === "directory");
  return { suspects, directories, paths: files.length };
}

/** What of `directory` (absolute) can be listed: nothing where it is gone, undefined where it may not be read. */
async function namesIn(directory: string): Promise<string[] | undefined> {
  try {
    return await readdir(directory);
  } catch (error) {
    return isAbsent(error) ? [] : undefined;
  }
}

/** How `row` and the disk differ; undefined where they do not, or where the path may not be looked at. */
export async function differenceAt(
  ground: Ground,
  file: string,
  row: WatchRow | undefined,
): Promise<Suspect | undefined> {
  try {
    const seen = await ground.sight.look(file);
    const known = row?.deleted ? undefined : row;
    if (!seen) return known && { path: file, is: "extra", seen };
    if (!known) return { path: file, is: "missing", seen };
    const aspects = aspectsOf(ground, known, seen);
    return aspects.length === 0 ? undefined : { path: file, is: "changed", aspects, seen };
  } catch {
    return undefined; // A warning says so since the crawl.
  }
}

type Aspects = NonNullable<AuditDifference["aspects"]>;

function aspectsOf(ground: Ground, row: WatchRow, seen: Seen): Aspects {
  if (seen.kind === "directory") {
    const kind = ground.ignore.foldOf(row.path, true) === undefined ? "directory" : "folded";
    if (row.kind !== kind) return ["type"];
    // Its times move with its names, which are compared one by one.
    return row.identity === seen.identity ? [] : ["identity"];
  }
  if (row.kind !== seen.kind) return ["type"];
  if (sameStat(row as Seen, seen)) return [];
  const aspects: Aspects = [];
  if (row.identity !== seen.identity) aspects.push("identity");
  if (row.size !== seen.size) aspects.push("size");
  if (row.mode !== seen.mode) aspects.push("mode");
  if (row.mtimeNs !== seen.mtimeNs || row.ctimeNs !== seen.ctimeNs) aspects.push("times");
  return aspects;
}

/** Whether two looks at the same path saw the same, or nothing both times. */
export function isSameSight(one: Seen | undefined, other: Seen | undefined): boolean {
  return one && other ? sameStat(one, other) : one === other;
}
