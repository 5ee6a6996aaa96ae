/** What a process and those below it use, by /proc: Linux only. */
import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Whether there is a /proc to ask. */
export const isKnown = (): boolean => existsSync("/proc/self/stat");

/** USER_HZ: 100 on every Linux that Node runs on. */
const TICKS_PER_MS = 0.1;

export interface Usage {
  readonly cpuMs: number;
  readonly rssBytes: number;
}

/** The sums over the process and all that it started; what has ended meanwhile is left out. */
export function usageOf(pid: number): Usage {
  const all = [pid, ...descendants(pid)].map(usageOfOne);
  return {
    cpuMs: all.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
    rssBytes: all.reduce((sum, { rssBytes }) => sum + rssBytes, 0),
  };
}

function usageOfOne(pid: number): Usage {
  // The name in brackets may hold anything: the fields are counted from behind it. proc_pid_stat(5)
  const fields = read(pid, "stat").split(") ").at(-1)?.split(" ") ?? [];
  const [user = 0, system = 0] = fields.slice(11, 13).map(Number);
  const [, kilobytes = 0] = read(pid, "status").match(/^VmRSS:\s+(\d+) kB$/m) ?? [];
  return { cpuMs: (user + system) / TICKS_PER_MS, rssBytes: Number(kilobytes) * 1024 };
}

function descendants(pid: number): number[] {
  const children = tasks(pid)
    .flatMap((task) => read(pid, `task/${task}/children`).split(" "))
    .filter((text) => text !== "")
    .map(Number);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

function tasks(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}
