/**
 * Scanning one directory: reads its names, compares each with its row, and answers with the directories below it.
 * Owns directory listings. One path at a time is examine.ts; which directories are scanned when is reconcile.ts.
 * Invariant: the directory is watched before it is read, so whatever the listing misses comes as a hint.
 * Failure: a directory that cannot be read becomes a warning, and its rows stay as they were.
 */

import { readdir } from "node:fs/promises";
import path from "node:path";
import { setImmediate } from "node:timers/promises";
import { joinPath } from "../disk/path.ts";
import type { WatchRow } from "../store/watch-row.ts";
import { clearFor } from "./clear.ts";
import { compare } from "./compare.ts";
import { type Finding, foldItself, type Ground, isPublished, judge } from "./examine.ts";
import { eachAtOnce, isAbsent, type Seen } from "./look.ts";
import type { Sight } from "./sight.ts";

/** Names handled in one transaction, and before others get their turn: some milliseconds. */
const CHUNK = 64;

/** What wants its turn between two steps; the rows may be others after it. */
export type Between = () => Promise<void>;

export interface Scanned {
  readonly directories: string[];
  /** Paths that want a look of their own: they moved while this was read. */
  readonly again: string[];
}

/** How a directory is scanned. */
interface Manner {
  look: Sight["glance"];
  /** What has its turn between chunks; without it only the loop has. */
  between?: Between;
  /** Leaves out directories that are known. */
  shallow?: boolean | undefined;
}

/** Directories read at once: enough to keep the disk's threads busy, few enough for others to have their turn soon. */
const SCANS = 4;

/** Scans the last directories of a crawl's `queue` and puts those below them in their place. */
export async function scanNext(ground: Ground, queue: string[], again: string[]): Promise<void> {
  ground.published.clear();
  // One that is queued twice is scanned once: two scans of it would tell everything twice.
  const next = new Set(queue.splice(-SCANS));
  const manner = { look: ground.sight.look };
  const scanned = await Promise.all([...next].map((directory) => scan(ground, directory, manner)));
  for (const { directories, again: moved } of scanned) {
    for (const directory of directories) queue.push(directory);
    for (const file of moved) again.push(file);
  }
}

/** Brings the rows right below `directory` up to the disk. */
export async function scan(
  ground: Ground,
  directory: string,
  { look, between, shallow = false }: Manner,
): Promise<Scanned> {
  const { ledger, ignore } = ground;
  const result: Scanned = { directories: [], again: [] };
  if (!isDirectory(ground, directory)) return result;
  let names: string[];
  try {
    names = await listCovered(ground, directory);
  } catch (error) {
    if (isAbsent(error)) result.again.push(directory);
    else ground.warn(`The directory ${directory || "."} cannot be read: ${(error as Error).message}.`);
    return result;
  }
  await ignore.load(directory, names);
  const known = new Map(ledger.table.children(directory).map((row) => [row.path, row]));
  const listed = names.map((name) => joinPath(directory, name)).filter((file) => !ground.hidden(file));
  const files = [...new Set([...listed, ...known.keys()])];
  for (let from = 0; from < files.length; from += CHUNK) {
    const rowOf = (file: string): WatchRow | undefined =>
      from > 0 && between ? ledger.table.get(file) : known.get(file);
    const findings = await eachAtOnce(files.slice(from, from + CHUNK), (file) =>
      examineEntry(ground, file, rowOf(file), look, result),
    );
    const news = findings.filter((finding) => finding.do !== "nothing");
    for (const finding of news) await clearFor(ground, finding);
    if (!isDirectory(ground, directory)) return { directories: [], again: result.again };
    if (news.length > 0)
      ledger.write(() => {
        for (const finding of news) apply(ground, finding, result);
      });
    if (from + CHUNK < files.length) await (between ?? setImmediate)();
  }
  if (!shallow) return result;
  const isNew = (below: string): boolean => known.get(below)?.kind !== "directory";
  return { ...result, directories: result.directories.filter(isNew) };
}

/** Covers the directory, as far as there are watches for it, then reads its names. */
async function listCovered({ root, ignore, direct }: Ground, directory: string): Promise<string[]> {
  const list = (): Promise<string[]> => readdir(path.join(root, directory));
  if (direct.watch(directory)) return list();
  const names = await list();
  const isUrgent = names.some((name) => ignore.priorityOf(joinPath(directory, name)) === "HIGH");
  // What came while it was not covered is in another listing.
  return isUrgent && direct.warm(directory, true) && direct.watch(directory) ? list() : names;
}

/**
 * Whether it is one still: since it was queued a hint may have found a link in its place or above it. Another directory's
 * names would be listed through that, and nothing would ever come to take them back.
 */
function isDirectory({ ledger, ignore }: Ground, directory: string): boolean {
  if (directory === "" || ignore.opened.has(directory)) return true;
  const kind = ledger.table.kind(directory);
  return kind === "directory" || kind === "folded";
}

async function examineEntry(
  ground: Ground,
  file: string,
  row: WatchRow | undefined,
  look: Sight["glance"],
  result: Scanned,
): Promise<Finding> {
  try {
    const seen = await look(file);
    if (!seen) return row ? { do: "vanish", path: file } : { do: "nothing" };
    if (seen.kind !== "directory") return (await judge(ground, file, row, seen, false)) ?? { do: "nothing" };
    if (ground.ignore.foldOf(file, true) !== undefined) return foldItself(row, file, seen);
    result.directories.push(file);
    return { do: "walk", path: file, seen };
  } catch (error) {
    ground.warn(`The path ${file} cannot be looked at: ${(error as Error).message}.`);
    return { do: "nothing" };
  }
}

function apply(ground: Ground, finding: Finding, result: Scanned): void {
  if (finding.do === "nothing") return;
  if (isPublished(ground, finding.path)) result.again.push(finding.path);
  else applyFinding(ground, finding);
}

/** Writes what was found; the caller has the transaction, and walks what is to be walked. */
export function applyFinding(ground: Ground, finding: Finding): void {
  if (finding.do === "record") {
    if (ground.ledger.table.kind(finding.path) === "directory") vanish(ground, finding.path);
    ground.ledger.record(finding.path, finding.seen, finding.difference, finding.hash);
  } else if (finding.do === "walk") recordDirectory(ground, finding.path, finding.seen);
  else if (finding.do === "vanish") vanish(ground, finding.path);
  else if (finding.do === "fold") recordFold(ground, finding.path, finding.seen);
}

function vanish({ ledger, direct }: Ground, file: string): void {
  for (const directory of ledger.vanish(file)) direct.drop(directory);
}

function recordDirectory({ ledger, direct }: Ground, directory: string, seen: Seen): void {
  const row = ledger.table.get(directory);
  if (row?.identity !== seen.identity || row.deleted) direct.drop(directory);
  const difference = compare(row, seen);
  if (difference || !row) ledger.record(directory, seen, difference);
}

/** A directory that became ignored; the rows below it are cleared already. */
function recordFold({ ledger, direct }: Ground, directory: string, seen: Seen | undefined): void {
  const row = ledger.table.get(directory);
  if (row?.kind === "directory" && !row.deleted) {
    direct.drop(directory);
    direct.dropBelow(directory);
  }
  // One that is new counts too: it is why there is an entry at all.
  ledger.fold(directory, 1, seen);
}
