/**
 * A scene for end-to-end tests: a daemon, a real git repository that it has open, and a client of each role.
 * Owns all of it, and removes it (`await using`). The daemon runs in the test's process, so that coverage sees it, or
 * as a process of its own where ending it means killing it.
 */
import path from "node:path";
import { type Connection, connect } from "../../client/index.ts";
import type { Role } from "../../protocol/wire/index.ts";
import { type RawClient, type RawClientOptions, rawClient } from "../fixture/client.ts";
import { spawnDaemon, startTestDaemon } from "../fixture/daemon.ts";
import { type TestHome, testHome } from "../fixture/server.ts";
import { makeRepository, type Repository } from "./repository.ts";

export interface Scene extends AsyncDisposable, Repository {
  readonly home: TestHome;
  /** The id of the repository's workspace. */
  readonly workspace: string;
  readonly reviewer: Connection;
  readonly proposer: Connection;
  /** One more client of the library. */
  connect(role: Role): Promise<Connection>;
  /** One more client that sees what is on the wire. */
  raw(role: Role, options?: RawClientOptions): Promise<RawClient>;
  /** Ends the daemon and every client: in this process it stops, one of its own is killed with SIGKILL. */
  end(): Promise<void>;
  /** Starts a daemon on the same state, and connects anew. */
  start(): Promise<void>;
}

export interface SceneOptions {
  readonly files?: Readonly<Record<string, string>>;
  /** Run the daemon as a process of its own. */
  readonly killable?: boolean;
}

/** Files that any test may change. */
const SOURCES = { "src/a.ts": "export const a = 1;\n", "src/b.ts": "export const b = 2;\n" };

export async function openScene({ files = SOURCES, killable = false }: SceneOptions = {}): Promise<Scene> {
  const home = testHome();
  const repository = makeRepository(path.join(home.directory, "repository"), files);
  let clients: { close(): void }[] = [];

  const connectAs = async (role: Role): Promise<Connection> => {
    const client = await connect({ env: home.env, role, autostart: false, client: { name: `test ${role}` } });
    clients.push(client);
    return client;
  };
  const begin = async () => ({
    endDaemon: await (killable ? startProcess(home) : startHere(home)),
    reviewer: await connectAs("reviewer"),
    proposer: await connectAs("proposer"),
  });
  let running = await begin();
  const end = async (): Promise<void> => {
    for (const client of clients) client.close();
    clients = [];
    await running.endDaemon();
  };

  const { workspace } = await running.reviewer.call("workspace/open", { root: repository.root });
  return {
    ...repository,
    home,
    workspace: workspace.id,
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
      home.remove();
    },
  };
}

async function startHere(home: TestHome): Promise<() => Promise<void>> {
  const daemon = await startTestDaemon({ home });
  return () => daemon.stop();
}

async function startProcess(home: TestHome): Promise<() => Promise<void>> {
  const daemon = await spawnDaemon({ ...home.env, IOPIPE_CHECK_RESULTS: "1" });
  return async () => {
    daemon.child.kill("SIGKILL");
    await daemon.exited;
  };
}
