/** Methods about the connection and the daemon itself. */
import { z } from "zod";
import { method, params } from "./method.ts";
import { Count, Finding, Ms, Time, WatchState, Workspace } from "./values.ts";

const Watch = z.object({
  workspace: z.string(),
  state: WatchState,
  directories: Count.describe("Directories that are listed; ignored ones and what is below them are not."),
  direct: Count.describe("Those watched one by one; the child's native watch sees the rest."),
  childPid: Count.optional().describe("The native watcher's process; absent while there is none."),
  childRestarts: Count,
  losses: Count.describe("How often events were lost, or may have been, and a crawl made good for it."),
  childLosses: Count.describe(
    "How often the child lost events; harmless where `direct` is all of `directories`.",
  ),
  auditPasses: Count.describe("How often the slow audit has compared everything with the disk."),
  auditDifferences: Count.describe("What audits found; counted in `losses` too."),
  crawls: Count,
  lastCrawlMs: Ms,
  subscriptions: Count,
});

export const initialize = method({
  name: "initialize",
  summary: "Exchanges names, versions and limits; optional, and tolerant of what LSP clients send along.",
  role: "proposer",
  params: z.looseObject({
    client: z.object({ name: z.string().max(200), version: z.string().max(200).optional() }).optional(),
    protocolVersion: z.int().optional(),
  }),
  result: z.object({
    server: z.object({ name: z.string(), version: z.string() }),
    protocolVersion: z.int(),
    role: z.enum(["reviewer", "proposer"]),
    capabilities: z.record(z.string(), z.unknown()).describe("Named features; test these, not versions."),
    limits: z.object({ maxFrameBytes: Count, diffBytes: Count }),
  }),
  errors: [],
});

export const discover = method({
  name: "rpc.discover",
  summary: "Gives the OpenRPC document of every method, generated from the schemas that check the calls.",
  role: "proposer",
  params: params({}),
  result: z.looseObject({ openrpc: z.string(), methods: z.array(z.looseObject({ name: z.string() })) }),
  errors: [],
});

export const status = method({
  name: "daemon/status",
  summary: "Tells how the daemon is: uptime, memory, workspaces, connections and what is pending.",
  role: "proposer",
  params: params({}),
  result: z.object({
    pid: Count,
    version: z.string(),
    instance: z.string(),
    uptimeMs: Ms,
    rssBytes: Count,
    cpuMs: Ms.describe("User and system time of the daemon's process since its start."),
    sockets: z.object({ reviewer: z.string(), proposer: z.string() }),
    stateDir: z.string(),
    workspaces: z.array(Workspace),
    watches: z.array(Watch),
    connections: Count,
    sessions: z.object({ pending: Count }),
    parserPid: Count.optional().describe(
      "The process that parses what is staged; absent while there is none.",
    ),
    metrics: z.record(z.string(), z.unknown()),
  }),
  errors: [],
});

export const stop = method({
  name: "daemon/stop",
  summary: "Finishes running operations, answers, then stops the daemon.",
  role: "reviewer",
  params: params({}),
  result: z.object({}),
  errors: ["NotPermitted"],
});

const Collected = z.object({
  what: z.enum(["operation", "patch", "session", "event", "blob", "file", "upload", "ref"]),
  id: z
    .string()
    .describe(
      "An id, an event's number, a blob's hash, a file's name in the blobs' directory, or a ref's name.",
    ),
  reason: z
    .enum(["age", "budget", "orphaned", "cleared", "empty", "unnamed", "stray"])
    .describe(
      "`orphaned`: nobody has used the session, what it has pending expires; `cleared`: its operation is; `empty`: its last patch went; `unnamed`: nothing needs it; `stray`: left by a crash.",
    ),
  workspace: z.string().optional(),
  path: z.string().optional(),
  title: z.string().optional(),
  bytes: Count.optional().describe("Of an operation: what only it, or older ones, keep."),
  since: Time.optional().describe("Since when nothing has happened to it."),
});

export const gc = method({
  name: "daemon/gc",
  summary: "Clears what is kept no longer, as the daemon does by itself every hour; a dry run only tells.",
  role: "reviewer",
  params: params({ dryRun: z.boolean().optional() }),
  result: z.object({
    items: z.array(Collected).describe("The first 200 of each kind."),
    totals: z
      .record(z.string(), z.object({ count: Count, bytes: Count }))
      .describe("Of each kind that there is."),
    limits: z
      .object({
        undoMs: Ms,
        undoBytes: Count,
        discardedMs: Ms,
        orphanedMs: Ms,
        eventsMs: Ms,
        unnamedMs: Ms,
      })
      .describe("What is kept for how long, and how much undo data."),
  }),
  errors: ["NotPermitted"],
});

export const examine = method({
  name: "daemon/examine",
  summary:
    "Looks at the store, every blob's bytes, the journal and the trees for what is wrong; changes nothing.",
  role: "reviewer",
  params: params({}),
  result: z.object({ findings: z.array(Finding) }),
  errors: ["NotPermitted"],
});
