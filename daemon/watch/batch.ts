/**
 * One batch of hints: every path examined, what was found written, and new directories walked to their end.
 * Owns nothing between two batches; the queue is reconcile.ts, the holds it asks for are holds.ts.
 */

import { nameOf, parentOf } from "../disk/path.ts";
import { clearFor } from "./clear.ts";
import { examine, type Finding, type Ground, isBelowDirectory, isPublished } from "./examine.ts";
import { eachAtOnce } from "./look.ts";
import { applyFinding, type Between, scan } from "./scan.ts";

export interface BatchResult {
  /** Paths to look at in the next batch. */
  readonly again: string[];
  /** Paths to look at again in a moment. */
  readonly hold: string[];
  /** Ignored directories below which something changed, once for each change. */
  readonly folded: string[];
}

/** A directory to be scanned, and what is below it; `shallow` as a finding has it. */
interface Walk {
  readonly directory: string;
  readonly shallow?: boolean | undefined;
}

/** Paths examined and written in one transaction; some milliseconds, which others wait. */
const CHUNK = 32;

/** Batches above this are storms: bytes are not read for their hash. */
const MAX_HASHED_BATCH = 64;

/**
 * Brings the rows of `hinted` up to the disk, in that order; `ripe` says which may be believed to have appeared or
 * vanished.
 */
export async function runBatch(
  ground: Ground,
  hinted: Iterable<string>,
  ripe: (path: string) => boolean,
  between: Between,
): Promise<BatchResult> {
  const result: BatchResult = { again: [], hold: [], folded: [] };
  const files = [...hinted];
  const hashing = files.length <= MAX_HASHED_BATCH;
  for (let from = 0; from < files.length; from += CHUNK) {
    ground.published.clear();
    const findings = await eachAtOnce(files.slice(from, from + CHUNK), (file) =>
      examineSafely(ground, file, { ripe: ripe(file), hashing }),
    );
    for (const finding of findings) await clearFor(ground, finding);
    const walks: Walk[] = [];
    ground.ledger.write(() => {
      for (const finding of findings) settle(ground, finding, result, walks);
    });
    for (; walks.length > 0; await between()) await walk(ground, walks, result.again, between);
    await between();
  }
  return result;
}

/** Scans the last directory of `queue`, whose names were just made, and puts those below it in its place. */
async function walk(ground: Ground, queue: Walk[], again: string[], between: Between): Promise<void> {
  ground.published.clear();
  const { directory, shallow } = queue.pop() as Walk;
  const scanned = await scan(ground, directory, { look: ground.sight.glance, between, shallow });
  for (const below of scanned.directories) queue.push({ directory: below });
  for (const file of scanned.again) again.push(file);
}

async function examineSafely(
  ground: Ground,
  file: string,
  options: { readonly ripe: boolean; readonly hashing: boolean },
): Promise<Finding> {
  try {
    return await examine(ground, file, options);
  } catch (error) {
    ground.warn(`The path ${file} cannot be looked at: ${(error as Error).message}.`);
    return { do: "nothing" };
  }
}

function settle(ground: Ground, finding: Finding, result: BatchResult, walks: Walk[]): void {
  if (finding.do === "nothing") return;
  if (finding.do === "hold") result.hold.push(finding.path);
  else if (finding.do === "hint" || isPublished(ground, finding.path)) result.again.push(finding.path);
  else if (finding.do === "fold" && !finding.seen) result.folded.push(finding.path);
  // One before it in the batch took away the directory that it was found in.
  else if (finding.do !== "vanish" && !isBelowDirectory(ground, finding.path))
    result.again.push(finding.path);
  else {
    applyFinding(ground, finding);
    if (finding.do === "walk") walks.push({ directory: finding.path, shallow: finding.shallow });
    // New rules: everything they speak about is judged again.
    if (nameOf(finding.path) === ".gitignore") walks.push({ directory: parentOf(finding.path) });
  }
}
