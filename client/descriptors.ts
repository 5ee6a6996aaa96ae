/**
 * The descriptors that a child gets: stdin, stdout and stderr, and nothing else.
 * libuv closes on exec what it opens itself, and of what this process was started with the first ones; a shell, an editor
 * or a terminal may leave others open, and one of a directory is a way around a layer.
 */
import { openSync, readdirSync, readFileSync } from "node:fs";

/** fcntl(2), as /proc/PID/fdinfo has it. */
const CLOSED_ON_EXEC = 0o2000000;

/** `stdio` for child_process, with something empty in the place of each descriptor that would be inherited. */
export function nothingInherited<T>(stdio: readonly T[]): (T | "ignore" | number)[] {
  const inherited = openDescriptors().filter((fd) => fd >= stdio.length && !isClosedOnExec(fd));
  if (inherited.length === 0) return [...stdio];
  const empty = openSync("/dev/null", "r");
  const all: (T | "ignore" | number)[] = [...stdio];
  for (let fd = stdio.length; fd <= Math.max(...inherited); fd++)
    all.push(inherited.includes(fd) ? empty : "ignore");
  return all;
}

/** None where the system has no such list. */
function openDescriptors(): number[] {
  try {
    return readdirSync("/proc/self/fd").map(Number);
  } catch {
    return [];
  }
}

function isClosedOnExec(fd: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & CLOSED_ON_EXEC) !== 0;
  } catch {
    // The one that the list was read through.
    return true;
  }
}
