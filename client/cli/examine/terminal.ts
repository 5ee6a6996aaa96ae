/**
 * Whether a command can put characters into the terminal that it shares, as if they were typed: what one in a layer puts
 * there is dropped at its end (typed-ahead.ts), but not behind one that runs in the shell's background.
 * Source: ioctl_tty(2), TIOCSTI; linux/drivers/tty/tty_io.c (from Linux 6.2 on it can be forbidden).
 */
import { readFileSync } from "node:fs";
import type { Finding } from "./index.ts";

/** Linux's alone; elsewhere no command runs in a layer. */
export function typing(file = "/proc/sys/dev/tty/legacy_tiocsti", platform = process.platform): Finding[] {
  if (platform !== "linux") return [];
  const name = "terminal input";
  const set = setting(file);
  if (set === "0") return [{ name, state: "ok", fact: `${file} is 0`, path: file }];
  const found = set === undefined ? `there is no ${file}` : `${file} is ${set}`;
  const fact = `a command in \`iopipectl run … &\` can type into the terminal that it was started on: ${found}`;
  const advice =
    set === undefined
      ? "Linux 6.2 or newer can forbid it; until then run it in the foreground, or without a terminal."
      : "Forbid it: `sudo sysctl dev.tty.legacy_tiocsti=0`, and the same in /etc/sysctl.d.";
  return [{ name, state: "note", fact, path: file, advice }];
}

function setting(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return undefined;
  }
}
