/**
 * What a file with a patch is: a diff, an apply_patch text or a workspace edit, told by how it begins.
 * Owns the telling; whether it is well formed the daemon says.
 */
import { isUtf8 } from "node:buffer";
import type { ChangeOf } from "../../protocol/methods/index.ts";
import type { ChangeInput } from "../content.ts";
import { UsageError } from "./failure.ts";

/** The first line that only a diff has, or only an apply_patch text. */
const FIRST_MARK = /^(?:(\*\*\* Begin Patch)|diff --git |--- |@@ )/m;

/** @throws {UsageError} for what is none of the three; `name` is the file's */
export function changeOf(bytes: Buffer, name: string): ChangeInput {
  const said = name === "-" ? "stdin" : name;
  if (bytes.every((byte) => byte <= 0x20)) throw new UsageError(`There is nothing in ${said}.`, FORMATS);
  const text = bytes.toString("utf8");
  if (/^\ufeff?\s*\{/.test(text)) return { kind: "workspaceEdit", edit: parseEdit(text, said) };
  if (FIRST_MARK.exec(text)?.[1] === undefined)
    return { kind: "unifiedDiff", textBase64: bytes.toString("base64") };
  if (!isUtf8(bytes))
    throw new UsageError(`The apply_patch text in ${said} is not UTF-8.`, "Send such bytes as a git diff.");
  return { kind: "applyPatch", text };
}

const FORMATS =
  "It wants a git diff, an apply_patch text (*** Begin Patch), or a language server's WorkspaceEdit as JSON.";

type Edit = ChangeOf<"workspaceEdit">["edit"];

function parseEdit(text: string, said: string): Edit {
  const edit = parsed(text.replace(/^\ufeff/, ""), said);
  if ("documentChanges" in edit || "changes" in edit) return edit as Edit;
  throw new UsageError(`The JSON in ${said} has neither documentChanges nor changes.`, FORMATS);
}

function parsed(text: string, said: string): object {
  try {
    return JSON.parse(text) as object;
  } catch (error) {
    throw new UsageError(`${said} begins as JSON and is none: ${(error as Error).message}.`, FORMATS);
  }
}
