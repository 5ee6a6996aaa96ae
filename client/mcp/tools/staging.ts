/**
 * Staging: the five tools that propose a change. Nothing on disk changes, but where iopipe is switched off, or the
 * agent runs inside `iopipectl run`, whose layer catches plain writes: then the file is written, and the answer says so.
 */
import { z } from "zod";
import type { Change } from "../../../protocol/methods/index.ts";
import { Hash, Note } from "../../../protocol/methods/values.ts";
import { IopipeError } from "../../../protocol/wire/errors.ts";
import type { ChangeInput } from "../../content.ts";
import { pathIn } from "../inside.ts";
import { changePlainly, plainly } from "../plain.ts";
import {
  type Answer,
  NAMED,
  NEXT,
  PatchShown,
  SessionShown,
  shown,
  type ToolCall,
  ToolPath,
  tool,
} from "./tool.ts";

/** What any change may say besides. */
const EXTRA = {
  ...NAMED,
  title: z.string().max(1000).optional().describe("A title for the session, where this opens it."),
  note: Note.optional().describe("A remark for the reviewer about this change."),
  baseHash: Hash.optional().describe(
    "The hash that read_staged gave; the call is refused where the file differs.",
  ),
  breakHardLinks: z.boolean().optional(),
};

/** A patch is of several files, and proves by itself what it was made for. */
const { baseHash: _, ...WITHOUT_HASH } = EXTRA;

const Staged = z.object({
  way: z
    .enum(["staged", "layer", "plain"])
    .describe(
      "staged: proposed, nothing was written; layer: written into the layer of `iopipectl run`; plain: written, for iopipe is off.",
    ),
  session: SessionShown.optional(),
  patches: z.array(PatchShown).describe("What is staged now for the paths of this call."),
  warnings: z.array(z.string()),
  ...NEXT,
});

type Extra = z.output<z.ZodObject<typeof EXTRA>>;

const write = tool({
  name: "stage_write",
  title: "Propose a file's whole content",
  description:
    "Stages a new file, or a file's whole new content. For a change to a part of a file use stage_edit.",
  effect: "stagesOnce",
  input: z.strictObject({
    path: ToolPath,
    ...EXTRA,
    createOnly: z.boolean().optional().describe("Refuse where the file exists already."),
    mode: z.int().min(0).max(0o7777).optional().describe("Permission bits in decimal: 493 is 0755."),
    encoding: z.enum(["utf8", "base64"]).optional().describe("Of `content`; default utf8."),
    expectedBytes: z
      .int()
      .min(0)
      .optional()
      .describe(
        "How many bytes the content has; the call is refused where it has another number, as when it was cut off.",
      ),
    content: z.string(),
  }),
  output: Staged,
  run: async ({ path, createOnly, mode, encoding = "utf8", expectedBytes, content, ...extra }, call) => {
    const bytes = Buffer.from(content, encoding);
    if (expectedBytes !== undefined && expectedBytes !== bytes.length)
      throw new IopipeError("InvalidParams", `The content has ${bytes.length} bytes, not ${expectedBytes}.`, {
        path,
        hint: "It was cut off on its way: send it again, or build the file with several stage_edit calls.",
      });
    const said = { ...(createOnly && { createOnly }), ...(mode !== undefined && { mode }) };
    const carried = encoding === "utf8" ? { content } : { contentBase64: bytes.toString("base64") };
    return await stage({ kind: "write", path, ...said, ...carried }, extra, call);
  },
});

const edit = tool({
  name: "stage_edit",
  title: "Propose edits of a file",
  description:
    "Stages replacements of literal text in one file, in order, on what read_staged shows. Each old text must be found " +
    "exactly once, unless it says replaceAll.",
  effect: "stages",
  input: z.strictObject({
    path: ToolPath,
    ...EXTRA,
    edits: z
      .array(
        z.strictObject({
          oldText: z.string().min(1).describe("As the file has it, with enough around it to be found once."),
          newText: z.string(),
          replaceAll: z.boolean().optional(),
        }),
      )
      .min(1),
  }),
  output: Staged,
  run: ({ path, edits, ...extra }, call) => {
    const asked = edits.map(({ oldText, newText, replaceAll }) => ({
      oldText,
      newText,
      ...(replaceAll && { replaceAll }),
    }));
    return stage({ kind: "edit", path, edits: asked }, extra, call);
  },
});

const remove = tool({
  name: "stage_delete",
  title: "Propose to delete a file",
  description: "Stages the deletion of a file or of a symbolic link.",
  effect: "stagesOnce",
  input: z.strictObject({ path: ToolPath, ...EXTRA }),
  output: Staged,
  run: ({ path, ...extra }, call) => stage({ kind: "delete", path }, extra, call),
});

const move = tool({
  name: "stage_move",
  title: "Propose to move a file",
  description: "Stages a file's move or new name. Nothing may be at the new path.",
  effect: "stagesOnce",
  input: z.strictObject({ path: ToolPath, to: ToolPath.describe("The new path."), ...EXTRA }),
  output: Staged,
  run: ({ path, to, ...extra }, call) => stage({ kind: "rename", path, to }, extra, call),
});

const patch = tool({
  name: "stage_patch",
  title: "Propose a patch",
  description:
    "Stages a patch of one or several files: a diff in git's format, or the `*** Begin Patch` form. All of it or none; " +
    "each hunk must fit exactly one place.",
  effect: "stages",
  input: z.strictObject({ ...WITHOUT_HASH, patch: z.string().min(1) }),
  output: Staged,
  run: ({ patch: text, ...extra }, call) => {
    const kind = text.trimStart().startsWith("*** Begin Patch")
      ? ("applyPatch" as const)
      : ("unifiedDiff" as const);
    return stage({ kind, text }, extra, call);
  },
});

export const STAGING = [write, edit, remove, move, patch];

async function stage(change: Change, extra: Extra, call: ToolCall): Promise<Answer<z.output<typeof Staged>>> {
  const { session: id, key, title, note, baseHash, breakHardLinks } = extra;
  const way = await call.desk.way("path" in change ? change.path : ".");
  if (way.way !== "staged") return { data: plainly(way, await changePlainly(change, way, call.desk)) };
  const { handle, workspace } = await call.desk.openWork({ session: id, key, title, agent: call.agent });
  const said = {
    ...(note !== undefined && { note }),
    ...(baseHash !== undefined && { baseHash }),
    ...(breakHardLinks !== undefined && { breakHardLinks }),
  };
  const placed = {
    ...change,
    ...("path" in change && { path: pathIn(workspace, change.path) }),
    ...("to" in change && { to: pathIn(workspace, change.to) }),
    ...said,
  };
  const { session, patches, warnings } = await handle.stage([placed as ChangeInput], { signal: call.signal });
  const data = {
    way: "staged" as const,
    session: SessionShown.parse(session),
    patches: patches.map(shown),
    warnings,
    next: nextAfter(patches.length, session.id),
  };
  return { data };
}

function nextAfter(patches: number, session: string): string {
  if (patches === 0) return "Nothing differs from what is there, so nothing is staged for it.";
  return (
    `Staged in session ${session}; no file was changed. Go on staging what belongs to it; when it is complete, ` +
    "look at diff_staged and call submit_for_review."
  );
}
