/**
 * Who is measured: iopipe's daemon, and what there is beside it. Each has two roots of its own.
 * What cannot be started here is left out, and that is said.
 */
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Bench } from "../daemon.ts";
import type { Contender } from "./latency.ts";
import { makeTree, PROBES } from "./tree.ts";
import { startWatcher } from "./watcher.ts";

interface Peer {
  readonly name: string;
  /** Its file in watchers/. */
  readonly program: string;
  readonly ignored: readonly string[];
}

export const OURS = "iopipe";

/** What iopipe sees too: everything but git's own files. */
export const ALL = [".git"];
export const PEERS: readonly Peer[] = [
  { name: "chokidar", program: "chokidar", ignored: ALL },
  { name: "chokidar, blind to noise", program: "chokidar", ignored: [...ALL, "node_modules", "build"] },
  { name: "@parcel/watcher", program: "parcel", ignored: ALL },
  { name: "Watchman", program: "watchman", ignored: ALL },
];

const POLL_MS = 50;

/** Ours first. */
export async function startContenders(bench: Bench): Promise<Contender[]> {
  const contenders = [await startContender(bench, { name: OURS, program: "iopipe", ignored: [] })];
  for (const peer of PEERS) {
    const started = startContender(bench, peer);
    const contender = await started.catch((error: Error) =>
      process.stdout.write(`${peer.name} is left out: ${error.message}\n`),
    );
    if (typeof contender === "object") contenders.push(contender);
  }
  await settled(bench);
  return contenders;
}

async function startContender(bench: Bench, { name, program, ignored }: Peer): Promise<Contender> {
  const directory = mkdtempSync(join(bench.directory, "trees-"));
  const place = { root: join(directory, "root"), other: join(directory, "other") };
  const roots = Object.values(place);
  for (const root of roots) await makeTree(root);
  const order = { roots, ignored, probes: join(place.root, PROBES) };
  return { name, place, watcher: await startWatcher(program, order, bench.env) };
}

/** Resolves when all workspaces are live: their watch children have started too. */
export async function settled({ connection }: Bench): Promise<void> {
  for (;;) {
    const { workspaces } = await connection.call("workspace/list", {});
    if (workspaces.every(({ watch }) => watch.state !== "crawling")) return;
    await pause(POLL_MS);
  }
}
