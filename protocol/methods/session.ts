/** Methods about sessions: what one client proposes together, and what is reviewed, applied or discarded together. */
import { z } from "zod";
import { method, NEXT, PAGE, PATH_ERRORS, params, STAGE_ERRORS } from "./method.ts";
import {
  Change,
  Conflicted,
  Count,
  FileStatus,
  Hash,
  Key,
  Ms,
  Note,
  Operation,
  Patch,
  PatchId,
  Path,
  Problem,
  SafetyCommit,
  Session,
  SessionId,
  SessionState,
  Title,
  WantedSafetyCommit,
  WorkspaceRef,
} from "./values.ts";

export const open = method({
  name: "session/open",
  summary: "Opens a session; the same workspace and key give the same pending session.",
  role: "proposer",
  params: params({
    workspace: WorkspaceRef,
    title: Title.optional(),
    agent: z.string().max(200).optional(),
    key: Key.optional(),
    scope: z
      .array(Path)
      .max(1000)
      .optional()
      .describe("Paths that it is about, with all below them; what changes others is riskier."),
  }),
  result: z.object({ session: Session }),
  errors: ["WorkspaceNotFound"],
});

export const find = method({
  name: "session/find",
  summary:
    "Gives the session that a key stands for, whatever became of it: the pending one, else the newest; opens none.",
  role: "proposer",
  params: params({ workspace: WorkspaceRef, key: Key }),
  result: z.object({
    session: Session.optional().describe("Absent where nobody of this role has used the key."),
  }),
  errors: ["WorkspaceNotFound"],
});

export const list = method({
  name: "session/list",
  summary: "Lists sessions, newest first; to a proposer those it opened or named on this connection.",
  role: "proposer",
  params: params({ workspace: WorkspaceRef.optional(), state: SessionState.optional(), ...PAGE }),
  result: z.object({ sessions: z.array(Session), ...NEXT }),
  errors: ["WorkspaceNotFound"],
});

export const get = method({
  name: "session/get",
  summary: "Gives a session with its patches.",
  role: "proposer",
  params: params({ session: SessionId }),
  result: z.object({ session: Session, patches: z.array(Patch) }),
  errors: ["SessionNotFound", "TooLarge"],
});

export const submit = method({
  name: "session/submit",
  summary: "Marks a session as ready for review, until it is staged into again.",
  role: "proposer",
  params: params({ session: SessionId, message: Note.optional() }),
  result: z.object({ session: Session }),
  errors: ["SessionNotFound", "IllegalState", "TooLarge"],
});

export const wait = method({
  name: "session/wait",
  summary:
    "Answers at the session's first event after `since` (else after now), or when `timeoutMs` is over.",
  role: "proposer",
  params: params({ session: SessionId, since: Count.optional(), timeoutMs: Ms.max(86_400_000).optional() }),
  result: z.object({ session: Session, patches: z.array(Patch), seq: Count, timedOut: z.boolean() }),
  errors: ["SessionNotFound"],
});

export const diff = method({
  name: "session/diff",
  summary:
    "Shows what is pending as a git-format diff that `git apply` takes, and the digest that applies it.",
  role: "proposer",
  params: params({
    session: SessionId,
    paths: z.array(Path).optional(),
    format: z.enum(["unified", "hunks"]).optional(),
    context: z.int().min(0).max(1000).optional(),
  }),
  result: z.object({ diff: z.string(), files: z.array(FileStatus), digest: Hash.optional() }),
  errors: ["SessionNotFound", "TooLarge"],
});

export const check = method({
  name: "session/check",
  summary: "The dry run: what an apply would do, in which order, and every problem; touches nothing.",
  role: "proposer",
  params: params({ session: SessionId, patches: z.array(PatchId).optional() }),
  result: z.object({ wouldApply: z.boolean(), order: z.array(Path), problems: z.array(Problem) }),
  errors: [
    "SessionNotFound",
    "PatchNotFound",
    "WorkspaceNotFound",
    "IllegalState",
    "RootGone",
    "TooLarge",
    "SyncTimeout",
  ],
});

