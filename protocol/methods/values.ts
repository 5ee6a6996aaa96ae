/**
 * The values that methods exchange: workspaces, sessions, patches, images, hunks, operations.
 * Results are open (a client ignores fields it does not know); params are closed.
 */
import { z } from "zod";
import { MAX_NOTE_CHARS } from "../wire/limits.ts";
import { WorkspaceEdit } from "./workspace-edit.ts";

export const SessionId = z.string().meta({ description: "A session's id." });
export const PatchId = z.string().meta({ description: "A patch's id; it names one content." });
export const OperationId = z.string().meta({ description: "An operation's id." });
export const WorkspaceRef = z.string().min(1).meta({ description: "A workspace's id or its absolute root." });
export const Path = z.string().meta({ description: "Relative to the workspace's root, `/`-separated." });
export const Hash = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .meta({ description: "Lowercase hex sha256 of raw bytes." });
export const Time = z.string().meta({ description: "ISO 8601, UTC." });
export const Clock = z.string().meta({ description: "A position in a workspace's history; opaque." });
const Mode = z.int().min(0).max(0o7777).meta({ description: "Permission bits: 0o644 is 420." });
export const Count = z.int().min(0);
export const Ms = z.int().min(0);
export const Key = z
  .string()
  .min(1)
  .max(200)
  .meta({ description: "A session's name, of its client's own making; to be kept unguessable." });
export const Title = z.string().max(1000);
export const Note = z.string().max(MAX_NOTE_CHARS);

export const Image = z.object({
  exists: z.boolean(),
  type: z.enum(["file", "symlink"]).optional(),
  hash: Hash.optional().describe("Of a file's bytes."),
  size: Count.optional(),
  mode: Mode.optional(),
  mtimeNs: z
    .string()
    .regex(/^-?\d+$/)
    .optional(),
  target: z.string().optional().describe("Where a symlink points."),
});
export type Image = z.infer<typeof Image>;

export const WatchState = z.enum(["crawling", "live", "degraded", "polling", "suspended", "failed"]);
export type WatchState = z.infer<typeof WatchState>;

export const GlobList = z
  .array(z.string().min(1).max(4096))
  .max(1000)
  .describe("Globs as git's `:(glob)`, each well formed.");

const LANES = { high: GlobList.optional(), med: GlobList.optional(), low: GlobList.optional() };
export const Lanes = z
  .strictObject(LANES)
  .describe("Globs that give paths a priority; the highest one counts.");
export type Lanes = z.infer<typeof Lanes>;

export const WatchRules = z.strictObject({
  ...LANES,
  ignore: z
    .array(z.string().min(1).max(1000))
    .max(200)
    .optional()
    .describe("Lines as in a .gitignore of the root, stronger than any; what is tracked is not ignored."),
});
export type WatchRules = z.infer<typeof WatchRules>;

export const Workspace = z.object({
  id: z.string(),
  root: z.string().describe("Absolute, real path."),
  watch: z.object({
    state: WatchState,
    warnings: z.array(z.string()),
    rules: WatchRules.optional().describe("The workspace's own, where it has any."),
  }),
  clock: Clock,
  disabled: z
    .literal(true)
    .optional()
    .describe(
      "Switched off: writes that the ways in would divert pass by; what is staged stays, and may be.",
    ),
});
export type Workspace = z.infer<typeof Workspace>;

export const CheckName = z.string().regex(/^[A-Za-z][\w.-]{0,99}$/);

const Check = z.strictObject({
  command: z.array(z.string()).min(1).max(1000).describe("A program and its arguments; no shell reads them."),
  timeoutMs: Ms.min(1).max(86_400_000).optional().describe("Default 10 minutes."),
  agents: z.boolean().optional().describe("Agents may ask for it too."),
});

/** All that a policy may say. An unknown key is a problem: a misspelt rule must not be no rule. */
export const PolicyRules = z.strictObject({
  $schema: z.string().optional(),
  autoApproveBelow: z.int().min(0).max(100).optional().describe("Patches of a lower risk need no decision."),
  ask: GlobList.optional().describe("These need one, whatever their risk."),
  never: GlobList.optional().describe("These are never applied."),
  checks: z
    .record(CheckName, Check)
    .optional()
    .describe("Commands that say whether what is staged is sound, by name; run only once trusted."),
  require: z
    .array(CheckName)
    .max(50)
    .optional()
    .describe("Of these checks, those that must pass before an apply."),
  passThrough: z
    .array(Path)
    .max(100)
    .optional()
    .describe(
      "Directories that `run` leaves open to the real tree: caches, build output. Only once trusted.",
    ),
  io_pipeline_v1: z
    .boolean()
    .optional()
    .describe("false, once trusted: the ways in write plain files here, as after workspace/disable."),
});
export type PolicyRules = z.infer<typeof PolicyRules>;

