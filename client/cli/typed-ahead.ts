/**
 * What waits on the terminal to be read by whoever comes next.
 * A command can put characters there as if they were typed (ioctl_tty(2), TIOCSTI): behind a command that is confined the
 * shell would run them, unconfined.
 */
import { closeSync, constants, openSync, readFileSync, readSync } from "node:fs";
import { ReadStream } from "node:tty";

/**
 * Throws away what waits on the controlling terminal, what a person has typed ahead too. Nothing where there is none, or
 * where this process is not in its foreground: then a shell reads there itself, and asking would stop this process.
 */
export function dropTypedAhead(): void {
  if (!isForeground()) return;
  let fd: number | undefined;
  try {
    fd = openSync("/dev/tty", constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
    const terminal = new ReadStream(fd);
    // Else an unfinished line would stay.
    terminal.setRawMode(true);
    try {
      drain(fd);
    } finally {
      terminal.setRawMode(false);
      terminal.destroy();
    }
  } catch {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Reads until there is nothing, which is an error (EAGAIN). */
function drain(fd: number): void {
  const bytes = Buffer.alloc(4096);
  try {
    while (readSync(fd, bytes) > 0);
  } catch {
    // Empty.
  }
}

/** Whether the terminal's foreground group is this process's: proc_pid_stat(5), tpgid and pgrp. */
function isForeground(): boolean {
  try {
    const stat = readFileSync("/proc/self/stat", "utf8");
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return group === foreground;
  } catch {
    return false;
  }
}
