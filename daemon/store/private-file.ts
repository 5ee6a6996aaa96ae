/** Database files are their owner's alone, from before SQLite first writes into them: its -wal takes the same mode. */
import { chmodSync, closeSync, openSync } from "node:fs";

/** Makes `file` where it is missing, and gives it mode 0600 in any case. */
export function makePrivate(file: string): void {
  closeSync(openSync(file, "a", 0o600));
  chmodSync(file, 0o600);
}
