/**
 * `iopiped --examine`: what `doctor` asks of the state while no daemon serves it, as one line of JSON.
 * Owns the opening of the database as it is: nothing is migrated or emptied, and a daemon that starts meanwhile is told
 * that the store is held.
 * Failure: whatever cannot be opened or read is a finding.
 */
import { existsSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Finding } from "../../protocol/methods/index.ts";
import { locate } from "../../protocol/wire/index.ts";
import { openForExamination } from "../store/index.ts";
import { examineState } from "./examine.ts";

/** Prints `{"findings": […]}`. */
export async function examineStopped(env: NodeJS.ProcessEnv): Promise<void> {
  const findings: Finding[] = [];
  try {
    for await (const finding of findingsIn(locate(env).stateDir)) findings.push(finding);
  } catch (error) {
    const advice = "See `iopipectl daemon logs`, and what `fuser` says of the file.";
    findings.push({ name: "state", state: "problem", fact: (error as Error).message, advice });
  }
  const line = Buffer.from(`${JSON.stringify({ findings })}\n`);
  for (let at = 0; at < line.length; ) at += writeSync(1, line, at);
}

async function* findingsIn(stateDir: string): AsyncGenerator<Finding> {
  const path = join(stateDir, "iopipe.db");
  if (!existsSync(path)) {
    yield { name: "database", state: "ok", fact: `${path} does not exist yet`, path };
    return;
  }
  const db = openForExamination(path);
  if (db.pragma("user_version", { simple: true }) === 0) {
    const fact = `${path} is empty: the daemon's first start did not end`;
    yield { name: "database", state: "warning", fact, path, advice: "The next start makes it." };
    return;
  }
  yield* examineState({ db, stateDir, whole: true, isHeld: () => false, progress: () => undefined });
}
