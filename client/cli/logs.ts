/**
 * The daemon's log for a person: its last lines, and with `--follow` what comes, across rotations.
 * Lines are JSON as the daemon wrote them; on a terminal they are shown escaped.
 */
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { locate } from "../../protocol/wire/locations.ts";
import type { Context } from "./context.ts";
import { wholeNumber } from "./numbers.ts";
import { visibleLines } from "./visible.ts";

const POLL_MS = 200;
/** Read from the end; lines are some hundred bytes. */
const TAIL_BYTES = 1024 * 1024;

export async function logs(context: Context): Promise<void> {
  const lines = wholeNumber("lines", context.text("lines"), 0, 100_000) ?? 50;
  const { logFile } = locate();
  let fd = tryOpen(logFile);
  let at = fd === undefined ? 0 : fstatSync(fd).size;
  if (fd !== undefined) write(lastLines(fd, at, lines));
  while (context.has("follow") && !context.signal.aborted) {
    fd ??= tryOpen(logFile);
    if (fd !== undefined) {
      const size = fstatSync(fd).size;
      write(readRange(fd, at, size));
      at = size;
      if (isReplaced(fd, logFile)) {
        closeSync(fd);
        fd = undefined;
        at = 0;
      }
    }
    await delay(POLL_MS, undefined, { signal: context.signal });
  }
  if (fd !== undefined) closeSync(fd);
}

function write(text: string): void {
  process.stdout.write(process.stdout.isTTY ? visibleLines(text) : text);
}

function tryOpen(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function lastLines(fd: number, size: number, lines: number): string {
  const from = Math.max(0, size - TAIL_BYTES);
  const whole = readRange(fd, from, size).split("\n").filter(Boolean);
  return lines === 0
    ? ""
    : whole
        .slice(-lines)
        .map((line) => `${line}\n`)
        .join("");
}

function readRange(fd: number, from: number, to: number): string {
  const bytes = Buffer.alloc(Math.max(0, to - from));
  return bytes.toString("utf8", 0, readSync(fd, bytes, 0, bytes.length, from));
}

function isReplaced(fd: number, path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.ino !== fstatSync(fd).ino;
}
