/**
 * Limits of the system: inotify's watches and instances, a process's open files; against what is used and needed.
 * Owns reading them from /proc; elsewhere there is nothing to say. Source: inotify(7), proc(5).
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { Finding } from "./index.ts";

interface Watch {
  readonly directories: number;
}

/** How many of this user's inotify instances and watches are in use, and how many the open workspaces want. */
export function inotify(watches: readonly Watch[]): Finding[] {
  const used = { max_user_watches: 0, max_user_instances: 0 };
  for (const watched of instances()) {
    used.max_user_instances += 1;
    used.max_user_watches += watched;
  }
  const needed = {
    max_user_watches: watches.reduce((sum, { directories }) => sum + directories, 0),
    max_user_instances: watches.length,
  };
  return (["max_user_watches", "max_user_instances"] as const).flatMap((key): Finding[] => {
    const path = `/proc/sys/fs/inotify/${key}`;
    const limit = numberIn(path);
    if (limit === undefined) return [];
    const name = `inotify ${key}`;
    const fact = `${used[key]} of ${limit} in use; the open workspaces want ${needed[key]}`;
    if (Math.max(used[key], needed[key]) < limit * 0.9) return [{ name, state: "ok", fact, path }];
    const advice = `Raise it: \`sudo sysctl fs.inotify.${key}=${limit * 4}\`, and the same in /etc/sysctl.d.`;
    return [{ name, state: "warning", fact, path, advice }];
  });
}

function numberIn(path: string): number | undefined {
  const text = read(path);
  return text === undefined ? undefined : Number(text);
}

/** How much each of this user's inotify instances watches; those of processes that end meanwhile are left out. */
function* instances(): Generator<number> {
  for (const pid of listed("/proc").filter((name) => /^\d+$/.test(name))) {
    for (const fd of listed(`/proc/${pid}/fd`)) {
      try {
        if (readlinkSync(`/proc/${pid}/fd/${fd}`) !== "anon_inode:inotify") continue;
        const info = readFileSync(`/proc/${pid}/fdinfo/${fd}`, "latin1");
        yield info.split("\ninotify ").length - 1;
      } catch {
        // Closed in between.
      }
    }
  }
}

/** A promotion opens a directory for each one that it changes, and four files at once. */
const FEW_OPEN_FILES = 1024;

/** Of the daemon, else of what a daemon started from here would have. */
export function openFiles(pid: number | undefined): Finding[] {
  const path = `/proc/${pid ?? "self"}/limits`;
  const [, soft] = /^Max open files\s+(\d+)/m.exec(read(path) ?? "") ?? [];
  if (soft === undefined) return [];
  const limit = Number(soft);
  const open = pid === undefined ? 0 : listed(`/proc/${pid}/fd`).length;
  const name = "open files";
  const fact = `${pid === undefined ? "" : `${open} of `}${limit}`;
  if (limit >= FEW_OPEN_FILES && open < limit * 0.8) return [{ name, state: "ok", fact, path }];
  const advice = `Raise it (\`ulimit -n ${Math.max(limit * 4, 4 * FEW_OPEN_FILES)}\`), then \`iopipectl daemon stop\`.`;
  return [{ name, state: "warning", fact, path, advice }];
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined; // Not Linux, or somebody else's.
  }
}

function listed(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
