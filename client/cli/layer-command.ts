/**
 * The command that `run` runs: started in its layer with this process's terminal, and sent the signals that come here.
 * Owns the process, and ends it when what it writes takes too much room. ^C on a terminal reaches the command by itself;
 * what is sent to this process alone is passed on.
 */
import { spawn } from "node:child_process";
import { closeSync, createReadStream, fstatSync, openSync, readlinkSync } from "node:fs";
import { constants } from "node:os";
import { join, relative } from "node:path";
import type { Writable } from "node:stream";
import type { Result } from "../../protocol/methods/index.ts";
import { IopipeError } from "../../protocol/wire/errors.ts";
import { type Outgrown, outgrown } from "../../protocol/wire/room.ts";
import { nothingInherited } from "../descriptors.ts";
import type { Context } from "./context.ts";
import { UsageError } from "./failure.ts";
import { interruptAll, passOn } from "./layer-signals.ts";
import { dropTypedAhead } from "./typed-ahead.ts";

/** Processes between the one that is started and the command itself: unshare's child, and the shell's (enter.sh). */
const DEPTH = { overlay: 2, copy: 0 };

export interface Outcome {
  readonly code: number;
  readonly interrupted: boolean;
  /** Why it had to be ended. */
  readonly outgrown: Outgrown | undefined;
}

/** Resolves when the command has ended. @throws {IopipeError} where it cannot be started at all */
export async function runCommand(
  context: Context,
  workspace: string,
  { backend, root, start, env, directory: layer, maxBytes }: Result<"layer/open">,
  command: readonly string[],
): Promise<Outcome> {
  refuseDirectories();
  const directory = directoryIn(context.cwd, workspace, root);
  const stdin = isFileBelow(workspace) ? "pipe" : "inherit";
  const [program = "", ...args] = [...start, directory, ...command];
  const child = spawn(program, args, {
    // Nothing in there keeps a descriptor of the real tree.
    cwd: "/",
    env: { ...process.env, ...env, PWD: directory },
    // With --json stdout has the result, and nothing else.
    stdio: nothingInherited([stdin, context.json ? 2 : "inherit", "inherit"]),
  });
  if (child.stdin) feed(child.stdin);
  const ended = new Promise<number>((resolve, reject) => {
    child.once("error", (error) => reject(cannotStart(program, error)));
    child.once("exit", (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
  let interrupted = false;
  const sharesTerminal = hasTerminal();
  const tell = (signal: NodeJS.Signals): void => {
    if (signal === "SIGINT") interrupted = true;
    const byTerminal = sharesTerminal && (signal === "SIGINT" || signal === "SIGQUIT");
    if (!byTerminal && child.pid !== undefined) passOn(child.pid, DEPTH[backend], signal);
  };
  const over = new AbortController();
  const watched = outgrown({ directory: layer, maxBytes }, over.signal).then((found) => {
    if (found && child.pid !== undefined) interruptAll(child.pid, DEPTH[backend], over.signal);
    return found;
  });
  const code = await context.leavingSignals(tell, () => ended).finally(() => over.abort());
  if (env.IOPIPE_ROLE === "proposer") dropTypedAhead();
  return { code, interrupted, outgrown: await watched };
}

/** The working directory as the layer has it, where that is in the workspace; else the workspace's root. */
function directoryIn(cwd: string, workspace: string, root: string): string {
  const isInside = cwd === workspace || cwd.startsWith(`${workspace}/`);
  return isInside ? join(root, relative(workspace, cwd)) : root;
}

/** The real tree can be written to through a descriptor of a directory. */
function refuseDirectories(): void {
  const names = ["stdin", "stdout", "stderr"];
  const directory = names.find((_, fd) => fstatSync(fd).isDirectory());
  if (directory === undefined) return;
  throw new UsageError(
    `${directory} is a directory.`,
    "Give the command a file, a pipe or a terminal there.",
  );
}

/** Whether stdin is a file of the tree: whoever has it can open that again, for writing (proc_pid_fd(5)). */
function isFileBelow(workspace: string): boolean {
  if (process.platform !== "linux" || !fstatSync(0).isFile()) return false;
  return readlinkSync("/proc/self/fd/0").startsWith(`${workspace}/`);
}

/** What the command leaves unread is lost to whoever shares this stdin, as behind every pipe. */
function feed(stdin: Writable): void {
  stdin.on("error", () => {
    // The command has closed it, or has ended.
  });
  createReadStream("", { fd: 0, autoClose: false }).pipe(stdin);
}

/** Whether ^C there is sent to the whole foreground group, the command among it. */
function hasTerminal(): boolean {
  try {
    closeSync(openSync("/dev/tty", "r"));
    return true;
  } catch {
    return false;
  }
}

function cannotStart(program: string, { message }: Error): IopipeError {
  return new IopipeError("IoFailed", `${program} cannot be started: ${message}.`, {
    hint: "A layer needs setpriv, unshare and mount of util-linux.",
  });
}
