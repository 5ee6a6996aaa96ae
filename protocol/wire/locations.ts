/**
 * Where the daemon keeps its state and its sockets: the same rules for both ends.
 * Owns names only; making and checking the directories is the daemon's (daemon/rpc/directories.ts).
 * Source: XDG base directory specification.
 */
import { homedir, userInfo } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { IopipeError } from "./errors.ts";

export type Role = "reviewer" | "proposer";

export interface Locations {
  /** Database, blobs, logs and daemon.json; absolute. */
  readonly stateDir: string;
  readonly runtimeDir: string;
  /** One socket per role. */
  readonly sockets: Readonly<Record<Role, string>>;
  /** Names the running daemon, for clients that were started with another environment. */
  readonly daemonFile: string;
  readonly logFile: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The locations that `env` asks for. An empty variable counts as unset, and so does a relative one of XDG's. */
export function locate(env: Environment = process.env): Locations {
  const stateDir = resolve(
    env.IOPIPE_STATE_DIR ||
      join(absolute(env.XDG_STATE_HOME) ?? join(homeOf(env), ".local", "state"), "iopipe"),
  );
  const runtimeDir = resolve(runtimeDirectory(env, stateDir));
  return {
    stateDir,
    runtimeDir,
    sockets: {
      reviewer: join(runtimeDir, "iopiped.sock"),
      proposer: join(runtimeDir, "propose", "iopiped.sock"),
    },
    daemonFile: join(stateDir, "daemon.json"),
    logFile: join(stateDir, "log", "iopiped.log"),
  };
}

function runtimeDirectory(env: Environment, stateDir: string): string {
  if (env.IOPIPE_RUNTIME_DIR) return env.IOPIPE_RUNTIME_DIR;
  const given = env.IOPIPE_STATE_DIR ? undefined : absolute(env.XDG_RUNTIME_DIR);
  return given === undefined ? join(stateDir, "run") : join(given, "iopipe");
}

/** "All paths set in these environment variables must be absolute", the XDG specification says: others are ignored. */
function absolute(path: string | undefined): string | undefined {
  return path && isAbsolute(path) ? path : undefined;
}

/**
 * The user's home directory: never the working directory, as a relative or an empty HOME would have it.
 *
 * @throws {IopipeError} IoFailed where neither HOME nor the system's list of users names one, as in some containers
 */
export function homeOf({ HOME }: Environment): string {
  try {
    return absolute(HOME) ?? (HOME === undefined ? homedir() : userInfo().homedir);
  } catch {
    throw new IopipeError(
      "IoFailed",
      `HOME is not set, and user ${process.getuid?.()} has no home directory.`,
      {
        hint: "Set HOME, or IOPIPE_STATE_DIR to a directory for iopipe's state.",
      },
    );
  }
}

/** What `daemon.json` holds: written by rename once the sockets answer, removed at a clean stop. */
export interface DaemonFile {
  readonly pid: number;
  /** Random, new at every start: tells a restarted daemon from the one known. */
  readonly instance: string;
  readonly version: string;
  readonly protocolVersion: number;
  readonly sockets: Readonly<Record<Role, string>>;
  readonly startedAt: string;
}
