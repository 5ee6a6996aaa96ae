/**
 * A git-format diff as data: which file becomes which, and the hunks as bytes. Parsed by `diff`, with guards where that
 * library is lenient: what it would drop (binary payloads, entries that say nothing) is refused here.
 * Lines are kept as bytes with their newline, so that CRLF and a missing final newline are exact.
 */
import { isUtf8 } from "node:buffer";
import { parsePatch, type StructuredPatch } from "diff";
import { IopipeError } from "../../../protocol/wire/errors.ts";

export interface ByteHunk {
  /** 0-based line where the old lines are said to be. */
  readonly start: number;
  readonly old: Buffer[];
  readonly now: Buffer[];
}

export interface FileDiff {
  /** Absent for a creation. */
  readonly from?: string;
  /** Absent for a deletion. */
  readonly to?: string;
  /** The file at `from` stays. */
  readonly copy: boolean;
  /** git's mode of what is at `to`, where the diff says it. */
  readonly mode?: number;
  readonly hunks: ByteHunk[];
}

/** @throws {IopipeError} PatchMalformed for what is no complete diff, or holds a binary patch or a submodule */
export function parseDiff(bytes: Buffer): FileDiff[] {
  const encoding = isUtf8(bytes) ? "utf8" : "latin1";
  const text = bytes.toString(encoding);
  if (/^(GIT binary patch|Binary files .* differ)\r?$/m.test(text))
    throw malformed("It holds a binary patch", "Stage binary files with write and contentBase64 or blob.");
  const entries = parse(text).map((entry) => toFileDiff(entry, encoding));
  if (entries.length === 0) throw malformed("It holds no diff of any file");
  return entries;
}

function parse(text: string): StructuredPatch[] {
  try {
    return parsePatch(text).filter(({ oldFileName, hunks }) => oldFileName !== undefined || hunks.length > 0);
  } catch (error) {
    throw malformed((error as Error).message);
  }
}

function toFileDiff(entry: StructuredPatch, encoding: "utf8" | "latin1"): FileDiff {
  const { from, to } = namesOf(entry, encoding);
  const mode = entry.isDelete ? undefined : modeOf(entry.newMode);
  const isRename = entry.isRename === true || entry.isCopy === true;
  if (from === undefined && to === undefined) throw malformed("It names no file");
  if (from !== undefined && to !== undefined && from !== to && !isRename)
    throw malformed(`${from} and ${to} differ without being a rename`);
  if (entry.hunks.length === 0 && from === to && mode === undefined)
    throw malformed(`It says nothing about ${from}`);
  return {
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    copy: entry.isCopy === true,
    ...(mode !== undefined && { mode }),
    hunks: entry.hunks.map((hunk) => toHunk(hunk, encoding)),
  };
}

function namesOf(entry: StructuredPatch, encoding: "utf8" | "latin1"): { from?: string; to?: string } {
  const { oldFileName = "", newFileName = "" } = entry;
  if (oldFileName === "" || newFileName === "") throw malformed("It has hunks without the name of a file");
  const from = entry.isCreate || oldFileName === "/dev/null" ? undefined : strip(oldFileName, "a/", encoding);
  const to = entry.isDelete || newFileName === "/dev/null" ? undefined : strip(newFileName, "b/", encoding);
  return { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
}

function strip(name: string, prefix: string, encoding: "utf8" | "latin1"): string {
  const bare = name.startsWith(prefix) ? name.slice(prefix.length) : name;
  if (encoding === "utf8") return bare;
  // A quoted name was decoded by the parser; a plain one stands there byte for byte.
  const bytes = Buffer.from(bare, "latin1");
  return bytes.toString("latin1") === bare && isUtf8(bytes) ? bytes.toString("utf8") : bare;
}

function modeOf(mode: string | undefined): number | undefined {
  if (mode === undefined) return undefined;
  const value = Number.parseInt(mode, 8);
  const type = value & 0o170000;
  if (type === 0o100000 || type === 0o120000) return value;
  throw malformed(`Mode ${mode} is neither a file's nor a symlink's`);
}

type Hunk = StructuredPatch["hunks"][number];

function toHunk({ oldStart, lines }: Hunk, encoding: "utf8" | "latin1"): ByteHunk {
  const old: Buffer[] = [];
  const now: Buffer[] = [];
  for (const [n, text] of lines.entries()) {
    const sign = text.slice(0, 1) || " ";
    if (sign === "\\") continue;
    const newline = lines[n + 1]?.startsWith("\\") ? "" : "\n";
    const bytes = Buffer.from(text.slice(1) + newline, encoding);
    if (sign !== "+") old.push(bytes);
    if (sign !== "-") now.push(bytes);
  }
  // The parser has made both sides count from the line at which they begin, an empty one too.
  return { start: Math.max(0, oldStart - 1), old, now };
}

export function malformed(fact: string, hint?: string): IopipeError {
  return new IopipeError(
    "PatchMalformed",
    `The diff cannot be used: ${fact}.`,
    hint === undefined ? {} : { hint },
  );
}
