/**
 * git as a process: started without a shell, without the repository's hooks, helpers or optional locks, with no variable of
 * the environment that points it elsewhere, bounded in time and output.
 * Owns how it is started, fed and ended; what is asked is the callers'.
 */
import { execFile } from "node:child_process";
import type { Writable } from "node:stream";

export interface GitAnswer {
  /** Undefined when git did not end with 0. */
  readonly stdout: string | undefined;
  /** What git said beside its answer, else why it did not end well. */
  readonly error: string;
  readonly pid: number | undefined;
}

export interface GitOptions {
  /** At `signal`, or when it takes too long, it is ended early, so that git cleans up and ends by itself. */
  readonly input?: AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
  /** How long git may take to end when its input has ended early; it is killed then, and may leave a temporary file. */
  readonly graceMs?: number;
  /** More of the environment. */
  readonly env?: Readonly<Record<string, string>>;
}

const TIMEOUT_MS = 30_000;
const MAX_OUTPUT = 64 * 1024 * 1024;

const GRACE_MS = 10_000;

/** A repository's configuration must not start anything here. */
const SAFE = ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"];

/** Runs git in `directory`. Never throws: where `input` does, that is why git did not end well. */
export async function runGit(
  directory: string,
  args: readonly string[],
  { input, signal, timeoutMs = TIMEOUT_MS, graceMs = GRACE_MS, env }: GitOptions = {},
): Promise<GitAnswer> {
  const { promise: answer, resolve } = Promise.withResolvers<GitAnswer>();
  const child = execFile(
    "git",
    [...SAFE, "-C", directory, ...args],
    {
      // Not in the directory: a relative entry of PATH would find a git of the repository's own there.
      cwd: "/",
      env: { ...environment(), ...env },
      timeout: input ? timeoutMs + graceMs : timeoutMs,
      maxBuffer: MAX_OUTPUT,
      ...(signal && !input && { signal }),
    },
    (error, stdout, stderr) => {
      const why = error?.killed ? tooLong(timeoutMs) : stderr.trim() || error?.message || "";
      resolve({ stdout: error ? undefined : stdout, error: why, pid: child.pid });
    },
  );
  const stdin = child.stdin as Writable;
  // An early end of git shows in its answer.
  stdin.on("error", () => undefined);
  const failure = input && (await feed(stdin, input, timeoutMs, signal).catch((error: Error) => error));
  stdin.destroy();
  // Does nothing to one that has ended.
  if (failure) setTimeout(() => child.kill(), graceMs).unref();
  return failure ? { ...(await answer), stdout: undefined, error: failure.message } : answer;
}

/** Fetches nothing that a partial clone lacks: nothing here may go over a network, or start a helper. */
function environment(): NodeJS.ProcessEnv {
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith("GIT_"));
  return {
    ...Object.fromEntries(others),
    ...{ GIT_OPTIONAL_LOCKS: "0", GIT_NO_LAZY_FETCH: "1", GIT_ALLOW_PROTOCOL: "", GIT_TERMINAL_PROMPT: "0" },
    ...{ LC_ALL: "C" },
  };
}

function tooLong(timeoutMs: number): string {
  return `git took longer than ${timeoutMs / 1000} s.`;
}

/** Each piece is written out before the next is asked for, whose memory may be the same. */
async function feed(
  stdin: Writable,
  input: AsyncIterable<Uint8Array>,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<undefined> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const over = signal ? AbortSignal.any([signal, timeout]) : timeout;
  // What is being written then fails.
  const end = (): void => void stdin.destroy();
  over.addEventListener("abort", end);
  const refuse = (): void => {
    if (timeout.aborted) throw new Error(tooLong(timeoutMs));
    over.throwIfAborted();
  };
  try {
    for await (const piece of input) {
      refuse();
      const isWritten = await new Promise((done) => stdin.write(piece, (error) => done(!error)));
      if (!isWritten) return refuse() as undefined;
    }
    await new Promise<void>((done) => stdin.end(done));
  } finally {
    over.removeEventListener("abort", end);
  }
  return undefined;
}
