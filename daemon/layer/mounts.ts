/** Where something is mounted, as this process sees it. Source: proc_pid_mountinfo(5), the fifth field. */
import { readFileSync } from "node:fs";

/** As they are written there, and in fstab(5): white space and backslashes in octal. */
export function mountPointsAsWritten(): string[] {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return lines.map((line) => line.split(" ")[4] ?? "");
}

export function mountPoints(): string[] {
  const character = (_: string, code: string): string => String.fromCharCode(Number.parseInt(code, 8));
  return mountPointsAsWritten().map((path) => path.replace(/\\(\d{3})/g, character));
}
