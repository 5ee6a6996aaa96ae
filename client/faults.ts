/**
 * The errors that only a client can make: no daemon, a lost connection, a sandbox's no.
 * Owns their wording and their hints. They are IopipeErrors of the wire's kinds, so that callers catch one class;
 * `data.daemon` tells "absent" (none runs, none could be started) and "lost" (it went away in mid-call) apart.
 */
import { IopipeError } from "../protocol/wire/errors.ts";

/** No daemon answers and none could be started, or none was to be. Nothing was sent. */
export function noDaemon(message: string, extra: Readonly<Record<string, unknown>> = {}): IopipeError {
  const hint = "Start it with `iopipectl daemon start`, and see `iopipectl doctor`.";
  return new IopipeError("IoFailed", message, { hint, daemon: "absent", ...extra });
}

/** Whether `error` says that no daemon runs and none was started. */
export function isNoDaemon(error: unknown): error is IopipeError {
  return error instanceof IopipeError && error.data.daemon === "absent";
}

/** The connection ended before the answer came: whether the call took effect is not known. */
export function lostConnection(): IopipeError {
  return new IopipeError("ShuttingDown", "The connection to the daemon was lost before its answer came.", {
    hint: "The daemon stopped or was restarted. Look at the state again, then repeat the call.",
    daemon: "lost",
  });
}

/** Whether `error` says that the connection ended in mid-call. */
export function isLost(error: unknown): error is IopipeError {
  return error instanceof IopipeError && error.data.daemon === "lost";
}

/** A daemon has the socket and says nothing: it is stopped, or hangs. `pid` as daemon.json has it. */
export function silentDaemon(stateDir: string, pid: number | undefined, silentMs: number): IopipeError {
  const seconds = Math.round(silentMs / 1000);
  if (pid === undefined)
    return new IopipeError("Timeout", `No daemon of ${stateDir} has answered for ${seconds} s.`, {
      hint: "See `iopipectl doctor` and `iopipectl daemon logs`.",
    });
  return new IopipeError("Timeout", `The daemon, process ${pid}, has not answered for ${seconds} s.`, {
    hint:
      `If it was stopped, \`kill -CONT ${pid}\` lets it go on; if it hangs, \`kill -9 ${pid}\` ends it: what is ` +
      "staged is kept, and the next command starts a new one.",
    pid,
  });
}

/** The caller's own abort. */
export function cancelled(): IopipeError {
  return new IopipeError("Cancelled", "The request was cancelled.");
}

/**
 * The operating system forbids the socket. A daemon started from here would be just as unreachable, so none is.
 *
 * Source: openai/codex#39140 (seccomp, all families; allow_unix_sockets is macOS's); Claude Code's settings, where Linux
 * has all or nothing, for seccomp cannot tell paths apart.
 */
export function sandboxed(path: string, code: string): IopipeError {
  return new IopipeError("AccessDenied", `The connection to ${path} was refused with ${code}.`, {
    hint:
      (code === "EACCES" ? "This user may not go there, or a" : "A") +
      " sandbox around this process most likely forbids Unix sockets. Claude Code: set " +
      "sandbox.network.allowUnixSockets to this path (macOS) or sandbox.network.allowAllUnixSockets to true (Linux). " +
      "Codex: name it in allow_unix_sockets (macOS); Linux has no such setting, so give it `iopipectl mcp`, which it " +
      "starts outside of the sandbox. Or run this command outside of it.",
    socket: path,
    errno: code,
  });
}

/** No socket can be at `path`, or none can be made here; `code` as connect(2), lstat(2) and socket(2) have it. */
export function unreachable(path: string, code: string): IopipeError {
  return new IopipeError("IoFailed", `The connection to ${path} failed with ${code}.`, {
    hint:
      "It must be a path at which the daemon can have its socket: see IOPIPE_RUNTIME_DIR, IOPIPE_STATE_DIR and " +
      "`iopipectl doctor`.",
    socket: path,
    errno: code,
  });
}

/** The directory of a socket could be somebody else's: nothing is sent through it. */
export function untrusted(directory: string, fact: string): IopipeError {
  return new IopipeError("AccessDenied", `The socket's directory ${directory} ${fact}.`, {
    hint: `It must be a directory of your own with mode 0700: look at it, then \`chmod 700\` or remove it.`,
    directory,
  });
}
