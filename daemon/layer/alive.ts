/**
 * Who is in a layer: the process that runs the command, and whoever has its mount.
 * Read from /proc, so that nothing has to be told and nothing can be forgotten: a mount is there as long as a process is
 * in its namespace, and gone with the last one, however that ended.
 */
import { readdir, readFile } from "node:fs/promises";

/** Tells a process from a later one of the same number: when it began, in the kernel's ticks. "" where there is none. */
export async function identityOfProcess(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // Behind the name, which may hold anything: the 22nd field of all. proc_pid_stat(5).
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}

/** The processes that have the overlay of the layer `id` mounted. */
export async function processesIn(id: string): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      // One that ended meanwhile, or is another user's, is none of ours.
      const mounts = await readFile(`/proc/${pid}/mountinfo`, "utf8").catch(() => "");
      return mounts.includes(` - overlay iopipe-${id} `) ? [Number(pid)] : [];
    }),
  );
  return found.flat();
}