export const Policy = z.object({
  path: Path,
  hash: Hash.optional().describe("Of its bytes; absent where they cannot be read."),
  trusted: z.boolean().describe("Whether what it loosens counts."),
  rules: PolicyRules.optional().describe("What it says; absent with a problem."),
  problem: z.string().optional().describe("Why it cannot be understood; nothing is approved then."),
});
export type Policy = z.infer<typeof Policy>;

export const SessionState = z.enum(["Pending", "Applied", "Discarded"]);
export type SessionState = z.infer<typeof SessionState>;

export const LayerBackend = z
  .enum(["overlay", "copy"])
  .describe("`overlay`: mounted over the tree, confined; `copy`: a copy of the tree, not confined.");
export type LayerBackend = z.infer<typeof LayerBackend>;

export const Verdict = z.object({
  check: CheckName.optional().describe("The policy's; absent for a command that a reviewer gave."),
  command: z.array(z.string()),
  outcome: z.enum(["passed", "failed", "timedOut"]),
  exitCode: Count.optional().describe("Absent where a signal ended it."),
  digest: Hash.describe("What was staged when it began."),
  clock: Clock.describe("Of the tree then."),
  void: z
    .enum(["staged", "tree"])
    .optional()
    .describe("It counts no longer: since it began something else is staged, or the tree has changed."),
  startedAt: Time,
  durationMs: Ms,
  by: z.string().optional().describe("The client that asked for it."),
});
export type Verdict = z.infer<typeof Verdict>;

export const Session = z.object({
  id: SessionId,
  workspace: z.string(),
  title: z.string(),
  agent: z.string().optional(),
  key: z.string().optional(),
  scope: z.array(Path).optional().describe("What it says it is about."),
  state: SessionState.describe("Computed from the patches."),
  ready: z.boolean().describe("Submitted for review, and not staged into since."),
  message: z.string().optional(),
  digest: Hash.describe("What exactly would be applied."),
  seq: Count.describe("Number of the session's last event."),
  layer: z
    .object({
      backend: LayerBackend,
      since: Time,
      problem: z
        .string()
        .optional()
        .describe(
          "The command has ended, and this is why what it wrote is not staged: layer/close says what becomes of it.",
        ),
    })
    .optional()
    .describe(
      "A command is writing into it; nothing of it can be applied until that has ended and is staged.",
    ),
  verdicts: z.array(Verdict).optional().describe("The newest of each check and command, where there is any."),
  createdAt: Time,
  updatedAt: Time,
  patches: z.object({ pending: Count, stale: Count, applied: Count, discarded: Count }),
  rejected: Count.optional().describe(
    "Of the discarded ones, those that were rejected since it was last submitted; absent where there are none.",
  ),
});
export type Session = z.infer<typeof Session>;

export const PatchKind = z.enum(["create", "update", "delete", "rename", "chmod", "symlink"]);
export type PatchKind = z.infer<typeof PatchKind>;
export const PatchState = z.enum(["Pending", "Applied", "Discarded"]);
export type PatchState = z.infer<typeof PatchState>;
export const DiscardReason = z.enum(["rejected", "stale", "superseded", "discarded", "expired", "undone"]);
export type DiscardReason = z.infer<typeof DiscardReason>;
export const Decision = z.enum(["undecided", "approved", "rejected"]);
export type Decision = z.infer<typeof Decision>;

/** Lines from–to, 1-based, both included. */
const LineRange = z.object({ start: Count, end: Count });

export const Diagnostic = z.object({
  line: Count.describe("From 1."),
  column: Count.describe("From 1, in UTF-16 code units."),
  severity: z.enum(["error", "warning"]).describe("An error has an apply refused."),
  check: z
    .string()
    .describe("Who says so: syntax (the parser), conflict-markers, fence, elision, cut-off, …"),
  message: z.string(),
});
export type Diagnostic = z.infer<typeof Diagnostic>;

export const Syntax = z.object({
  status: z.enum(["ok", "invalid", "unknown"]).describe("unknown: nobody could look, which is not ok."),
  why: z.string().optional().describe("It is unknown."),
  diagnostics: z.array(Diagnostic),
});
export type Syntax = z.infer<typeof Syntax>;

