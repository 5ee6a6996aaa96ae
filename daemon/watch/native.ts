/**
 * The native child's parent end: one live child for a root, replaced make-before-break.
 * Owns the processes: starting, killing (SIGKILL, the only end that is safe), back-off. What it reports are hints; what
 * may have been lost between two children is made good by a crawl, which the owner asks for at `ready`.
 * Invariant: at most two children at a time, the live one and its successor.
 * Time: three starts at once, then 100 ms doubling to 30 s; a child that lived a minute begins the count anew.
 * Failure: never throws; a limit of the system is told apart, since trying again at once is of no use then.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { WatchLog } from "./types.ts";
import { until } from "./waiting.ts";

export interface Native {
  readonly live: boolean;
  /** The live child's process id. */
  readonly pid: number | undefined;
  readonly restarts: number;
  /** Starts a successor; the live child serves until that is ready. */
  replace(reason: string): void;
  /** Resolves when a child is live; rejects with `signal`'s reason. */
  ready(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface NativeHooks {
  hints(paths: readonly string[]): void;
  cookies(names: readonly string[]): void;
  /** A child is live; whatever happened before may have gone unseen. */
  ready(): void;
  /** There is none; another is on its way. */
  down(reason: string): void;
  /** The system has no more watches to give; tried again at the longest interval. */
  limit(): void;
}

export interface NativeOptions {
  readonly root: string;
  readonly cookieDir: string;
  readonly ignored: readonly string[];
  readonly log: WatchLog;
}

const IMMEDIATE_STARTS = 3;
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 30_000;
const PROVEN_MS = 60_000;
/** A subscription of 200,000 files takes five seconds; a child that needs this long hangs. */
const START_TIMEOUT_MS = 120_000;
/** How the native backend words ENOSPC and EMFILE. */
const LIMIT = /no space left on device|too many open files|limit/i;

export function startNative(options: NativeOptions, hooks: NativeHooks): Native {
  let live: ChildProcess | undefined;
  let next: ChildProcess | undefined;
  let timer: NodeJS.Timeout | undefined;
  let failures = 0;
  let restarts = -1;
  let closed = false;
  const all = new Set<ChildProcess>();
  const waiting: (() => void)[] = [];

  const start = (): void => {
    timer = undefined;
    if (closed || next) return;
    restarts += 1;
    const child = spawnChild(options);
    let error = "";
    next = child;
    all.add(child);
    const deadline = setTimeout(() => child.kill("SIGKILL"), START_TIMEOUT_MS).unref();
    const bornAt = performance.now();
    readLines(child, (line) => {
      if (line.ready) {
        clearTimeout(deadline);
        live?.kill("SIGKILL");
        [live, next] = [child, undefined];
        hooks.ready();
        for (const resolve of waiting.splice(0)) resolve();
      } else if (line.error !== undefined) error = line.error;
      else if (line.hints) hooks.hints(line.hints);
      else if (line.cookies && child === live) hooks.cookies(line.cookies);
    });
    child.once("exit", (code, signal) => {
      clearTimeout(deadline);
      all.delete(child);
      if (child !== live && child !== next) return;
      const reason = error || `the watch child ended (${signal ?? code})`;
      if (performance.now() - bornAt > PROVEN_MS) failures = 0;
      if (child === live) live = undefined;
      if (child === next) next = undefined;
      if (!closed) startAgain(reason);
    });
  };

  const startAgain = (reason: string): void => {
    failures += 1;
    options.log.warn({ root: options.root, reason, failures }, "The native watcher is being replaced.");
    const limited = LIMIT.test(reason);
    if (limited) hooks.limit();
    else if (!live) hooks.down(reason);
    const delay = limited
      ? LONGEST_DELAY_MS
      : failures <= IMMEDIATE_STARTS
        ? 0
        : Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (failures - IMMEDIATE_STARTS - 1));
    timer ??= setTimeout(start, delay).unref();
  };

  start();
  return {
    get live() {
      return live !== undefined;
    },
    get pid() {
      return live?.pid;
    },
    get restarts() {
      return Math.max(0, restarts);
    },
    replace(reason) {
      if (closed || next || timer) return;
      options.log.warn({ root: options.root, reason }, "The native watcher is being replaced.");
      start();
    },
    ready: (signal) =>
      live ? Promise.resolve() : until(new Promise((resolve) => waiting.push(resolve)), signal),
    async close() {
      closed = true;
      clearTimeout(timer);
      const ends = [...all].map((child) => once(child, "exit"));
      for (const child of all) child.kill("SIGKILL");
      await Promise.all(ends);
    },
  };
}

interface Line {
  readonly ready?: true;
  readonly error?: string;
  readonly hints?: string[];
  readonly cookies?: string[];
}

function spawnChild({ root, cookieDir, ignored }: NativeOptions): ChildProcess {
  const entry = fileURLToPath(new URL("./child.ts", import.meta.url));
  // Either variable costs a start dearly or changes what runs there.
  const { NODE_EXTRA_CA_CERTS: _, NODE_OPTIONS: __, ...env } = process.env;
  const child = spawn(process.execPath, [entry], {
    env,
    stdio: ["pipe", "pipe", "ignore"],
    windowsHide: true,
  });
  // A child that could not be started or is gone already: its exit says the same.
  child.on("error", () => child.emit("exit", null, "SIGKILL"));
  child.stdin?.on("error", () => {});
  child.stdin?.write(`${JSON.stringify({ root, cookieDir, ignored })}\n`);
  return child;
}

function readLines(child: ChildProcess, take: (line: Line) => void): void {
  if (!child.stdout) return;
  createInterface({ input: child.stdout }).on("line", (text) => {
    try {
      take(JSON.parse(text) as Line);
    } catch {
      child.kill("SIGKILL"); // Half a line: the child was killed while it wrote.
    }
  });
}
