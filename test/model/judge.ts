/**
 * What must hold once a promotion has answered, or a recovery has ended.
 * Owns the verdicts on scenes that nobody else has a hand in; those with an editor in them are third-states.ts.
 */
import { powerCut } from "./crash.ts";
import { type Disk, listing } from "./disk.ts";
import type { Listing, Scene } from "./scene.ts";
import type { Journal, ModelStore } from "./store.ts";

/** Power cuts looked at after an answer; few things can be lost by then, if any. */
const AFTERMATHS = 64;

/** The tree that a journal binds recovery to: decided is after, everything else before. */
export function promised(scene: Scene, journal: Journal): Listing {
  const newest = journal.operations.slice(scene.journal.operations.length).at(-1);
  return newest?.phase === "commit" || newest?.phase === "applied" ? scene.after : scene.before;
}

/** What is wrong: the tree, now or after a power cut, or the journal that should be closed and agree. */
export function judge(disk: Disk, wanted: Listing, model: ModelStore): string[] {
  const problems: string[] = [];
  const difference = differenceOf(wanted, listing(disk));
  if (difference) problems.push(difference);
  else problems.push(...notDurable(disk, wanted));
  const { operations, files } = model.journal();
  const newest = operations.at(-1);
  if (newest && newest.phase !== "applied" && newest.phase !== "aborted")
    problems.push(`it ended as ${newest.phase}`);
  if (files.some(({ temporary, backup }) => temporary !== null || backup !== null))
    problems.push("names are left in the journal");
  return problems;
}

function notDurable(disk: Disk, wanted: Listing): string[] {
  const { total, disks } = powerCut(disk, AFTERMATHS);
  if (total === 1) return [];
  for (const lost of disks) {
    const difference = differenceOf(wanted, listing(lost));
    if (difference) return [`not durable: ${difference}`];
  }
  return [];
}

function differenceOf(wanted: Listing, actual: Listing): string | undefined {
  const paths = [...new Set([...Object.keys(wanted), ...Object.keys(actual)])];
  const wrong = paths.filter((path) => wanted[path] !== actual[path]);
  if (wrong.length === 0) return undefined;
  return wrong.map((path) => `'${path}' is ${show(actual[path])}, not ${show(wanted[path])}`).join("; ");
}

function show(entry: string | undefined): string {
  return entry === undefined ? "absent" : JSON.stringify(entry);
}