export const Patch = z.object({
  id: PatchId,
  session: SessionId,
  path: Path,
  kind: PatchKind,
  from: Path.optional().describe("A rename's old path."),
  state: PatchState,
  reason: DiscardReason.optional().describe("Why it is Discarded."),
  base: Image,
  after: Image,
  added: Count.describe("Lines."),
  removed: Count.describe("Lines."),
  binary: z.boolean(),
  fullReplace: z.boolean().describe("Over 1 MiB: applying wants confirmFullReplace."),
  risk: z
    .object({ score: z.int().min(0).max(100).describe("The reasons' sum."), reasons: z.array(z.string()) })
    .optional(),
  syntax: Syntax.optional().describe("Absent where no new content is proposed, or nobody has looked yet."),
  decision: Decision,
  note: z.string().optional(),
  conflicts: z.array(z.object({ session: SessionId.optional(), path: Path, ranges: z.array(LineRange) })),
  match: z
    .array(z.object({ line: Count.describe("1-based, in what it was found in."), exactness: z.string() }))
    .optional()
    .describe(
      "How each hunk or edit was found: `exact` (its bytes, where it says), `offset` (its bytes, in the only other place), `eol` (but for LF or CRLF), `trailingSpace` (but for blanks at the ends of lines), `eol+offset`, `position` (by line and character alone). At most 1000, the inexact first.",
    ),
});
export type Patch = z.infer<typeof Patch>;

export const Hunk = z.object({
  id: z.string(),
  oldStart: Count,
  oldLines: Count,
  newStart: Count,
  newLines: Count,
  lines: z.array(z.string()).describe("Each with its prefix: space, `-`, `+` or `\\`."),
});
export type Hunk = z.infer<typeof Hunk>;

/** Lines of one side; an empty range ends before it starts, and lies before the line `start`. */
const Region = z.object({ base: LineRange, ours: LineRange, theirs: LineRange });

/** A path that two sides changed so that no merge has both. */
export const Conflicted = z.object({
  path: Path,
  base: Hash.optional().describe("The blob that both sides began with; absent where there was no file."),
  ours: Hash.optional().describe("What the session wanted; absent where it wanted no file."),
  theirs: Hash.optional().describe("What is on disk now; absent where no file is there."),
  reason: z
    .enum([
      "overlap",
      "ambiguous",
      "coarse",
      "binary",
      "created",
      "changed",
      "deleted",
      "type",
      "target",
      "mode",
      "place",
    ])
    .describe(
      "`overlap`: changes of the same or neighbouring lines, in `regions`; `ambiguous`: lines repeat, so that it could be merged to different results; `coarse`: too large to be compared line by line; `binary`; `created`: a file has come to be there; `changed`: what was to be deleted; `deleted`: what was to be changed; `type`, `target` (of a symlink), `mode`: both changed it; `place`: something else stands at the path or above it.",
    ),
  regions: z.array(Region).describe("Empty but for `overlap`; an empty range ends before it starts."),
});
export type Conflicted = z.infer<typeof Conflicted>;

export const OperationKind = z.enum(["apply", "undo", "recover"]);
export type OperationKind = z.infer<typeof OperationKind>;
export const OperationState = z.enum(["running", "committed", "rolledBack", "needsAttention"]);
export type OperationState = z.infer<typeof OperationState>;
export const Outcome = z.enum(["before", "after", "foreign"]);
export type Outcome = z.infer<typeof Outcome>;

export const Operation = z.object({
  id: OperationId,
  workspace: z.string(),
  session: SessionId.optional(),
  title: z.string().optional(),
  agent: z.string().optional(),
  kind: OperationKind,
  state: OperationState,
  startedAt: Time,
  endedAt: Time.optional(),
  undoes: OperationId.optional(),
  undoableUntil: Time.optional().describe(
    "So long at least, within the budget of undo data; absent while it cannot be undone at all.",
  ),
  cleared: z.boolean().optional().describe("What is needed to undo it is not kept any more."),
  files: z.array(
    z.object({
      path: Path,
      before: Image,
      after: Image,
      outcome: Outcome.optional(),
      undoneBy: OperationId.optional(),
      rescued: Hash.optional().describe("Blob with the bytes of a late edit."),
    }),
  ),
});
export type Operation = z.infer<typeof Operation>;

export const WantedSafetyCommit = z
  .literal("hidden")
  .describe("Also keeps the files as they were and as they became as git commits under refs/iopipe/.");

/** The commit of what the files became; its parent has what they were. */
export const SafetyCommit = z.union([
  z.object({ ref: z.string(), commit: z.string() }),
  z.object({ unavailable: z.string().describe("Why there is none; the operation itself is complete.") }),
]);

