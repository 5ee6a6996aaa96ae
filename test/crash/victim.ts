/**
 * One run of the driver under strace: from its start to its answer or its death.
 * Owns the processes it starts: whatever happens, none is left. Time: a run of over 20 s is killed and fails.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { attach, COUNTABLE, type Met, type Tortured } from "./attach.ts";
import type { Action, Answer } from "./driver.ts";
import type { Injection } from "./strace.ts";

const LIMIT_MS = 20_000;

export interface Ended extends Met {
  /** Undefined when it was killed. */
  readonly answer: Answer | undefined;
}

export interface Victim extends Tortured {
  /** The driver's bundle. */
  readonly driver: string;
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/** Runs `action`, in which `injections` happen; `record`: and tells its calls. */
export async function runVictim(
  victim: Victim,
  action: Action,
  injections: readonly Injection[],
  record: boolean,
): Promise<Ended> {
  const child = spawn(process.execPath, [victim.driver, action, victim.state, victim.root], {
    env: { PATH: process.env.PATH, ...COUNTABLE, ...victim.env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
  const ended = ending(child);
  try {
    const ready = once(child.stdout, "data").then(() => undefined);
    const early = await Promise.race([ready, ended]);
    if (early) throw new Error(`The driver ended: ${early.errors}`);
    const tracing = await attach(child.pid as number, victim, injections, record);
    child.stdin.write("\n");
    const { answer, errors } = await ended;
    const met = await tracing.end();
    if (answer === "" && (errors !== "" || injections.length === met.missed.length))
      throw new Error(`The driver gave no answer: ${errors}`);
    return { ...met, answer: answer === "" ? undefined : (JSON.parse(answer) as Answer) };
  } finally {
    clearTimeout(timer);
    child.kill("SIGKILL");
  }
}

async function ending(child: ChildProcess): Promise<{ answer: string; errors: string }> {
  const [output, errors] = await Promise.all([
    text(child.stdout as NodeJS.ReadableStream),
    text(child.stderr as NodeJS.ReadableStream),
    once(child, "close"),
  ]);
  return { answer: output.replace("ready\n", ""), errors };
}
