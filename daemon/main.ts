/**
 * The daemon's composition root: the only place that knows every part. It reads from the first lock to the last.
 * Invariants: the store's lock is held from before the first socket until after the last answer; the log is opened
 * only under that lock, so that two daemons never rotate one file.
 */
import { randomUUID } from "node:crypto";
import { dirname, join } from "node:path";
import packageJson from "../package.json" with { type: "json" };
import type { WatchRules } from "../protocol/methods/index.ts";
import {
  type DaemonFile,
  IopipeError,
  type Locations,
  locate,
  PROTOCOL_VERSION,
} from "../protocol/wire/index.ts";

import { logDefects, stopSignal } from "./lifecycle.ts";
import { openLog } from "./log.ts";
import { type Releases, releases } from "./releases.ts";
import type { Log } from "./rpc/call.ts";
import { readDaemonFile } from "./rpc/daemon-file.ts";
import { makeDirectories } from "./rpc/directories.ts";
import { createHandlers } from "./rpc/handlers/index.ts";
import { createServer, type Server } from "./rpc/server.ts";
import { createStaging } from "./staging/index.ts";
import { faultOf } from "./store/faults.ts";
import {
  type Limits,
  limitsFrom,
  openStore,
  parseTime,
  type Store,
  StoreBusy,
  StoreUnusable,
} from "./store/index.ts";
import { openWatchTable } from "./store/watch-table.ts";
import { watchRoot } from "./watch/index.ts";
import { startCollector } from "./workspace/collecting.ts";
import { examineStopped } from "./workspace/examine-stopped.ts";
import { createLayers } from "./workspace/layers/index.ts";
import { serialBy } from "./workspace/serial.ts";
import { createVerifier } from "./workspace/verify/index.ts";
import { createWorkspaces } from "./workspace/workspaces.ts";

/** sysexits(3) EX_TEMPFAIL: another daemon is serving, a client connects to that one. */
const EXIT_BUSY = 75;
/** As iopipectl's. */
const EXIT_USAGE = 2;

/** How often an idle daemon looks whether its state is still there. */
const LOOK_MS = 30_000;

export interface StartOptions {
  /** Decides the locations and the log level (IOPIPE_LOG); default the process's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Checks every result against its schema; default where IOPIPE_CHECK_RESULTS is set. Tests turn it on. */
  readonly checkResults?: boolean;
  /** How often deleted sockets are published again; default 30 s. */
  readonly republishMs?: number;
  /** How often it looks whether its state is still there; default 30 s. */
  readonly lookMs?: number;
}

export interface RunningDaemon {
  readonly instance: string;
  readonly locations: Locations;
  readonly log: Log;
  /** Finishes running changes, then releases everything, the lock last. Safe to call twice. */
  stop(): Promise<void>;
  /** Resolves when it has stopped, whoever asked for it; to the cause where it stopped by itself. */
  readonly stopped: Promise<IopipeError | undefined>;
}

/**
 * Starts a daemon in this process; resolves when its sockets answer.
 *
 * @throws {IopipeError} Busy when another daemon serves this state or has these sockets; AccessDenied, NameTooLong, …
 *   when a directory cannot be trusted. What was opened until then is closed.
 */
export async function startDaemon(options: StartOptions = {}): Promise<RunningDaemon> {
  const { env = process.env } = options;
  const locations = locate(env);
  makeDirectories(locations);
  const opened = releases();
  try {
    return await assemble(locations, opened, options, env);
  } catch (error) {
    await opened.release();
    throw error;
  }
}

