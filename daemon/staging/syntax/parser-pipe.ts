/**
 * The pipe to the syntax child: how it is started, and what it answers, line by line.
 * What it is asked, when it is ended and what becomes of its answers is parser-process.ts; the child itself is child.ts.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Report } from "./report.ts";

/** A line of the child's; nothing in it has been looked at. */
export interface Answer {
  readonly ready?: true;
  readonly id?: number;
  readonly report?: Report;
  readonly rssBytes?: number;
  readonly cpuMs?: number;
}

/** A report has at most ten findings of each kind. */
const MAX_LINE_BYTES = 64 * 1024;

/** V8's optimising compiler would take more time and memory over a grammar than its parsing saves. */
const NODE_FLAGS = ["--liftoff-only", "--max-old-space-size=512"];

/** Its standard input and output are the pipe. It says that it is ready. */
export function spawnChild(): ChildProcess {
  const entry = fileURLToPath(new URL("./child.ts", import.meta.url));
  // Either variable costs a start dearly or changes what runs there.
  const { NODE_EXTRA_CA_CERTS: _, NODE_OPTIONS: __, ...env } = process.env;
  const child = spawn(process.execPath, [...NODE_FLAGS, entry], {
    env,
    stdio: ["pipe", "pipe", "ignore"],
    windowsHide: true,
  });
  // A child that could not be started or is gone already: its exit says the same.
  child.on("error", () => child.emit("exit", null, "SIGKILL"));
  child.stdin?.on("error", () => {});
  return child;
}

/** A line longer than any report, or none of ours, ends the child. */
export function readAnswers(child: ChildProcess, take: (answer: Answer) => void): void {
  let text = "";
  child.stdout?.setEncoding("utf8").on("data", (piece: string) => {
    text += piece;
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    if (text.length > MAX_LINE_BYTES) return void child.kill("SIGKILL");
    for (const line of lines) {
      try {
        take(JSON.parse(line) as Answer);
      } catch {
        child.kill("SIGKILL");
      }
    }
  });
}

const PARSED = ["clean", "broken", "unknown"];

/** Whether it has a report's shape. */
export function isReport(value: Report | undefined): value is Report {
  return (
    value !== undefined &&
    PARSED.includes(value.parsed) &&
    Array.isArray(value.errors) &&
    Array.isArray(value.warnings)
  );
}
