/** Methods about layers: a command runs over a workspace, and what it writes there is a session's instead. */
import { z } from "zod";
import { method, PATH_ERRORS, params, STAGE_ERRORS } from "./method.ts";
import { Count, LayerBackend, Path, Session, SessionId, Title, WorkspaceRef } from "./values.ts";

export const open = method({
  name: "layer/open",
  summary:
    "Makes a writable layer over a workspace for one command, and the session that what it writes is staged in; the caller starts the command.",
  role: "reviewer",
  params: params({
    workspace: WorkspaceRef,
    pid: z.int().min(1).describe("The caller's process: when it ends, all that runs in the layer does."),
    title: Title.optional(),
    agent: z.string().max(200).optional(),
    trusted: z
      .boolean()
      .optional()
      .describe("The command may see the reviewer's socket, and may run where nothing hides it."),
    backend: LayerBackend.optional().describe("Default: the first of these that the machine offers."),
    passThrough: z
      .array(Path)
      .max(100)
      .optional()
      .describe(
        "Directories in which the command writes to the real tree; the trusted policy's are added. Not in a copy.",
      ),
    maxBytes: Count.optional().describe("Of what the command changes; default 8 GiB."),
  }),
  result: z.object({
    session: Session,
    backend: LayerBackend,
    why: z.string().optional().describe("It is a copy though nobody asked for one."),
    root: z.string().describe("Where the command finds the workspace."),
    start: z
      .array(z.string())
      .describe(
        "A program and its arguments, to which the working directory, the command and its arguments are added; 125 is its own status.",
      ),
    env: z.record(z.string(), z.string()).describe("To be added to the command's environment."),
    directory: z
      .string()
      .describe("The layer's own, absolute: the caller watches what the command takes there."),
    maxBytes: Count.describe("What it may take; a command that takes more is to be ended."),
    uncovered: z
      .array(z.object({ path: z.string(), reason: z.string() }))
      .optional()
      .describe(
        "Git's directories outside the root that the layer does not cover: a commit there is a real one.",
      ),
  }),
  errors: [
    "WorkspaceNotFound",
    "IoFailed",
    "RootGone",
    "IllegalState",
    "NotPermitted",
    "ReadOnly",
    ...PATH_ERRORS,
  ],
});

export const close = method({
  name: "layer/close",
  summary:
    "Ends a layer whose command has ended: stages what it has changed, or discards it, and removes the layer.",
  role: "reviewer",
  params: params({
    session: SessionId,
    discard: z.boolean().optional(),
    leave: z
      .string()
      .max(1000)
      .optional()
      .describe(
        "Why what it holds is to stand as it is, neither staged nor discarded, until the next layer/close.",
      ),
    maxBytes: Count.optional().describe("Instead of the one it was opened with."),
  }),
  result: z.object({
    session: Session,
    unstaged: z
      .array(z.object({ path: z.string(), reason: z.string() }))
      .describe("What the command changed and no patch can say, the first 1,000."),
    conflicted: z
      .array(Path)
      .describe(
        "What the command changed, and somebody else in the real tree since it began; both are kept.",
      ),
  }),
  errors: [...STAGE_ERRORS, "Busy", "NotPermitted", "ReadOnly"],
});
