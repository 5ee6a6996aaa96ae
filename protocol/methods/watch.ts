/** Methods and notifications about observed changes and about what happens to sessions. */
import { z } from "zod";
import { method, notification, params } from "./method.ts";
import {
  AuditDifference,
  Clock,
  Count,
  EventType,
  FileChange,
  GlobList,
  Lanes,
  Ms,
  Operation,
  Patch,
  Path,
  Priority,
  Session,
  SessionId,
  Time,
  WorkspaceRef,
} from "./values.ts";

const FILTER = { include: GlobList.optional(), exclude: GlobList.optional() };

export const subscribe = method({
  name: "watch/subscribe",
  summary: "Follows a workspace's changes from a clock on, else from now; ends with the connection.",
  role: "proposer",
  params: params({
    workspace: WorkspaceRef,
    since: Clock.optional(),
    ...FILTER,
    priorities: z.array(Priority).min(1).optional(),
    lanes: Lanes.optional().describe(
      "Before the workspace's own rules and the usual ones, for this client alone.",
    ),
    settleMs: Ms.max(60_000)
      .optional()
      .describe("Waits for quiet this long before each batch, at most ten times as long; default 0."),
    waitForGit: z
      .boolean()
      .optional()
      .describe(
        "Holds batches back while git works on the tree (its index.lock), for 10 s at the longest. " +
          "A watch/sync of the same connection delivers what is held.",
      ),
  }),
  result: z.object({
    subscription: z.string(),
    clock: Clock,
    fresh: z.boolean().describe("The clock is of no use: look afresh with watch/since."),
  }),
  errors: ["WorkspaceNotFound", "RootGone", "SyncTimeout", "WatchFailed", "TooLarge"],
});

export const unsubscribe = method({
  name: "watch/unsubscribe",
  summary: "Ends a subscription.",
  role: "proposer",
  params: params({ subscription: z.string() }),
  result: z.object({}),
  errors: ["SubscriptionNotFound"],
});

export const since = method({
  name: "watch/since",
  summary:
    "Lists what changed after a clock; without one, or where it is unknown, all that exists (`fresh`).",
  role: "proposer",
  params: params({ workspace: WorkspaceRef, clock: Clock.optional(), ...FILTER, lanes: Lanes.optional() }),
  result: z.object({ clock: Clock, fresh: z.boolean(), changes: z.array(FileChange), more: z.boolean() }),
  errors: ["WorkspaceNotFound", "RootGone", "SyncTimeout", "WatchFailed"],
});

export const sync = method({
  name: "watch/sync",
  summary: "A barrier: everything that happened before the call is in `since` of an older clock.",
  role: "proposer",
  params: params({
    workspace: WorkspaceRef,
    paths: z.array(Path).max(100_000).optional(),
    timeoutMs: Ms.max(3_600_000).optional(),
  }),
  result: z.object({ clock: Clock, verified: z.boolean() }),
  errors: ["WorkspaceNotFound", "SyncTimeout", "RootGone", "WatchFailed", "PathEscape", "PathProtected"],
});

export const audit = method({
  name: "watch/audit",
  summary:
    "Compares what is known of a workspace with the disk, now, and repairs what differs; what is only on its way is no difference.",
  role: "proposer",
  params: params({ workspace: WorkspaceRef }),
  result: z.object({
    clock: Clock,
    directories: Count.describe("Compared, and how many paths in them."),
    paths: Count,
    differences: z.array(AuditDifference).describe("At most 20,000."),
    total: Count.describe("All that there were."),
  }),
  errors: ["WorkspaceNotFound", "RootGone", "SyncTimeout", "WatchFailed"],
});

export const eventsSubscribe = method({
  name: "events/subscribe",
  summary:
    "Follows what happens to sessions, patches and operations, gap-free from `since` on, else from now.",
  role: "proposer",
  params: params({
    workspace: WorkspaceRef.optional(),
    session: SessionId.optional(),
    since: Count.optional(),
  }),
  result: z.object({
    subscription: z.string(),
    seq: Count,
    fresh: z
      .literal(true)
      .optional()
      .describe("Events after `since` are not kept any more: list afresh what they were about."),
  }),
  errors: ["WorkspaceNotFound", "SessionNotFound", "TooLarge"],
});

export const eventsUnsubscribe = method({
  name: "events/unsubscribe",
  summary: "Ends a subscription to events.",
  role: "proposer",
  params: params({ subscription: z.string() }),
  result: z.object({}),
  errors: ["SubscriptionNotFound"],
});

export const watchChanges = notification({
  name: "watch/changes",
  summary:
    "Changes of a subscribed workspace. `fresh: true` with no changes means: look afresh with watch/since.",
  params: z.object({
    subscription: z.string(),
    clock: Clock,
    fresh: z.boolean(),
    changes: z.array(FileChange),
  }),
});

export const eventsEvent = notification({
  name: "events/event",
  summary: "Something happened to a session, a patch or an operation; carries the whole object.",
  params: z.looseObject({
    subscription: z.string(),
    seq: Count,
    at: Time,
    type: EventType,
    by: z.string().optional().describe("The client's name, as it gave it."),
    session: Session.optional(),
    patch: Patch.optional(),
    operation: Operation.optional(),
  }),
});

export const progress = notification({
  name: "$/progress",
  summary: "How far a request that gave a `progressToken` has come.",
  params: z.object({
    token: z.union([z.string(), z.number()]),
    value: z.object({
      phase: z.string(),
      done: z.number(),
      total: z.number(),
      etaMs: Ms.optional(),
      output: z
        .object({ check: z.string().optional(), stream: z.enum(["stdout", "stderr"]), text: z.string() })
        .optional()
        .describe("Of session/verify: what a command has printed."),
    }),
  }),
});

export const cancelRequest = notification({
  name: "$/cancelRequest",
  summary: "Sent by a client: cancels its running request, which then answers Cancelled (-32800).",
  params: z.object({ id: z.union([z.string(), z.number()]) }),
});