async function assemble(
  locations: Locations,
  opened: Releases,
  options: StartOptions,
  env: NonNullable<StartOptions["env"]>,
): Promise<RunningDaemon> {
  const { limits, unknown } = limitsFrom(env);
  const store = opened.last(lockedStore(locations, limits), (each) => each.close());
  const { log } = opened.last(openLog(locations.logFile, { level: env.IOPIPE_LOG }), (each) => {
    each.log.info("stopped");
    each.close();
  });
  if (unknown.length > 0)
    log.warn({ variables: unknown }, "limits that could not be understood have their default");
  const identity = identify(locations);

  const table = opened.last(openWatchTable(join(locations.stateDir, "watch.db")), (each) => each.close());
  const staging = opened.last(createStaging({ store }), (each) => each.close());
  const guarded = [locations.stateDir, locations.runtimeDir];
  const failed = (error: unknown, doing: string, workspace: string): void => {
    log[isPassing(error) ? "debug" : "error"]({ err: error, workspace }, `${doing} failed`);
  };
  const workspaces = createWorkspaces({
    store,
    staging,
    guarded,
    startWatch: ({ id, root, watchRules }) =>
      watchRoot({
        workspace: id,
        root,
        rules: watchRules === undefined ? undefined : (JSON.parse(watchRules) as WatchRules),
        table,
        counters: store.counters,
        cookieDir: join(locations.stateDir, "cookies", id),
        log: log.child({ workspace: id }),
        guarded,
      }),
    failed,
  });
  opened.last(workspaces, (each) => each.stop());
  const house = { store, staging, workspaces, sessionTurn: serialBy() };
  const { stateDir, runtimeDir } = locations;
  const own = { stateDir, runtimeDir, proposeDir: dirname(locations.sockets.proposer) };
  const layers = opened.last(createLayers({ ...house, own, failed }), (each) => each.stop());
  const verifier = createVerifier({ ...house, own });
  const collector = startCollector({
    ...{ store, staging, workspaces, log },
    inUse: () => [...server.knownSessions(), ...store.layers.list().map(({ session }) => session)],
    everyMs: parseTime(env.IOPIPE_GC_EVERY ?? ""),
  });
  opened.last(collector, (each) => each.stop());

  const { promise: stopped, resolve: hasStopped } = Promise.withResolvers<IopipeError | undefined>();
  let stopping: Promise<void> | undefined;
  let cause: IopipeError | undefined;
  const stop = (): Promise<void> => (stopping ??= opened.release(log).then(() => hasStopped(cause)));
  const daemon = {
    instance: identity.instance,
    locations,
    get connections() {
      return server.connections;
    },
    get queuedBytes() {
      return server.queuedBytes;
    },
    // Asked for by a client that came before all of it was up.
    stop: () => void listening.then(stop),
  };
  const server: Server = createServer({
    locations,
    identity,
    log,
    handlers: createHandlers({ ...house, collector, layers, verifier, daemon }),
    checkResults: options.checkResults ?? Boolean(env.IOPIPE_CHECK_RESULTS),
    republishMs: options.republishMs,
  });
  const looking = setInterval(store.presence.look, options.lookMs ?? LOOK_MS).unref();
  opened.last(looking, clearInterval);
  void store.presence.lost.then((error) => {
    log.fatal({ err: error }, "the state is lost; the daemon ends");
    cause = error;
    daemon.stop();
  });
  const listening = server.listen();
  await listening;
  opened.last(server, (each) => each.stop());
  staging.warm();
  log.info({ instance: identity.instance, sockets: locations.sockets }, "serving");
  return { instance: identity.instance, locations, log, stop, stopped };
}

const USAGE = `Usage: iopiped

Serves in the foreground until it is stopped: by a signal, or by \`iopipectl daemon stop\`. It takes no arguments;
where its state and its sockets lie is said by the environment (IOPIPE_STATE_DIR, IOPIPE_RUNTIME_DIR).
`;

/** What a person may ask of a program; of anything else how it is used. */
const ANSWERS: Readonly<Record<string, string>> = {
  "--help": USAGE,
  "-h": USAGE,
  "--version": `${packageJson.version}\n`,
};

/** The process `iopiped`: runs in the foreground until a signal or `daemon/stop`; with `--examine` it only looks. */
export async function main(argument: string | undefined = process.argv[2]): Promise<void> {
  if (argument === "--examine") return examineStopped(process.env);
  if (argument !== undefined) return explain(argument);
  const signalled = stopSignal();
  try {
    const daemon = await startDaemon();
    logDefects(daemon.log);
    announce(daemon);
    void signalled.then(daemon.stop);
    const cause = await daemon.stopped;
    if (cause) throw cause;
    process.exit(0);
  } catch (error) {
    const known =
      error instanceof StoreUnusable ? new IopipeError("IoFailed", error.message) : faultOf(error);
    if (!known) throw error;
    process.stderr.write(`iopiped: ${known.message} ${known.data.hint}\n`);
    process.exit(known.kind === "Busy" ? EXIT_BUSY : 1);
  }
}

function explain(argument: string): void {
  const answer = ANSWERS[argument];
  if (answer !== undefined) process.stdout.write(answer);
  else process.stderr.write(`iopiped: there is no ${argument}.\n${USAGE}`);
  process.exitCode = answer === undefined ? EXIT_USAGE : 0;
}

function lockedStore(locations: Locations, limits: Limits): Store {
  try {
    return openStore(locations.stateDir, undefined, limits);
  } catch (error) {
    if (!(error instanceof StoreBusy)) throw error;
    throw alreadyServed(locations, readDaemonFile(locations.daemonFile));
  }
}

/** The lock says that somebody serves this state; daemon.json says who, unless that daemon is only just starting. */
function alreadyServed({ stateDir }: Locations, holder: DaemonFile | undefined): IopipeError {
  const who = holder
    ? `iopiped ${holder.version} (pid ${holder.pid}, since ${holder.startedAt})`
    : "another process";
  return new IopipeError("Busy", `${stateDir} is held by ${who}.`, {
    hint: holder ? `Connect to ${holder.sockets.reviewer}.` : "Try again in a moment.",
  });
}

function identify(locations: Locations): DaemonFile {
  return {
    pid: process.pid,
    instance: randomUUID(),
    version: packageJson.version,
    protocolVersion: PROTOCOL_VERSION,
    sockets: locations.sockets,
    startedAt: new Date().toISOString(),
  };
}

/** A file that somebody is writing is looked at again, and a root that is away when it is back. */
function isPassing(error: unknown): boolean {
  const kind = faultOf(error)?.kind;
  return kind === "Busy" || kind === "RootGone";
}

/** One line, for whoever started it in the foreground; nobody may be reading. */
function announce({ locations: { sockets } }: RunningDaemon): void {
  process.stdout.on("error", () => {});
  process.stdout.write(
    `iopiped ${packageJson.version} (pid ${process.pid}) serves ${sockets.reviewer} (reviewer) and ${sockets.proposer} (proposer)\n`,
  );
}
