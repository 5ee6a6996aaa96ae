/** Child processes that never outlive the script: killed when it ends, by ^C and by a failure too. */
import type { ChildProcess } from "node:child_process";

const running = new Set<ChildProcess>();

// Ahead of the listener that removes the directory which they may work in.
process.prependOnceListener("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export function endWithScript(child: ChildProcess): void {
  running.add(child);
  child.once("exit", () => running.delete(child));
}
