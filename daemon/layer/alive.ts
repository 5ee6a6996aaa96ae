/**
 * Who is in a layer: the process that runs the command, and whoever has its mount.
 * Read from /proc, so that nothing has to be told and nothing can be forgotten: a mount is there as long as a process is
 * in its namespace, and gone with the last one, however that ended.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** Tells a process from a later one of the same number: when it began, in the kernel's ticks. "" where there is none. */
export function identityOfProcess(pid: number): string {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
  // Behind the name, which may hold anything: the 22nd field of all. proc_pid_stat(5).
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}

/**
 * The processes that have the overlay of the layer `id` mounted. Mounts are read once for each namespace: of hundreds of
 * processes nearly all share one. Synchronous, ten microseconds a process.
 */
export function processesIn(id: string): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const byNamespace = Map.groupBy(pids, (pid) => attempt(() => readlinkSync(`/proc/${pid}/ns/mnt`)));
  // Another user's, or ended meanwhile: none of ours.
  byNamespace.delete("");
  return [...byNamespace.values()]
    .filter((group) => hasMounted(id, group))
    .flatMap((group) => group.map(Number));
}

/** Whether the namespace of these processes has it: any that is still there can say. */
function hasMounted(id: string, pids: readonly string[]): boolean {
  for (const pid of pids) {
    const mounts = attempt(() => readFileSync(`/proc/${pid}/mountinfo`, "utf8"));
    if (mounts !== "") return mounts.includes(` - overlay iopipe-${id} `);
  }
  return false;
}

function attempt(read: () => string): string {
  try {
    return read();
  } catch {
    return "";
  }
}
