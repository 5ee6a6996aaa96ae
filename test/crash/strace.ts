/**
 * strace(1) on one thread of a running process: what it calls, and what happens to a chosen call.
 * Owns the command line and the reading of its output. The counts of `when=` are per thread and per system call and
 * begin when strace attaches, so that (thread, name, nth) is one exact point.
 * WORKAROUND: never with --seccomp-bpf, under which a signal is silently not delivered (strace 6.1).
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";

export const STRACE = "strace";

export type Thread = "main" | "pool";

/** One system call of a run. */
export interface Call {
  readonly thread: Thread;
  readonly name: string;
  /** Among this thread's calls of that name, from 1. */
  readonly nth: number;
  /** As strace shows it. */
  readonly line: string;
  /** Seconds. */
  readonly at: number;
}

/** What a call meets: death before it is made, or this error instead of it. */
export interface Injection extends Pick<Call, "thread" | "name" | "nth"> {
  readonly what: "SIGKILL" | "EIO" | "ENOSPC" | "EACCES" | "EROFS" | "EDQUOT";
}

/** Calls that change something; `?` where an architecture does not have them. */
const CHANGING =
  "openat,write,pwrite64,fsync,fdatasync,ftruncate,fchmod,fchown,?open,?rename,?renameat,renameat2,?link,linkat,?unlink,unlinkat,?mkdir,mkdirat,?rmdir,?symlink,symlinkat,?chmod,fchmodat";

export interface Traced {
  readonly calls: readonly Call[];
  /** Those of the injections that took place. */
  readonly happened: readonly Injection[];
}

export interface Tracing {
  readonly thread: Thread;
  readonly tid: number;
  /** For strace's output. */
  readonly file: string;
  readonly injections: readonly Injection[];
  /** Every changing call, not only the injected ones. */
  readonly record: boolean;
}

/** Attaches; resolves when the thread is traced. `end` resolves when strace has ended, with the thread. */
export async function trace({
  thread,
  tid,
  file,
  injections,
  record,
}: Tracing): Promise<{ end(): Promise<Traced> }> {
  const traced = record ? CHANGING : injections.map(({ name }) => name).join(",");
  const options = ["-y", "-ttt", "-s", "16", "-o", file, "-p", `${tid}`, "-e", `trace=${traced}`];
  for (const { name, nth, what } of injections) {
    const effect = what === "SIGKILL" ? "signal=SIGKILL" : `error=${what}`;
    options.push("-e", `inject=${name}:${effect}:when=${nth}`);
  }
  const child = spawn(STRACE, options, { stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(child, "close");
  const [said] = await Promise.race([once(child.stderr, "data"), ended]);
  if (!String(said).includes("attached")) throw new Error(`strace did not attach: ${said}`);
  child.stderr.resume();
  const end = async (): Promise<Traced> => {
    await ended;
    const lines = readFileSync(file, "utf8").split("\n");
    const calls = callsOf(thread, lines);
    const killed = lines.some((line) => line.includes("killed by SIGKILL"));
    const happened = injections.filter(({ name, nth, what }) => {
      const call = calls.find((one) => one.name === name && one.nth === nth);
      return what === "SIGKILL"
        ? killed && call && call === calls.at(-1)
        : call?.line.includes(`${what} `) && call.line.endsWith("(INJECTED)");
    });
    return { calls, happened };
  };
  return { end };
}

const LINE = /^(\d+\.\d+) ([a-z0-9_]+)\(/;

function callsOf(thread: Thread, lines: readonly string[]): Call[] {
  const counts = new Map<string, number>();
  return lines.flatMap((line) => {
    const [, at, name] = LINE.exec(line) ?? [];
    if (name === undefined) return [];
    const nth = (counts.get(name) ?? 0) + 1;
    counts.set(name, nth);
    return [{ thread, name, nth, line, at: Number(at) }];
  });
}

const ON_A_FILE = new Set(["write", "pwrite64", "fsync", "fdatasync", "ftruncate", "fchmod", "fchown"]);

/** Whether the call changes something, in a file below one of `directories`, or makes such a change durable. */
export function changes({ name, line }: Call, directories: readonly string[]): boolean {
  if (name.startsWith("open")) return line.includes("O_CREAT");
  return !ON_A_FILE.has(name) || directories.some((directory) => line.includes(`<${directory}`));
}
