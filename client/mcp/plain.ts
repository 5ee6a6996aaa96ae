/**
 * Changes of plain files, for the two cases in which nothing is to be staged: a layer of `iopipectl run` catches what is
 * written, or iopipe is switched off.
 * Owns what of the five kinds of change it can do by itself; patches it cannot, and says so.
 * Failure: the operating system's errors; the file is as it was.
 */
import { lstat, mkdir, readFile, rename, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import type { Change, ChangeOf } from "../../protocol/methods/index.ts";
import { IopipeError } from "../../protocol/wire/errors.ts";
import { writeFileAtomic } from "../atomic.ts";
import type { PlainWay } from "../way.ts";
import type { Desk } from "./desk.ts";

/** Makes the change; gives the paths that it wrote. */
export async function changePlainly(change: Change, { file }: PlainWay, desk: Desk): Promise<string[]> {
  switch (change.kind) {
    case "write":
      await write(file, change);
      return [file];
    case "edit":
      await writeFileAtomic(file, edited(await readFile(file), change));
      return [file];
    case "delete":
      await unlink(file);
      return [file];
    case "rename": {
      const to = await desk.way(change.to);
      if (to.way === "staged") throw new IopipeError("IllegalState", "iopipe was switched on in between.");
      await assertAbsent(to.file);
      await mkdir(dirname(to.file), { recursive: true });
      await rename(file, to.file);
      return [file, to.file];
    }
    default:
      throw new IopipeError("IllegalState", "Files are written plainly here, and a patch is not.", {
        hint: "Use stage_edit and stage_write, or the tools of your own.",
      });
  }
}

/** The answer of a tool that staged nothing. */
export function plainly(way: PlainWay, written: readonly string[]) {
  const why =
    way.way === "layer"
      ? "This runs inside `iopipectl run`: the change is in its layer, and is proposed with all others when the command ends."
      : `iopipe is switched off here (${way.because}): the files themselves were changed.`;
  return { way: way.way, patches: [], warnings: [], next: `Written: ${written.join(", ")}. ${why}` };
}

async function write(
  file: string,
  { content, contentBase64 = "", createOnly, mode }: ChangeOf<"write">,
): Promise<void> {
  if (createOnly) await assertAbsent(file);
  const bytes = content === undefined ? Buffer.from(contentBase64, "base64") : Buffer.from(content);
  await writeFileAtomic(file, bytes, { mode, parents: true });
}

async function assertAbsent(file: string): Promise<void> {
  const there = await lstat(file).catch(() => undefined);
  if (there) throw new IopipeError("FileExists", `${file} exists already.`, { path: file });
}

/** Literal replacements on bytes, each found exactly once unless it says replaceAll. */
function edited(bytes: Buffer, { path, edits }: ChangeOf<"edit">): Buffer {
  // latin1 maps bytes to characters one to one, so that what is not UTF-8 comes through.
  const raw = (text: string): string => Buffer.from(text).toString("latin1");
  let now = bytes.toString("latin1");
  for (const [index, { oldText, newText, replaceAll }] of edits.entries()) {
    const pieces = now.split(raw(oldText));
    if (pieces.length === 1)
      throw new IopipeError("MatchNotFound", `${path} has no such text.`, { path, index });
    if (pieces.length > 2 && !replaceAll)
      throw new IopipeError("MatchAmbiguous", `${path} has it ${pieces.length - 1} times.`, { path, index });
    now = pieces.join(raw(newText));
  }
  return Buffer.from(now, "latin1");
}
