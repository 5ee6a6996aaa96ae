/**
 * The state that the daemon keeps: asked of the daemon that serves, else of `iopiped --examine`, a process that looks
 * and ends. A proposer may not ask.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Locations } from "../../../protocol/wire/locations.ts";
import { examineStopped } from "../../examine-stopped.ts";
import type { Context } from "../context.ts";
import type { Finding } from "./index.ts";

interface Daemon {
  readonly runs: boolean;
  /** What was found of it. */
  readonly findings: readonly Finding[];
}

export async function examineState(
  context: Context,
  { stateDir }: Locations,
  { runs, findings }: Daemon,
): Promise<readonly Finding[]> {
  if (context.role !== "reviewer") return [];
  if (runs) return (await context.call("daemon/examine", {})).findings;
  // One that runs and does not answer holds it.
  if (findings.some(({ name, state }) => name === "daemon" && state === "problem")) return [];
  const path = join(stateDir, "iopipe.db");
  if (!existsSync(path)) return [{ name: "database", state: "ok", fact: `${path} does not exist yet`, path }];
  return context.patiently(() => examineStopped(context.signal));
}
