/**
 * What watching a large tree costs: the time until changes are reported, the memory, and the processor's time while
 * nothing happens. All watch the same tree, one starts after the other, and they are idle together.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type Bench, withDaemon } from "../daemon.ts";
import { ALL, OURS, PEERS, settled } from "./contenders.ts";
import { isKnown, type Usage, usageOf } from "./processes.ts";
import { makePlainTree } from "./tree.ts";
import { startWatcher, type Watcher } from "./watcher.ts";

export interface Cost {
  readonly name: string;
  /** From the start of the subscriber's process until it was ready. */
  readonly startMs: number;
  /** Of one core; undefined where the system does not tell. */
  readonly idlePercent: number | undefined;
  readonly rssBytes: number | undefined;
}

interface Started {
  readonly name: string;
  readonly watcher: Watcher;
  /** Of the processes that watch. */
  usage(): Usage;
}

/** Nothing of the start goes on after this. */
const CALM_MS = 5000;

export function measureCost(files: number, idleMs: number): Promise<Cost[]> {
  return withDaemon(async (bench) => {
    const root = join(bench.directory, "large");
    makePlainTree(root, files);
    const started = await startAll(bench, root);
    await pause(CALM_MS);
    const before = started.map(({ usage }) => usage());
    await pause(idleMs);
    const costs = started.map(({ name, watcher, usage }, n): Cost => {
      const { cpuMs, rssBytes } = usage();
      const used = cpuMs - (before[n]?.cpuMs ?? 0);
      const known = isKnown() ? { idlePercent: (used / idleMs) * 100, rssBytes } : undefined;
      return {
        name,
        startMs: watcher.startMs,
        ...(known ?? { idlePercent: undefined, rssBytes: undefined }),
      };
    });
    for (const { watcher } of started) await watcher.stop();
    rmSync(root, { recursive: true });
    return costs;
  });
}

/** chokidar last: it needs a watch for each file, and may leave none to those after it. */
async function startAll(bench: Bench, root: string): Promise<Started[]> {
  const order = { roots: [root], ignored: [], probes: root };
  const { pid } = await bench.connection.call("daemon/status", {});
  const own = await startWatcher("iopipe", order, bench.env);
  await settled(bench);
  const started: Started[] = [{ name: OURS, watcher: own, usage: () => usageOf(pid) }];
  for (const { name, program } of PEERS.filter(({ ignored }) => ignored === ALL).reverse()) {
    const watcher = await startWatcher(program, order, bench.env).catch((error: Error) => {
      process.stdout.write(`${name} is left out: ${error.message}\n`);
    });
    if (watcher) started.push({ name, watcher, usage: () => usageOf(watcher.pid) });
  }
  return started;
}
