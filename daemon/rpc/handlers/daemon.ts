/** Handlers about the connection and the daemon itself: initialize, rpc.discover, daemon/*. */
import packageJson from "../../../package.json" with { type: "json" };
import type { Finding } from "../../../protocol/methods/index.ts";
import { openrpc } from "../../../protocol/openrpc.ts";
import {
  type Locations,
  MAX_DIFF_BYTES,
  MAX_FRAME_BYTES,
  PROTOCOL_VERSION,
} from "../../../protocol/wire/index.ts";
import { examineState } from "../../workspace/examine.ts";
import type { Handlers } from "../call.ts";
import type { Parts } from "./index.ts";
import { workspaceToWire } from "./workspace.ts";

/** What the handlers know of the process they run in. */
export interface Daemon {
  readonly instance: string;
  readonly locations: Locations;
  readonly connections: number;
  /** Bytes that clients have not taken yet. */
  readonly queuedBytes: number;
  /** Begins to stop, and returns; what runs is finished and answered. */
  stop(): void;
}

type Needs = Pick<Parts, "collector" | "daemon" | "store" | "staging" | "workspaces">;

export function daemonHandlers({ collector, daemon, store, staging, workspaces }: Needs) {
  return {
    initialize: ({ client }, { peer }) => {
      peer.name = client?.name ?? peer.name;
      return {
        server: { name: packageJson.name, version: packageJson.version },
        protocolVersion: PROTOCOL_VERSION,
        role: peer.role,
        capabilities: {},
        limits: { maxFrameBytes: MAX_FRAME_BYTES, diffBytes: MAX_DIFF_BYTES },
      };
    },
    "rpc.discover": () => openrpc(),
    "daemon/status": () => ({
      ...usage(),
      version: packageJson.version,
      instance: daemon.instance,
      sockets: daemon.locations.sockets,
      stateDir: daemon.locations.stateDir,
      workspaces: workspaces.list().map((workspace) => workspaceToWire(store, workspace)),
      watches: workspaces.list().map(({ id, watch }) => ({ workspace: id, ...watch.status() })),
      connections: daemon.connections,
      sessions: { pending: store.sessions.pending() },
      ...(staging.parserPid !== undefined && { parserPid: staging.parserPid }),
      metrics: { queuedBytes: daemon.queuedBytes, heapBytes: process.memoryUsage().heapUsed },
    }),
    "daemon/stop": () => {
      daemon.stop();
      return {};
    },
    "daemon/gc": async ({ dryRun = false }, { signal }) => {
      const { items, totals } = await collector.collect(dryRun, signal);
      return { items: [...items], totals, limits: store.limits };
    },
    "daemon/examine": async (_, { signal, progress }) => {
      const findings: Finding[] = [];
      for await (const finding of examineState({ ...store.examined, whole: false, progress })) {
        signal.throwIfAborted();
        findings.push(finding);
      }
      return { findings };
    },
  } satisfies Partial<Handlers>;
}

function usage() {
  const { user, system } = process.cpuUsage();
  return {
    pid: process.pid,
    uptimeMs: Math.round(process.uptime() * 1000),
    rssBytes: process.memoryUsage.rss(),
    cpuMs: Math.round((user + system) / 1000),
  };
}
