/**
 * `daemon.json`: names the running daemon for clients that were started with another environment.
 * Owns the file. It is a signpost, never a lock: that there is one daemon is the store's exclusive lock.
 */
import { readFileSync, rmSync } from "node:fs";
import type { DaemonFile } from "../../protocol/wire/index.ts";
import { writeFileAtomic } from "../disk/atomic.ts";

/** Writes it by rename, for its owner's eyes only. */
export async function writeDaemonFile(path: string, content: DaemonFile): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(content, undefined, 2)}\n`, { mode: 0o600 });
}

/** What is in it; `undefined` when it is missing or cannot be read as one. */
export function readDaemonFile(path: string): DaemonFile | undefined {
  try {
    const content: unknown = JSON.parse(readFileSync(path, "utf8"));
    return typeof content === "object" && content !== null && "instance" in content
      ? (content as DaemonFile)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Removes it if it names `instance`; another daemon's stays. */
export function removeDaemonFile(path: string, instance: string): void {
  if (readDaemonFile(path)?.instance === instance) rmSync(path, { force: true });
}
