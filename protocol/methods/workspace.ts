/** Methods about workspaces: which roots the daemon watches and writes. */
import { z } from "zod";
import { method, NEXT, PAGE, params } from "./method.ts";
import { Hash, Policy, WatchRules, Workspace, WorkspaceRef } from "./values.ts";

export const open = method({
  name: "workspace/open",
  summary: "Opens a root directory, idempotent by its real path; answers at once, the crawl goes on behind.",
  role: "reviewer",
  params: params({
    root: z.string().describe("Absolute."),
    watch: WatchRules.optional().describe("Replaces the workspace's own rules of watching, which are kept."),
  }),
  result: z.object({ workspace: Workspace }),
  errors: ["RootGone", "AccessDenied", "NotPermitted", "PathProtected"],
});

export const list = method({
  name: "workspace/list",
  summary: "Lists the open workspaces.",
  role: "proposer",
  params: params({ ...PAGE }),
  result: z.object({ workspaces: z.array(Workspace), ...NEXT }),
  errors: [],
});

export const close = method({
  name: "workspace/close",
  summary: "Stops watching a root; its sessions and operations are kept.",
  role: "reviewer",
  params: params({ workspace: WorkspaceRef }),
  result: z.object({}),
  errors: ["WorkspaceNotFound", "NotPermitted"],
});

export const disable = method({
  name: "workspace/disable",
  summary:
    "Switches a workspace off: what would be diverted into staging is written plainly; pending work stays.",
  role: "reviewer",
  params: params({ workspace: WorkspaceRef }),
  result: z.object({ workspace: Workspace }),
  errors: ["WorkspaceNotFound", "NotPermitted"],
});

export const enable = method({
  name: "workspace/enable",
  summary: "Switches a workspace on again.",
  role: "reviewer",
  params: params({ workspace: WorkspaceRef }),
  result: z.object({ workspace: Workspace }),
  errors: ["WorkspaceNotFound", "NotPermitted"],
});

export const policy = method({
  name: "workspace/policy",
  summary:
    "Shows the policy that the workspace carries in its .iopipe.jsonc, if it does, and whether it counts in full.",
  role: "proposer",
  params: params({ workspace: WorkspaceRef }),
  result: z.object({ policy: Policy.optional() }),
  errors: ["WorkspaceNotFound", "RootGone"],
});

export const trust = method({
  name: "workspace/trust",
  summary:
    "Trusts the policy of this hash, so that what it loosens counts, until the file changes; without a hash none.",
  role: "reviewer",
  params: params({ workspace: WorkspaceRef, hash: Hash.optional() }),
  result: z.object({ policy: Policy.optional() }),
  errors: ["WorkspaceNotFound", "RootGone", "DigestMismatch", "NotPermitted"],
});
