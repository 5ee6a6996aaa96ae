/**
 * The daemon's log: JSON lines by pino, written synchronously, rotated by size.
 * Owns `<state>/log/`. INVARIANT: contents of files never go in; ids, paths, kinds, sizes and times do.
 * Durability: a line is the kernel's when the call returns, so that the last ones survive kill -9 (measured: pino's own
 * asynchronous destinations lose them); not a power cut.
 * Failure: a line that cannot be written whole is dropped, a full disk must not stop the daemon.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { type Logger, pino } from "pino";

/** A file's size beyond which it is rotated. */
const MAX_BYTES = 10 * 1024 * 1024;
/** Files kept: the log, `.1` and `.2`. */
const KEPT_FILES = 3;

const LEVELS: readonly string[] = ["trace", "debug", "info", "warn", "error", "fatal", "silent"];

export interface OpenLog {
  readonly log: Logger;
  close(): void;
}

export interface LogOptions {
  /** As IOPIPE_LOG has it; default and for an unknown one info. */
  readonly level?: string | undefined;
  /** For tests; default 10 MiB. */
  readonly maxBytes?: number;
}

/** Opens the log at `file`, in an existing directory. */
export function openLog(file: string, { level = "info", maxBytes = MAX_BYTES }: LogOptions = {}): OpenLog {
  const known = LEVELS.includes(level);
  const destination = openRotating(file, maxBytes);
  const log = pino({ level: known ? level : "info", base: { pid: process.pid } }, destination);
  if (!known) log.warn({ levels: LEVELS }, "IOPIPE_LOG is no level");
  return { log, close: destination.close };
}

function openRotating(file: string, maxBytes: number) {
  let descriptor: number | undefined = open(file);
  let bytes = fstatSync(descriptor).size;

  const write = (line: string): void => {
    if (descriptor === undefined) return;
    try {
      if (bytes > maxBytes) {
        // Counted from here, also where no new file can be opened: each line would else shift the last ones away.
        bytes = 0;
        shift(file);
        // The new one first: a closed descriptor's number may already be another file's.
        const full = descriptor;
        descriptor = open(file);
        closeSync(full);
      }
      bytes += appendWhole(descriptor, line);
    } catch {
      // Nowhere to say it. The next line is tried again.
    }
  };
  const close = (): void => {
    if (descriptor !== undefined) closeSync(descriptor);
    descriptor = undefined;
  };
  return { write, close };
}

/** A full disk takes half a line: better none. */
function appendWhole(descriptor: number, line: string): number {
  const written = writeSync(descriptor, line);
  if (written === Buffer.byteLength(line)) return written;
  ftruncateSync(descriptor, fstatSync(descriptor).size - written);
  return 0;
}

function open(file: string): number {
  return openSync(file, "a", 0o600);
}

/** Renames `file` to `.1`, `.1` to `.2` and so on; the last falls off. */
function shift(file: string): void {
  const names = [file, ...Array.from({ length: KEPT_FILES - 1 }, (_, index) => `${file}.${index + 1}`)];
  rmSync(names.at(-1) as string, { force: true });
  for (let index = names.length - 2; index >= 0; index--) {
    try {
      renameSync(names[index] as string, names[index + 1] as string);
    } catch {
      // It does not exist yet.
    }
  }
}
