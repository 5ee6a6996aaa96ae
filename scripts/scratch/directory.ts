/**
 * Temporary directories for the scripts: gone when the process ends, by ^C and by a failure too.
 * Only SIGKILL of this process leaves one behind.
 */
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** 128 + the signal's number, as a shell shows it. */
const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** Makes a temporary directory; its real path. The name is short, because sockets will lie in it. */
export function makeDirectory(): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), "iopipe-")));
  // By default a signal ends a process without its "exit" listeners.
  for (const [signal, code] of Object.entries(EXIT_CODES)) process.once(signal, () => process.exit(code));
  // A daemon that is only just dying may still make a file while its directory is emptied.
  process.once("exit", () =>
    rmSync(directory, { recursive: true, force: true, maxRetries: 9, retryDelay: 20 }),
  );
  return directory;
}
