/**
 * Late writes: an editor that had the file open before it was displaced writes into it between the crash and the recovery.
 * Owns the write and the verdict: the bytes are where the file is again, or kept as a blob that the operation names.
 */
import { sha256 } from "../promotion/house.ts";
import { copyOf, type Disk, find, listing, modified, settle } from "./disk.ts";
import { crashStates, recoverState, type State } from "./explore.ts";
import type { Scene } from "./scene.ts";
import type { ModelStore } from "./store.ts";
import { leftovers } from "./third-states.ts";
import { bytesOf } from "./world.ts";

const WRITTEN = "written late";

interface LateReport {
  writes: number;
  /** How many of them were kept as a blob; the others are in the tree. */
  rescued: number;
  readonly violations: string[];
}

/** Writes into each displaced file of each state that one crash can leave. */
export async function exploreLateWrites(model: ModelStore, scene: Scene, bound: number): Promise<LateReport> {
  const report: LateReport = { writes: 0, rescued: 0, violations: [] };
  for (const state of await crashStates(model, scene, bound))
    for (const { path, backup } of displacedIn(state)) {
      const disk = copyOf(state.disk);
      if (!write(disk, backup, find(disk, path))) continue;
      settle(disk);
      model.forget(sha256(WRITTEN));
      await recoverState(model, { ...state, disk }, undefined, {});
      report.writes++;
      const problems = [...leftovers(model, listing(disk)), ...judge(model, disk, path, report)];
      for (const problem of problems)
        report.violations.push(`${scene.name}${state.history}, '${path}': ${problem}`);
    }
  return report;
}

function displacedIn({ journal }: State): { path: string; backup: string }[] {
  return journal.files.flatMap(({ path, backup }) =>
    typeof path === "string" && typeof backup === "string" ? [{ path, backup }] : [],
  );
}

/** False where the file was not displaced. */
function write(disk: Disk, backup: string, target: number | undefined): boolean {
  const ino = find(disk, backup);
  const node = ino === undefined ? undefined : disk.nodes.get(ino);
  if (ino === undefined || ino === target || node?.type !== "file") return false;
  disk.nodes.set(ino, { ...node, bytes: WRITTEN, times: modified(disk, node) });
  return true;
}

function judge({ store, workspace }: ModelStore, disk: Disk, path: string, report: LateReport): string[] {
  if (bytesOf(listing(disk)[path]) === WRITTEN) return [];
  const [row] = store.operations.list({ workspace }, { limit: 1 });
  const rescued = row?.files.find((file) => file.path === path)?.rescued;
  report.rescued++;
  return rescued === sha256(WRITTEN) && store.blobs.has(rescued) ? [] : ["what was written late is lost"];
}
