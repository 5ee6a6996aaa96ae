/** Methods about patches and what a session sees: staging, reading, uploading. */
import { z } from "zod";
import { MAX_CHANGES } from "../wire/limits.ts";
import { method, NEXT, PAGE, PATH_ERRORS, params, STAGE_ERRORS } from "./method.ts";
import {
  Change,
  Count,
  Hash,
  Image,
  Patch,
  PatchId,
  PatchState,
  Path,
  Session,
  SessionId,
  WorkspaceRef,
} from "./values.ts";

export const stage = method({
  name: "patch/stage",
  summary: "Records proposed changes, all or none; nothing under the root changes.",
  role: "proposer",
  params: params({ session: SessionId, changes: z.array(Change).min(1).max(MAX_CHANGES) }),
  result: z.object({
    session: Session,
    patches: z.array(Patch).describe("Of this call, in order."),
    warnings: z.array(z.string()),
  }),
  errors: STAGE_ERRORS,
});

export const get = method({
  name: "patch/get",
  summary: "Gives one patch.",
  role: "proposer",
  params: params({ patch: PatchId }),
  result: z.object({ patch: Patch }),
  errors: ["PatchNotFound"],
});

export const list = method({
  name: "patch/list",
  summary:
    "Lists a workspace's patches, newest first; to a proposer those of the sessions it opened or named.",
  role: "proposer",
  params: params({ workspace: WorkspaceRef, path: Path.optional(), state: PatchState.optional(), ...PAGE }),
  result: z.object({ patches: z.array(Patch), ...NEXT }),
  errors: ["WorkspaceNotFound"],
});

export const read = method({
  name: "file/read",
  summary: "Reads a file as the session sees it, staged content over the disk's: what its edits apply to.",
  role: "proposer",
  params: params({
    session: SessionId,
    path: Path,
    offset: Count.optional().describe("Bytes."),
    length: Count.optional().describe("Bytes; at most 8 MiB an answer."),
    encoding: z
      .enum(["utf8", "base64"])
      .optional()
      .describe("Default: utf8 where the bytes are, else base64."),
  }),
  result: z.object({
    content: z.string(),
    encoding: z.enum(["utf8", "base64"]),
    image: Image,
    origin: z.enum(["staged", "disk"]),
  }),
  errors: ["SessionNotFound", "WorkspaceNotFound", "FileNotFound", "TooLarge", "RootGone", ...PATH_ERRORS],
});

export const listFiles = method({
  name: "file/list",
  summary: "Lists a directory as the session sees it, staged creations and deletions included.",
  role: "proposer",
  params: params({ session: SessionId, path: Path.optional(), recursive: z.boolean().optional(), ...PAGE }),
  result: z.object({
    entries: z.array(
      z.object({
        path: Path,
        type: z.enum(["file", "symlink", "directory", "other"]),
        size: Count.optional(),
        mode: z.int().optional(),
        origin: z.enum(["staged", "disk"]),
      }),
    ),
    ...NEXT,
  }),
  errors: ["SessionNotFound", "WorkspaceNotFound", "FileNotFound", "RootGone", ...PATH_ERRORS, "TooLarge"],
});

export const blobWrite = method({
  name: "blob/write",
  summary: "Uploads a chunk of content larger than a frame; without `upload` it begins one.",
  role: "proposer",
  params: params({
    upload: z.string().optional(),
    offset: Count.optional(),
    data: z.string().describe("base64"),
  }),
  result: z.object({ upload: z.string(), size: Count }),
  errors: ["BlobNotFound", "IllegalState", "TooLarge"],
});

export const blobCommit = method({
  name: "blob/commit",
  summary: "Ends an upload; the blob's id is its hash, and `Change.blob` names it.",
  role: "proposer",
  params: params({ upload: z.string(), hash: Hash.optional().describe("Checked, where given.") }),
  result: z.object({ blob: Hash, size: Count }),
  errors: ["BlobNotFound", "Conflict"],
});

export const blobRead = method({
  name: "blob/read",
  summary: "Reads any image's bytes by hash; to a proposer only what its sessions name or it uploaded.",
  role: "proposer",
  params: params({ blob: Hash, offset: Count.optional(), length: Count.optional() }),
  result: z.object({ data: z.string().describe("base64"), size: Count }),
  errors: ["BlobNotFound"],
});
