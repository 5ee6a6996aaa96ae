/**
 * A scene for end-to-end tests: a daemon, a client of each role, and a real git repository that is open there.
 * Owns all of it, and removes it (`await using`). The daemon runs in the test's process, so that coverage sees it, or
 * as a process of its own where ending it means killing it; a file's tests may share one.
 * INVARIANT: a daemon that logged an error which the scene does not expect fails the test, whatever it answered.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll } from "vitest";
import { type Connection, connect, type IopipeEvent } from "../../client/index.ts";
import type { Role } from "../../protocol/wire/index.ts";
import { type RawClient, type RawClientOptions, rawClient } from "../fixture/client.ts";
import { spawnDaemon, startTestDaemon } from "../fixture/daemon.ts";
import { type TestHome, testHome } from "../fixture/server.ts";
import { makeRepository, type Repository } from "./repository.ts";

/** A daemon and its clients. */
export interface Stage extends AsyncDisposable {
  readonly home: TestHome;
  readonly reviewer: Connection;
  readonly proposer: Connection;
  /** One more client of the library. */
  connect(role: Role): Promise<Connection>;
  /** One more client that sees what is on the wire. */
  raw(role: Role, options?: RawClientOptions): Promise<RawClient>;
  /** Ends the daemon and every client: in this process it stops, one of its own is killed with SIGKILL. */
  end(): Promise<void>;
  /** Starts a daemon on the same state, and connects `reviewer` and `proposer` anew. */
  start(): Promise<void>;
}

export interface Scene extends Stage, Repository {
  /** The id of the repository's workspace. */
  readonly workspace: string;
}

export interface SceneOptions {
  readonly files?: Readonly<Record<string, string>>;
  /** Run the daemon as a process of its own. */
  readonly killable?: boolean;
  /** What that process is started through: a program and its arguments, which becomes the daemon by exec. */
  readonly through?: readonly string[];
  /** Errors that the daemon may log here. */
  readonly mayLog?: RegExp;
  /** Take this daemon, which outlives the scene. */
  readonly on?: Stage;
  /** Where the daemon's state is; removed with the scene. */
  readonly home?: TestHome;
  /** Where the repository is to be; default below the home. */
  readonly root?: string;
}

/** Files that any test may change. */
const SOURCES = { "src/a.ts": "export const a = 1;\n", "src/b.ts": "export const b = 2;\n" };

let repositories = 0;

/** Opens a repository of its own, with one commit of `files`. */
export async function openScene({
  files = SOURCES,
  killable,
  through,
  mayLog,
  on,
  home,
  root,
}: SceneOptions = {}): Promise<Scene> {
  const stage = on ?? (await openStage({ killable, through, mayLog, home }));
  const place = root ?? path.join(stage.home.directory, `repository${++repositories}`);
  const repository = makeRepository(place, files);
  const { workspace } = await stage.reviewer.call("workspace/open", { root: repository.root });
  const dispose = async (): Promise<void> => {
    if (on) await stage.reviewer.call("workspace/close", { workspace: workspace.id });
    else await stage[Symbol.asyncDispose]();
  };
  return {
    ...stage,
    ...repository,
    workspace: workspace.id,
    // Not copied: a restart replaces them.
    get reviewer() {
      return stage.reviewer;
    },
    get proposer() {
      return stage.proposer;
    },
    [Symbol.asyncDispose]: dispose,
  };
}

/** One daemon for all tests of a file. */
export function sharedStage(options: Pick<StageOptions, "killable" | "mayLog"> = {}): () => Stage {
  const stages: Stage[] = [];
  beforeAll(async () => void stages.push(await openStage(options)));
  // Some leave a hundred thousand files.
  afterAll(() => stages[0]?.[Symbol.asyncDispose](), 120_000);
  return () => stages[0] as Stage;
}

interface StageOptions {
  readonly killable?: boolean | undefined;
  readonly through?: readonly string[] | undefined;
  readonly mayLog?: RegExp | undefined;
  readonly home?: TestHome | undefined;
}

async function openStage({
  killable = false,
  through,
  mayLog,
  home = testHome(),
}: StageOptions): Promise<Stage> {
  let clients: { close(): void }[] = [];

  const connectAs = async (role: Role): Promise<Connection> => {
    const client = await connect({ env: home.env, role, autostart: false, client: { name: `test ${role}` } });
    clients.push(client);
    return client;
  };
  const begin = async () => ({
    endDaemon: await (killable ? startProcess(home, through) : startHere(home)),
    reviewer: await connectAs("reviewer"),
    proposer: await connectAs("proposer"),
  });
  let running = await begin();
  const end = async (): Promise<void> => {
    for (const client of clients) client.close();
    clients = [];
    await running.endDaemon();
  };
  return {
    home,
    get reviewer() {
      return running.reviewer;
    },
    get proposer() {
      return running.proposer;
    },
    connect: connectAs,
    raw: async (role, options) => {
      const client = await rawClient(home.locations.sockets[role], options);
      clients.push({ close: client.destroy });
      return client;
    },
    end,
    start: async () => {
      running = await begin();
    },
    async [Symbol.asyncDispose]() {
      await end();
      const errors = errorsIn(home.locations.logFile).filter((line) => !mayLog?.test(line));
      home.remove();
      if (errors.length === 0) return;
      // Said here as well: where the test failed by itself, this error is only the one that it suppresses.
      process.stderr.write(`${errors.join("\n")}\n`);
      throw new Error(`The daemon logged ${errors.length} errors, the first: ${errors[0]}`);
    },
  };
}

/** The lines of a daemon's log that are errors, or worse (pino's levels 50 and 60). */
function errorsIn(logFile: string): string[] {
  const lines = readFileSync(logFile, "utf8").split("\n");
  return lines.filter((line) => /^\{"level":[56]0,/.test(line));
}

async function startHere(home: TestHome): Promise<() => Promise<void>> {
  const daemon = await startTestDaemon({ home });
  return () => daemon.stop();
}

async function startProcess(home: TestHome, through?: readonly string[]): Promise<() => Promise<void>> {
  const daemon = await spawnDaemon({ ...home.env, IOPIPE_CHECK_RESULTS: "1" }, through);
  return async () => {
    daemon.child.kill("SIGKILL");
    await daemon.exited;
  };
}

/** The events that `wanted` selects, newest first, up to and with the next that is of `type`. Waits for it. */
export async function eventsUntil(
  connection: Connection,
  wanted: { workspace?: string; session?: string; since: number },
  type: IopipeEvent["type"],
): Promise<[IopipeEvent, ...IopipeEvent[]]> {
  const seen: IopipeEvent[] = [];
  for await (const event of connection.events(wanted)) {
    seen.unshift(event);
    if (event.type === type) break;
  }
  const [last, ...before] = seen;
  if (!last) throw new Error(`The events ended before a ${type}.`);
  return [last, ...before];
}
