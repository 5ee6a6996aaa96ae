/** The tally of a replay: what was done, how long it took, and what was not as it should be, said at once. */
import { visible } from "../../client/cli/visible.ts";
import type { Patch } from "../../client/index.ts";
import type { Commit } from "./repository.ts";

/** Lines of one mismatch that are shown. */
const MOST_LINES = 20;

export interface Duration {
  readonly ms: number;
  readonly commit: Commit;
}

export interface Tally {
  mismatches: number;
  comparisons: number;
  patches: number;
  readonly submodules: Set<string>;
  /** Of whose sessions no diff was to be had, because it was too large. */
  readonly unshown: Commit[];
  /** Patches by kind, and by what else is to be known of them. */
  readonly kinds: Map<string, number>;
  readonly durations: Map<string, Duration[]>;
}

export function makeTally(): Tally {
  return {
    mismatches: 0,
    comparisons: 0,
    patches: 0,
    submodules: new Set(),
    unshown: [],
    kinds: new Map(),
    durations: new Map(),
  };
}

/** Counts something that is not as it should be, and says so; of no commit where it may be of any. */
export function mismatch(
  tally: Tally,
  commit: Commit | undefined,
  what: string,
  details: readonly string[] = [],
): void {
  tally.mismatches += 1;
  const more = details.length > MOST_LINES ? [`and ${details.length - MOST_LINES} more`] : [];
  const lines = [...details.slice(0, MOST_LINES), ...more].map((line) => `  ${visible(line)}\n`);
  const where = commit ? ` at ${commit.id.slice(0, 12)} "${visible(commit.title)}"` : "";
  process.stdout.write(`MISMATCH${where}: ${visible(what)}\n${lines.join("")}`);
}

/** Runs one step of a commit and keeps how long it took. */
export async function timed<T>(
  tally: Tally,
  step: string,
  commit: Commit,
  work: () => Promise<T>,
): Promise<T> {
  const began = performance.now();
  const result = await work();
  const known = tally.durations.get(step) ?? [];
  known.push({ ms: performance.now() - began, commit });
  tally.durations.set(step, known);
  return result;
}

export function countPatches(tally: Tally, patches: readonly Patch[]): void {
  tally.patches += patches.length;
  for (const patch of patches)
    for (const kind of kindsOf(patch)) tally.kinds.set(kind, (tally.kinds.get(kind) ?? 0) + 1);
}

function* kindsOf({ kind, base, after, binary }: Patch): Iterable<string> {
  yield kind;
  if (binary) yield "of binaries";
  if (base.type && after.type && base.type !== after.type) yield "between file and symlink";
  if (kind !== "chmod" && base.type === "file" && after.type === "file" && base.mode !== after.mode)
    yield "with a new mode";
}
