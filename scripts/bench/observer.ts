/** A client of its own, in a thread: how long the daemon's status takes, and its memory. Started by observing.ts. */
import { setTimeout as pause } from "node:timers/promises";
import { workerData } from "node:worker_threads";
import { connect } from "../../client/index.ts";

const INTERVAL_MS = 5;

/** Slowest answer in ms, which whoever reads sets to 0 to begin anew; bytes at first, bytes at most, answers. */
const { env, seen } = workerData as { env: NodeJS.ProcessEnv; seen: Float64Array };

const connection = await connect({ env, autostart: false, client: { name: "observer" } });
for (;;) {
  const began = performance.now();
  const { rssBytes } = await connection.call("daemon/status", {});
  seen[0] = Math.max(seen[0] as number, performance.now() - began);
  if (seen[1] === 0) seen[1] = rssBytes;
  seen[2] = Math.max(seen[2] as number, rssBytes);
  seen[3] = (seen[3] as number) + 1;
  await pause(INTERVAL_MS);
}
