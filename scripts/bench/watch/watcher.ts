/**
 * A watcher to be measured: a process of its own, seen from the bench.
 * Owns that process, which ends with the bench. What it watches with is one file of watchers/.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { endWithScript } from "../../scratch/child.ts";
import { now, type Order, type Told } from "./told.ts";

export interface Watcher {
  /** From its start until it was ready; its process had to start too. */
  readonly startMs: number;
  readonly pid: number;
  /** Does `write`, which changes `path` (absolute), and gives the ms until that was reported; Infinity after LOST_MS. */
  notices(path: string, write: () => void): Promise<number>;
  stop(): Promise<void>;
}

/** A change that is not reported by then is lost. */
export const LOST_MS = 3000;
const START_MS = 180_000;

/** @throws {Error} where it does not start: with its own words */
export async function startWatcher(
  program: string,
  order: Order,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Watcher> {
  const { NODE_EXTRA_CA_CERTS: _, ...clean } = env;
  const url = new URL(`./watchers/${program}.ts`, import.meta.url);
  const began = now();
  const child = spawn(process.execPath, [url.pathname, JSON.stringify(order)], {
    env: clean,
    stdio: ["pipe", "pipe", "inherit"],
  });
  endWithScript(child);
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const waiting = new Map<string, (at: number) => void>();
  await ready(child, (path, at) => waiting.get(path)?.(at));
  return {
    startMs: now() - began,
    pid: child.pid as number,
    notices: (path, write) =>
      new Promise((resolve) => {
        const done = (took: number): void => {
          clearTimeout(late);
          waiting.delete(path);
          resolve(took);
        };
        const late = setTimeout(done, LOST_MS, Number.POSITIVE_INFINITY);
        const wroteAt = now();
        waiting.set(path, (at) => at >= wroteAt && done(at - wroteAt));
        write();
      }),
    async stop() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

/** Resolves when the watcher is; `saw` is called for what it reports from then on. */
function ready(child: ChildProcess, saw: (path: string, at: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      child.kill("SIGKILL");
      reject(new Error(why));
    };
    const late = setTimeout(fail, START_MS, `not ready after ${START_MS / 1000} s`);
    child.once("exit", (code, signal) => fail(`it ended (${signal ?? code})`));
    child.stdin?.on("error", () => {});
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on("line", (line) => {
      const told = JSON.parse(line) as Told;
      if ("path" in told) return saw(told.path, told.at);
      clearTimeout(late);
      if ("failed" in told) fail(told.failed);
      else resolve();
    });
  });
}