const CHANGE_COMMON = {
  baseHash: Hash.optional().describe("The hash that file/read gave; if the file differs, Stale."),
  breakHardLinks: z.boolean().optional(),
  note: Note.optional(),
  _meta: z.unknown().optional(),
};

/** One proposed change. Changes of one call apply one after the other, and come to one patch per path. */
export const Change = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("write"),
    path: Path,
    content: z.string().optional(),
    contentBase64: z.string().optional(),
    blob: Hash.optional(),
    mode: Mode.optional(),
    createOnly: z.boolean().optional(),
    ...CHANGE_COMMON,
  }),
  z.strictObject({
    kind: z.literal("edit"),
    path: Path,
    edits: z
      .array(
        z.strictObject({
          oldText: z.string().min(1),
          newText: z.string(),
          replaceAll: z.boolean().optional(),
          _meta: z.unknown().optional(),
        }),
      )
      .min(1),
    ...CHANGE_COMMON,
  }),
  z.strictObject({ kind: z.literal("delete"), path: Path, ...CHANGE_COMMON }),
  z.strictObject({ kind: z.literal("rename"), path: Path, to: Path, ...CHANGE_COMMON }),
  z.strictObject({ kind: z.literal("chmod"), path: Path, mode: Mode, ...CHANGE_COMMON }),
  z.strictObject({ kind: z.literal("symlink"), path: Path, target: z.string().min(1), ...CHANGE_COMMON }),
  z.strictObject({
    kind: z.literal("unifiedDiff"),
    text: z.string().optional(),
    textBase64: z.string().optional(),
    blob: Hash.optional().describe("Of the diff's own bytes, for one that no frame holds."),
    ...CHANGE_COMMON,
  }),
  z.strictObject({ kind: z.literal("applyPatch"), text: z.string(), ...CHANGE_COMMON }),
  z.strictObject({
    kind: z.literal("workspaceEdit"),
    edit: WorkspaceEdit,
    baseHashes: z
      .record(Path, Hash)
      .optional()
      .describe("As baseHash, by path: positions mean something only in the text that they were made for."),
    ...CHANGE_COMMON,
  }),
]);
export type Change = z.infer<typeof Change>;
export type ChangeOf<K extends Change["kind"]> = Extract<Change, { kind: K }>;

export const FileStatus = z.object({
  patch: PatchId.optional(),
  path: Path,
  from: Path.optional(),
  status: PatchKind,
  added: Count,
  removed: Count,
  binary: z.boolean(),
  fullReplace: z.boolean(),
  coarse: z.boolean().describe("The differ gave up on detail; the diff is still exact."),
  hunks: z.array(Hunk).optional(),
});
export type FileStatus = z.infer<typeof FileStatus>;

export const Problem = z.object({ kind: z.string(), path: Path.optional() }).loose();
export type Problem = z.infer<typeof Problem>;

/** One thing looked at. */
export const Finding = z.object({
  name: z.string().describe("What was looked at."),
  state: z.enum(["ok", "warning", "problem"]),
  fact: z.string().describe("What was found, with the number."),
  path: z.string().optional().describe("Absolute: where."),
  advice: z.string().optional().describe("What to do next, where there is something to do."),
});
export type Finding = z.infer<typeof Finding>;

export const Priority = z.enum(["HIGH", "MED", "LOW"]);
export type Priority = z.infer<typeof Priority>;

export const FileChange = z.object({
  path: Path,
  kind: z.enum(["created", "modified", "deleted"]),
  changed: z.array(z.enum(["content", "mode", "type"])).optional(),
  priority: Priority,
  origin: z.enum(["external", "iopipe"]),
  operation: OperationId.optional(),
  seq: Count,
  size: Count.optional(),
  mode: Mode.optional(),
  mtimeNs: z.string().optional(),
  folded: Count.optional().describe("An ignored directory's changes, folded into one."),
});
export type FileChange = z.infer<typeof FileChange>;

export const AuditDifference = z.object({
  path: Path,
  is: z
    .enum(["missing", "extra", "changed"])
    .describe(
      "On disk alone (a directory stands for what is below it), in the state alone, or not the same.",
    ),
  aspects: z.array(z.enum(["type", "identity", "size", "mode", "times"])).optional(),
});
export type AuditDifference = z.infer<typeof AuditDifference>;

export const EventType = z.enum([
  "session/opened",
  "session/submitted",
  "session/decided",
  "session/verified",
  "session/expired",
  "patch/staged",
  "patch/stale",
  "patch/pending",
  "patch/conflict",
  "patch/discarded",
  "operation/started",
  "operation/committed",
  "operation/rolledBack",
  "operation/needsAttention",
]);
export type EventType = z.infer<typeof EventType>;
