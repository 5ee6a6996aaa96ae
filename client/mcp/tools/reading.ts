/** Reading with read-your-writes: a file, a directory, as the session sees them. */
import { isUtf8 } from "node:buffer";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { Count, Hash } from "../../../protocol/methods/values.ts";
import { IopipeError } from "../../../protocol/wire/errors.ts";
import { pathIn } from "../inside.ts";
import { type Answer, NAMED, NEXT, type ToolCall, ToolPath, tool } from "./tool.ts";

/** Most of a file's content in one answer, in characters: hosts cut off longer ones without a word. */
const MAX_CONTENT = 64 * 1024;
/** Largest file whose lines are looked for: it is read as a whole. */
const MAX_BYTES = 32 * 1024 * 1024;
const DEFAULT_ENTRIES = 200;

const read = tool({
  name: "read_staged",
  title: "Read a file as staged",
  description:
    "Reads a file as it would be with everything that this session has staged, else as it is on disk. Edits apply to " +
    "exactly this. Its `hash` can be given as `baseHash` when staging.",
  effect: "reads",
  input: z.strictObject({
    path: ToolPath,
    line: Count.min(1).optional().describe("The first line to show; default 1."),
    lines: Count.min(1).optional().describe("How many lines to show; default as many as fit."),
    ...NAMED,
  }),
  output: z.object({
    path: z.string(),
    content: z.string(),
    encoding: z.enum(["utf8", "base64"]).describe("base64 where the file is no UTF-8 text."),
    hash: Hash.optional().describe("Of the whole file."),
    origin: z.enum(["staged", "disk"]),
    line: Count.describe("The first line shown."),
    lines: Count.describe("How many lines are shown."),
    totalLines: Count,
    complete: z.boolean().describe("Whether all that was asked for is shown."),
    ...NEXT,
  }),
  run: async (input, call) => {
    const { bytes, ...found } = await contentOf(input, call);
    return excerpt(bytes, found, input);
  },
});

interface Found {
  readonly path: string;
  readonly hash?: string | undefined;
  readonly origin: "staged" | "disk";
}

async function contentOf(
  { path, session, key }: { path: string; session?: string | undefined; key?: string | undefined },
  { desk, signal, agent }: ToolCall,
): Promise<Found & { bytes: Buffer }> {
  const plain = desk.plain(path);
  if (plain) return { bytes: await readFile(plain.file), path: plain.file, origin: "disk" };
  const { connection, handle, workspace } = await desk.openWork({ session, key, agent });
  const inside = pathIn(workspace, path);
  const beginning = { session: handle.id, path: inside, length: 0 };
  const { size = 0 } = (await connection.call("file/read", beginning, { signal })).image;
  if (size > MAX_BYTES)
    throw new IopipeError("TooLarge", `${inside} has ${size} bytes; at most ${MAX_BYTES} are read.`, {
      path: inside,
      hint: "Find the lines with search_staged where it is text, or read it with tools of your own.",
    });
  const { bytes, image, origin } = await handle.read(inside, { signal });
  return { bytes, path: inside, origin, ...(image.hash !== undefined && { hash: image.hash }) };
}

interface Wanted {
  readonly line?: number | undefined;
  readonly lines?: number | undefined;
}

function excerpt(bytes: Buffer, { path, origin, hash }: Found, wanted: Wanted) {
  const common = { path, origin, ...(hash !== undefined && { hash }) };
  if (!isUtf8(bytes)) return { data: { ...common, ...encoded(bytes) } };
  return {
    data: { ...common, ...linesOf(bytes.toString("utf8"), wanted) },
    text: { member: "content" as const },
  };
}

/** The beginning of what is no text. */
function encoded(bytes: Buffer) {
  const shown = bytes.subarray(0, MAX_CONTENT / 2);
  const complete = shown.length === bytes.length;
  const next = complete
    ? "The file is not UTF-8 text."
    : `These are the first ${shown.length} of ${bytes.length} bytes.`;
  const none = { line: 0, lines: 0, totalLines: 0 };
  return { content: shown.toString("base64"), encoding: "base64" as const, ...none, complete, next };
}

/** Whole lines, as many as were asked for and fit; of one that is longer than all that fits, the beginning. */
function linesOf(text: string, { line = 1, lines: limit }: Wanted) {
  const all = text === "" ? [] : text.split(/(?<=\n)/);
  const wanted = all.slice(line - 1, limit === undefined ? undefined : line - 1 + limit);
  let content = "";
  let lines = 0;
  for (const each of wanted) {
    if (content.length + each.length > MAX_CONTENT) break;
    content += each;
    lines += 1;
  }
  const complete = lines === wanted.length;
  // Else a single line of a minified file would never be seen at all.
  if (!complete && lines === 0) content = (wanted[0] ?? "").slice(0, MAX_CONTENT);
  const next = complete ? "Stage changes with stage_edit or stage_write." : rest(line, lines);
  return { content, encoding: "utf8" as const, line, lines, totalLines: all.length, complete, next };
}

function rest(line: number, shown: number): string {
  if (shown === 0) return `Line ${line} is too long to be shown; this is its beginning.`;
  return `There is more: read_staged with line ${line + shown}.`;
}

const Entry = z.object({
  path: z.string(),
  type: z.enum(["file", "symlink", "directory", "other"]),
  size: Count.optional(),
  origin: z.enum(["staged", "disk"]),
});

const list = tool({
  name: "list_staged",
  title: "List a directory as staged",
  description:
    "Lists a directory as it would be with everything that this session has staged: created files are there, deleted " +
    "ones are not. Ignored files are listed too; search_staged leaves them out.",
  effect: "reads",
  input: z.strictObject({
    path: ToolPath.optional().describe("The directory; default the workspace's root."),
    recursive: z.boolean().optional().describe("Also what is below its directories."),
    limit: Count.min(1).max(1000).optional().describe(`At most so many; default ${DEFAULT_ENTRIES}.`),
    after: z.string().optional().describe("The `after` that the page before ended with."),
    ...NAMED,
  }),
  output: z.object({ entries: z.array(Entry), after: z.string().optional(), ...NEXT }),
  run: async ({ path, recursive, limit = DEFAULT_ENTRIES, after, ...named }, { desk, signal, agent }) => {
    const { connection, workspace, session } = await desk.openWork({ ...named, agent });
    const params = {
      session: session.id,
      limit,
      ...(path !== undefined && { path: pathIn(workspace, path) }),
      ...(recursive !== undefined && { recursive }),
      ...(after !== undefined && { after }),
    };
    const { entries, next: more } = await connection.call("file/list", params, { signal });
    const data = {
      entries: entries.map(({ mode: _, ...entry }) => entry),
      ...(more !== undefined && { after: more }),
      next: more === undefined ? "This is all." : "There is more: list_staged with this `after`.",
    };
    return { data } satisfies Answer<unknown>;
  },
});

export const READING = [read, list];
