/**
 * The process around the daemon: signals, and errors that nobody caught.
 * Owns nothing of the daemon's; main.ts says what stopping means.
 */

/** Stopping may take this long before the process ends anyway; the journal makes that safe. */
const STOP_DEADLINE_MS = 15_000;

/** 128 + the signal's number, as a shell shows it. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Resolves at the first SIGTERM or SIGINT; the second ends the process at once.
 *
 * Call it before anything else, so that no signal meets a daemon that has only half begun.
 */
export function stopSignal(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let asked = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (asked) process.exit(EXIT_CODES[signal]);
      asked = true;
      setTimeout(() => process.exit(1), STOP_DEADLINE_MS).unref();
      resolve();
    });
  }
  return promise;
}

interface Log {
  error(fields: object, message: string): void;
}

/** A rejection that nobody awaited is logged, the daemon goes on; after an exception its state is unknown, it ends. */
export function logDefects(log: Log): void {
  process.on("unhandledRejection", (reason) => log.error({ err: reason }, "a rejection was not handled"));
  process.on("uncaughtException", (error) => {
    log.error({ err: error }, "an exception was not caught; the daemon ends");
    process.exit(1);
  });
}
