/** Methods about operations: the append-only log of promotions, undos and recoveries. */
import { z } from "zod";
import { method, NEXT, PAGE, PATH_ERRORS, params } from "./method.ts";
import {
  Conflicted,
  FileStatus,
  Operation,
  OperationId,
  Path,
  Problem,
  SafetyCommit,
  Session,
  SessionId,
  WantedSafetyCommit,
  WorkspaceRef,
} from "./values.ts";

export const list = method({
  name: "operation/list",
  summary: "Lists a workspace's operations, newest first.",
  role: "proposer",
  params: params({ workspace: WorkspaceRef, path: Path.optional(), session: SessionId.optional(), ...PAGE }),
  result: z.object({ operations: z.array(Operation), ...NEXT }),
  errors: ["WorkspaceNotFound", "SessionNotFound"],
});

export const get = method({
  name: "operation/get",
  summary: "Gives one operation with every file's image before and after.",
  role: "proposer",
  params: params({ operation: OperationId }),
  result: z.object({ operation: Operation }),
  errors: ["OperationNotFound"],
});

export const diff = method({
  name: "operation/diff",
  summary: "Shows what an operation changed, or how its result differs from the disk now.",
  role: "proposer",
  params: params({
    operation: OperationId,
    paths: z.array(Path).optional(),
    format: z.enum(["unified", "hunks"]).optional(),
    context: z.int().min(0).max(1000).optional(),
    against: z.enum(["before", "disk"]).optional(),
  }),
  result: z.object({ diff: z.string(), files: z.array(FileStatus) }),
  errors: ["OperationNotFound", "WorkspaceNotFound", "RootGone", "TooLarge", "IllegalState", "BlobNotFound"],
});

export const undo = method({
  name: "operation/undo",
  summary:
    "Takes an operation back where nobody has edited since; the undo is an operation and can be undone.",
  role: "reviewer",
  params: params({
    operation: OperationId,
    paths: z.array(Path).min(1).optional(),
    onModified: z.enum(["refuse", "skip"]).optional(),
    dryRun: z.boolean().optional(),
    stage: z.boolean().optional(),
    safetyCommit: WantedSafetyCommit.optional(),
  }),
  result: z.object({
    operation: Operation.optional(),
    session: Session.optional(),
    reverted: z.array(Path),
    skipped: z.array(z.object({ path: Path, reason: z.string() })),
    conflicted: z
      .array(Conflicted)
      .optional()
      .describe("With `stage`: of what was skipped, what later edits collide with; ours is the inverse."),
    problems: z
      .array(Problem)
      .optional()
      .describe("In a dry run: what an undo asked for like this would be refused for."),
    safetyCommit: SafetyCommit.optional(),
  }),
  errors: [
    "OperationNotFound",
    "WorkspaceNotFound",
    "ModifiedSince",
    "Stale",
    "Conflict",
    "HardLinked",
    "IllegalState",
    "NotPermitted",
    "BlobNotFound",
    ...PATH_ERRORS,
    "ReadOnly",
    "RootGone",
  ],
});

export const resolve = method({
  name: "operation/resolve",
  summary: "Closes an operation that needed attention, once a person has looked; touches nothing.",
  role: "reviewer",
  params: params({ operation: OperationId }),
  result: z.object({ operation: Operation }),
  errors: ["OperationNotFound", "IllegalState", "NotPermitted"],
});
