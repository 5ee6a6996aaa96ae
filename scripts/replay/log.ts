/** The daemon's own word: errors in its log, which its clients may never have been told of. */
import { readFileSync } from "node:fs";

/** pino's number for "error". */
const ERROR = 50;

/** The lines of a log file that are errors, or worse. */
export function errorsIn(logFile: string): string[] {
  const lines = readFileSync(logFile, "utf8").split("\n").filter(Boolean);
  return lines.filter((line) => (JSON.parse(line) as { level: number }).level >= ERROR);
}
