/** `structuredPatch` of the package diff, in a thread that can be ended: most of the worst pairs would take it minutes. */
import { parentPort, workerData } from "node:worker_threads";
import { structuredPatch } from "diff";

const { old, now } = workerData as { old: string; now: string };

// What is compiled at the first call is not measured.
structuredPatch("a", "a", "1\n2\n3\n", "1\nx\n3\n");
const began = performance.now();
structuredPatch("a", "a", old, now);
parentPort?.postMessage(performance.now() - began);
