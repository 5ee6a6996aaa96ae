/**
 * The syntax child's parent end: looks at contents in a process that may crash, hang or grow without harm.
 * Owns the one child: it starts with the first content, works on one at a time, is killed when it takes too long or
 * writes too much, replaced when it has grown, ended when nothing came for a while.
 * Failure: never rejects. The content that a child died of is unknown, the others go to its successor; children that
 * die one after the other are started ever later, up to LONGEST_DELAY_MS.
 */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { type Answer, isReport, readAnswers, spawnChild } from "./parser-pipe.ts";
import { type Report, unknown } from "./report.ts";

export interface ParserProcess {
  /** `name` is a language of language.ts. Resolves with `passing` where no answer came. */
  look(bytes: Uint8Array, language: string): Promise<Report>;
  /** The child's, while there is one. */
  readonly pid: number | undefined;
  /** Kills the child; what waits is unknown. */
  close(): Promise<void>;
}

export interface ParserOptions {
  /** For one content, once the child is up; above the parsers' own limits. */
  readonly jobMs?: number;
  readonly start?: () => ChildProcess;
}

const JOB_MS = 3000;
/** Starting takes 100 ms; a machine under load may take this long. */
const START_MS = 20_000;
const IDLE_MS = 120_000;
/** Contents that wait, of at most 1 MiB each. */
const MAX_QUEUED = 200;
/** A child that has grown or worked so much is replaced: WASM memory never shrinks, and the kernel ends it at 300 s. */
const GROWN_BYTES = 512 * 1024 * 1024;
const WORKED_MS = 120_000;

const IMMEDIATE_STARTS = 3;
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 1000;

interface Task {
  readonly bytes: Uint8Array;
  readonly language: string;
  readonly resolve: (report: Report) => void;
}

export function startParserProcess({
  jobMs = JOB_MS,
  start = spawnChild,
}: ParserOptions = {}): ParserProcess {
  const queue: Task[] = [];
  let child: ChildProcess | undefined;
  let isReady = false;
  let current: Task | undefined;
  let id = 0;
  let failures = 0;
  let closed = false;
  /** What ends a start, a job or idleness; there is one of these at a time. */
  let timer: NodeJS.Timeout | undefined;
  let rest: NodeJS.Timeout | undefined;

  const after = (ms: number, then: () => void): void => {
    clearTimeout(timer);
    timer = setTimeout(then, ms).unref();
  };
  const next = (): void => {
    if (closed || current) return;
    if (queue.length === 0) after(IDLE_MS, retire);
    else if (isReady) work(queue.shift() as Task);
    else if (!child && !rest) begin();
  };
  const begin = (): void => {
    const started = start();
    child = started;
    after(START_MS, () => started.kill("SIGKILL"));
    readAnswers(started, (answer) => child === started && take(answer));
    started.once("exit", (code, signal) => child === started && ended(`it ended with ${signal ?? code}`));
  };
  const work = (task: Task): void => {
    current = task;
    id += 1;
    const { bytes, language } = task;
    after(jobMs, () => abandon(`it took over ${jobMs} ms`));
    child?.stdin?.write(`${JSON.stringify({ id, language, bytes: bytes.length })}\n`);
    child?.stdin?.write(bytes);
  };
  const take = ({ ready, id: answered, report, rssBytes = 0, cpuMs = 0 }: Answer): void => {
    if (!ready && (answered !== id || !current || !isReport(report))) {
      abandon("it answered what was not asked");
      return;
    }
    isReady = true;
    if (report) {
      failures = 0;
      settle(report);
      if (rssBytes > GROWN_BYTES || cpuMs > WORKED_MS) retire();
    }
    next();
  };
  const settle = (report: Report): void => {
    current?.resolve(report);
    current = undefined;
  };
  /** Ends the child without blaming anything on it. */
  const retire = (): void => {
    clearTimeout(timer);
    child?.kill("SIGKILL");
    child = undefined;
    isReady = false;
  };
  const abandon = (why: string): void => {
    child?.kill("SIGKILL");
    ended(why);
  };
  const ended = (why: string): void => {
    const wasReady = isReady;
    retire();
    failures += 1;
    settle(unknown(`The parser did not answer: ${why}.`, { passing: "died" }));
    // It never came up, so it would not for the others.
    if (!wasReady) dropAll(`The parser could not be started: ${why}.`);
    rest = setTimeout(() => {
      rest = undefined;
      next();
    }, delayAfter(failures));
  };
  const dropAll = (why: string): void => {
    for (const { resolve } of queue.splice(0)) resolve(unknown(why, { passing: "unreached" }));
  };

  return {
    look: (bytes, language) =>
      new Promise((resolve) => {
        if (closed || queue.length >= MAX_QUEUED)
          return resolve(unknown("Too many contents wait for the parser.", { passing: "unreached" }));
        queue.push({ bytes, language, resolve });
        next();
      }),
    get pid() {
      return child?.pid;
    },
    close: async () => {
      closed = true;
      clearTimeout(rest);
      const last = child;
      const exit =
        last && last.exitCode === null && last.signalCode === null ? once(last, "exit") : undefined;
      retire();
      settle(unknown("The daemon is stopping.", { passing: "unreached" }));
      dropAll("The daemon is stopping.");
      await exit;
    },
  };
}

function delayAfter(failures: number): number {
  if (failures < IMMEDIATE_STARTS) return 0;
  return Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (failures - IMMEDIATE_STARTS));
}
