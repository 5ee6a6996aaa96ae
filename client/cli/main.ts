/**
 * The binary `iopipectl`: runs the command line and ends the process.
 * Owns what becomes of output that nobody takes; parsing is program.ts. No top-level await, because the bundle is
 * CommonJS.
 */
import { EXIT } from "./failure.ts";
import { run } from "./program.ts";

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // A reader that left early (`| head`) is no failure; but how a check ends, nobody knows by then.
  if (error.code === "EPIPE") process.exit(process.argv[2] === "verify" ? EXIT.failed : 0);
  process.stderr.write(`iopipectl: stdout cannot be written (${error.code}).\n`);
  process.exit(EXIT.failed);
});
// What cannot be said is not said; the exit code stays.
process.stderr.on("error", () => {});

void run(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
