/**
 * The processes behind a watch, the daemon and its child, to be stopped and killed, and what /proc says of them.
 * Owns nothing: whoever stops one lets it go on. Source: proc(5).
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { expect } from "vitest";
import { statusOf, type Watched } from "./tracked.ts";

/** The daemon's process id. */
export const daemonOf = async ({ reviewer }: Watched): Promise<number> =>
  (await reviewer.call("daemon/status", {})).pid;

/** The live child's process id; waits until there is one. */
export async function childOf(watched: Watched): Promise<number> {
  await expect.poll(() => statusOf(watched)).toHaveProperty("childPid");
  return (await statusOf(watched)).childPid as number;
}

/** Runs `work` while processes are stopped, and lets them go on. */
export async function whileStopped(pids: readonly number[], work: () => unknown): Promise<void> {
  for (const pid of pids) process.kill(pid, "SIGSTOP");
  try {
    // The signal is on its way; a process that still runs would see what it is not to see.
    for (const pid of pids) await expect.poll(() => isStopped(pid)).toBe(true);
    await work();
  } finally {
    for (const pid of pids) goOn(pid);
  }
}

/** A child that was stopped for long may have been replaced. */
function goOn(pid: number): void {
  try {
    process.kill(pid, "SIGCONT");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Every thread: one of libuv's or of the native watcher may be the last. Source: proc(5). */
function isStopped(pid: number): boolean {
  return readdirSync(`/proc/${pid}/task`).every((task) =>
    /\) T /.test(readFileSync(`/proc/${pid}/task/${task}/stat`, "utf8")),
  );
}

/** inotify instances of a process, and the watches in all of them. */
export function inotifyOf(pid: number): { instances: number; watches: number } {
  const inotify = readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`) === "anon_inode:inotify";
    } catch {
      return false; // Closed since it was listed.
    }
  });
  const watches = inotify.flatMap((fd) =>
    readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8")
      .split("\n")
      .filter((line) => line.startsWith("inotify wd:")),
  );
  return { instances: inotify.length, watches: watches.length };
}

/** The daemon's watch children, live or not yet: not git's processes, which come and go. */
export function childrenOf(daemon: number): number[] {
  const children = readFileSync(`/proc/${daemon}/task/${daemon}/children`, "utf8");
  return children
    .split(" ")
    .filter(Boolean)
    .map(Number)
    .filter((pid) => commandOf(pid).includes("watch/child"));
}

/** With its arguments; empty for one that has ended. */
function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1");
  } catch {
    return "";
  }
}