/** How an apply is asked for, beside what it applies. */
const APPLY_OPTIONS = {
  confirmFullReplace: z.boolean().optional(),
  onStale: z.enum(["refuse", "skip"]).optional(),
  allowInvalidSyntax: z.boolean().optional(),
  safetyCommit: WantedSafetyCommit.optional(),
};

const ApplyResult = z.object({
  operation: Operation,
  session: Session,
  applied: z.array(PatchId),
  skipped: z.array(z.object({ patch: PatchId, path: Path, reason: z.string() })),
  safetyCommit: SafetyCommit.optional(),
});

const APPLY_ERRORS = [
  "SessionNotFound",
  "WorkspaceNotFound",
  "PatchNotFound",
  "Stale",
  "Conflict",
  "IllegalState",
  "DigestMismatch",
  "ConfirmationRequired",
  "SyntaxInvalid",
  "NotApproved",
  "NotPermitted",
  ...PATH_ERRORS,
  "HardLinked",
  "BlobNotFound",
  "ReadOnly",
  "RootGone",
  "Busy",
  "TooLarge",
  "SyncTimeout",
] as const;

export const apply = method({
  name: "session/apply",
  summary:
    "Promotes a session's pending patches, all or nothing, by the digest that was shown or by their ids.",
  role: "reviewer",
  params: params({
    session: SessionId,
    expectedDigest: Hash.optional(),
    patches: z.array(PatchId).min(1).optional(),
    ...APPLY_OPTIONS,
  }),
  result: ApplyResult,
  errors: APPLY_ERRORS,
});

export const patchApply = method({
  name: "patch/apply",
  summary: "Promotes one patch; as session/apply with that one.",
  role: "reviewer",
  params: params({ patch: PatchId, ...APPLY_OPTIONS }),
  result: ApplyResult,
  errors: APPLY_ERRORS,
});

export const discard = method({
  name: "session/discard",
  summary: "Drops pending patches (all, or those named); restorable while they are kept, unless purged.",
  role: "proposer",
  params: params({
    session: SessionId,
    patches: z.array(PatchId).optional(),
    purge: z.boolean().optional().describe("Deletes them at once and for good; a reviewer's."),
  }),
  result: z.object({ session: Session }),
  errors: ["SessionNotFound", "PatchNotFound", "IllegalState", "NotPermitted"],
});

export const patchDiscard = method({
  name: "patch/discard",
  summary: "Drops one patch; as session/discard with that one.",
  role: "proposer",
  params: params({ patch: PatchId, purge: z.boolean().optional() }),
  result: z.object({ session: Session }),
  errors: ["PatchNotFound", "IllegalState", "NotPermitted"],
});

export const restore = method({
  name: "session/restore",
  summary: "Brings back what was discarded or undone, while it is kept and its base is there.",
  role: "proposer",
  params: params({ session: SessionId, patches: z.array(PatchId).optional() }),
  result: z.object({ session: Session }),
  errors: ["SessionNotFound", "PatchNotFound", "WorkspaceNotFound", "IllegalState", "Stale", "RootGone"],
});

export const rebase = method({
  name: "session/rebase",
  summary:
    "Merges stale patches onto what is on disk now, as new pending patches; what collides stays stale.",
  role: "proposer",
  params: params({ session: SessionId, paths: z.array(Path).optional() }),
  result: z.object({
    session: Session,
    merged: z.array(Path).describe("Their patches are pending, or were not needed any more."),
    conflicted: z.array(Conflicted),
  }),
  errors: ["SessionNotFound", "WorkspaceNotFound", "BlobNotFound", "RootGone", "TooLarge"],
});

export const decide = method({
  name: "session/decide",
  summary:
    "Records a reviewer's decisions, all or none; a rejected patch is discarded, `hunks` (by session/diff's ids) or `change` make a new one, the agent learns it with the note.",
  role: "reviewer",
  params: params({
    session: SessionId,
    decisions: z
      .array(
        z.strictObject({
          patch: PatchId,
          decision: z.enum(["approved", "rejected"]),
          hunks: z.array(z.string()).optional(),
          change: Change.optional(),
          note: Note.optional(),
          _meta: z.unknown().optional(),
        }),
      )
      .min(1),
  }),
  result: z.object({ session: Session, patches: z.array(Patch) }),
  errors: [...STAGE_ERRORS, "PatchNotFound", "NotPermitted"],
});
