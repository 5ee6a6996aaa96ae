/**
 * The verdict on each save of an editor that it has not overwritten itself. It is kept where its line is on disk, or in
 * an image that an operation displaced, or in a blob that one names as rescued. Pure but for reading these.
 */
import type { OperationRow, Store } from "../../daemon/store/index.ts";
import type { Root } from "../promotion/house.ts";
import type { Run, Way } from "./editor.ts";
import type { Swap } from "./swaps.ts";

export interface Verdict {
  /** All saves, and those that the editor has not overwritten itself. */
  readonly saves: number;
  readonly standing: number;
  /** Versions that an operation found in a file after it was displaced. */
  readonly rescued: number;
  /** Lost in a window that promotion documents. */
  readonly raced: readonly string[];
  /** Lost otherwise. */
  readonly lost: readonly string[];
}

export async function judge(
  store: Store,
  { workspace, read }: Root,
  runs: readonly Run[],
  way: Way,
  swaps: ReadonlyMap<string, readonly Swap[]>,
): Promise<Verdict> {
  const operations = store.operations.list({ workspace }, { limit: Number.MAX_SAFE_INTEGER });
  const names = new Set(runs.map(({ file }) => String(file)));
  const kept = new Set([...names].flatMap((name) => read(name).split("\n")));
  for (const hash of displacedBy(operations))
    for (const line of (await contentOf(store, hash)).split("\n")) kept.add(line);

  const verdict = { standing: 0, rescued: rescuedBy(operations).length };
  const [raced, lost]: [string[], string[]] = [[], []];
  const counts = new Map<number, number>();
  for (const run of runs) {
    counts.set(run.file, Math.max(counts.get(run.file) ?? 0, run.last + 1));
    const isRaced = (swaps.get(String(run.file)) ?? []).some((swap) => met(way, run, swap));
    for (let save = run.first; save <= run.last; save++) {
      verdict.standing++;
      const line = `${run.file} ${save}`;
      if (!kept.has(line)) (isRaced && save === run.last ? raced : lost).push(line);
    }
  }
  return { ...verdict, raced, lost, saves: [...counts.values()].reduce((sum, count) => sum + count, 0) };
}

/** Whether the last save of a run fell into the window of a swap that its way of saving has. */
function met(way: Way, { from, to }: Run, { looked, replaced, swept }: Swap): boolean {
  const until = way === "rename" ? looked : swept;
  return until !== undefined && BigInt(from) <= replaced && BigInt(to) >= until;
}

const rescuedBy = (operations: readonly OperationRow[]): string[] =>
  operations.flatMap(({ files }) => files.flatMap(({ rescued }) => rescued ?? []));

/** What was displaced for good, by hash; what was put back is on disk. */
function displacedBy(operations: readonly OperationRow[]): Set<string> {
  const standing = operations.filter(({ phase }) => phase !== "aborted").flatMap(({ files }) => files);
  return new Set([...standing.flatMap(({ before }) => before.hash ?? []), ...rescuedBy(operations)]);
}

async function contentOf(store: Store, hash: string): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of store.blobs.pieces(hash)) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces).toString();
}
