/**
 * How long `watch/sync` takes that names 100 paths: what a client waits for that wants to be sure of them. Nobody else has
 * such a barrier, so there is no peer; the target is ours.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { withDaemon } from "../daemon.ts";
import { percentile } from "./statistics.ts";
import { makePlainTree } from "./tree.ts";

const FILES = 1000;
const PATHS = 100;
const ROUNDS = 200;
const MOST_MS = 20;

export function barrier(): Promise<void> {
  return withDaemon(async ({ directory, connection }) => {
    const root = join(directory, "barrier");
    makePlainTree(root, FILES);
    const { workspace } = await connection.call("workspace/open", { root });
    await connection.call("watch/sync", { workspace: workspace.id });
    const { changes } = await connection.call("watch/since", { workspace: workspace.id });
    const files = changes.map(({ path }) => path);
    for (const written of [0, 1, PATHS]) {
      const times: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const paths = Array.from({ length: PATHS }, (_, n) => files[(round * PATHS + n) % FILES] as string);
        for (const path of paths.slice(0, written)) writeFileSync(join(root, path), `${round}\n`);
        const began = performance.now();
        await connection.call("watch/sync", { workspace: workspace.id, paths });
        times.push(performance.now() - began);
      }
      printBarrier(written, times);
    }
  });
}

function printBarrier(written: number, times: readonly number[]): void {
  const [p50, p95, p99] = [50, 95, 99].map((percent) => percentile(times, percent).toFixed(1));
  const kept = percentile(times, 95) <= MOST_MS ? "kept  " : "MISSED";
  process.stdout.write(
    `${kept}  watch/sync of ${PATHS} paths, ${written} of them just written: p50 ${p50}, p95 ${p95}, p99 ${p99} ms; ` +
      `p95 at most ${MOST_MS} ms\n`,
  );
}
