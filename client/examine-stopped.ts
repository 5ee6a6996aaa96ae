/**
 * The state of a daemon that does not run, looked at by its own program: `iopiped --examine`.
 * Owns that process. A daemon that is started meanwhile is told that the store is held.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Finding } from "../protocol/methods/index.ts";

const MAX_OUTPUT = 64 * 1024 * 1024;

/** Its findings; one that says so where it could not look. */
export function examineStopped(signal: AbortSignal): Promise<Finding[]> {
  const entry = fileURLToPath(new URL("../daemon/iopiped.ts", import.meta.url));
  const { promise, resolve } = Promise.withResolvers<Finding[]>();
  execFile(
    process.execPath,
    [entry, "--examine"],
    { env: process.env, signal, maxBuffer: MAX_OUTPUT },
    (error, stdout, stderr) => resolve(findingsIn(stdout) ?? [failed(stderr.trim() || error?.message || "")]),
  );
  return promise;
}

function findingsIn(stdout: string): Finding[] | undefined {
  try {
    return (JSON.parse(stdout) as { findings: Finding[] }).findings;
  } catch {
    return undefined;
  }
}

function failed(fact: string): Finding {
  return { name: "state", state: "problem", fact, advice: "See `iopipectl daemon logs`." };
}
