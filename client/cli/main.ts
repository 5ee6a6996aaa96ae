/**
 * The binary `iopipectl`: runs the command line and ends the process.
 * Owns nothing else; parsing is program.ts. No top-level await, because the bundle is CommonJS.
 */
import { run } from "./program.ts";

// A reader that left early (`| head`) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

void run(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
