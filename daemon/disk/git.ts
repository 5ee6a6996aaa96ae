/**
 * git as a process: started without a shell, without the repository's hooks or optional locks, with no variable of the
 * environment that points it elsewhere, bounded in time and output.
 * Owns how it is started; what is asked is the callers'.
 */
import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Writable } from "node:stream";

interface GitAnswer {
  /** Undefined when git did not end with 0. */
  readonly stdout: string | undefined;
  /** Why not, in git's words or the system's. */
  readonly error: string;
  readonly pid: number | undefined;
}

interface GitOptions {
  readonly input?: AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 30_000;
const MAX_OUTPUT = 64 * 1024 * 1024;

/** A repository's configuration must not start anything here. */
const SAFE = ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"];

/** Runs git in `directory`. Never throws: where `input` does, that is why git did not end well. */
export async function runGit(
  directory: string,
  args: readonly string[],
  { input, signal, timeoutMs = TIMEOUT_MS }: GitOptions = {},
): Promise<GitAnswer> {
  const { promise: answer, resolve } = Promise.withResolvers<GitAnswer>();
  const child = execFile(
    "git",
    [...SAFE, ...args],
    {
      cwd: directory,
      env: environment(),
      timeout: timeoutMs,
      maxBuffer: MAX_OUTPUT,
      ...(signal && { signal }),
    },
    (error, stdout, stderr) => {
      const why = stderr.trim() || error?.message || "";
      resolve({ stdout: error ? undefined : stdout, error: why, pid: child.pid });
    },
  );
  const stdin = child.stdin as Writable;
  // An early end of git shows in its answer.
  stdin.on("error", () => undefined);
  const failure = input && (await feed(stdin, input).catch((error: Error) => error));
  stdin.destroy();
  return failure ? { ...(await answer), stdout: undefined, error: failure.message } : answer;
}

/** Fetches nothing that a partial clone lacks: nothing here may go over a network. */
function environment(): NodeJS.ProcessEnv {
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith("GIT_"));
  return {
    ...Object.fromEntries(others),
    ...{ GIT_OPTIONAL_LOCKS: "0", GIT_NO_LAZY_FETCH: "1", GIT_TERMINAL_PROMPT: "0", LC_ALL: "C" },
  };
}

/** Each piece is written out before the next is asked for, whose memory may be the same. */
async function feed(stdin: Writable, input: AsyncIterable<Uint8Array>): Promise<undefined> {
  for await (const piece of input) {
    const isWritten = await new Promise((done) => stdin.write(piece, (error) => done(!error)));
    if (!isWritten) return undefined;
  }
  await new Promise<void>((done) => stdin.end(done));
  return undefined;
}

/** Compressing a GiB takes half a minute. */
const IMPORT_TIMEOUT_MS = 600_000;

/**
 * Has git fast-import(1) read `stream`, which ends with `done`; nothing but objects and refs is written, and no ref
 * unless all went well. Large content is not held in memory.
 */
export async function fastImport(
  directory: string,
  gitDir: string,
  stream: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<GitAnswer> {
  const args = ["-c", "core.bigFileThreshold=1m", "fast-import", "--quiet", "--done", "--date-format=raw"];
  const answer = await runGit(directory, args, { input: stream, signal, timeoutMs: IMPORT_TIMEOUT_MS });
  // What it leaves when it fails, for its own developers.
  if (answer.stdout === undefined) await rm(join(gitDir, `fast_import_crash_${answer.pid}`), { force: true });
  return answer;
}
