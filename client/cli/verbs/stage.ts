/** `stage`: records changes: content from stdin or a file, a deletion, a move, a patch. Nothing on disk changes. */
import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { Patch, Result } from "../../../protocol/methods/index.ts";
import { isKind } from "../../../protocol/wire/errors.ts";
import type { ChangeInput } from "../../content.ts";
import { type Chosen, chooseOrOpenSession } from "../choose.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../failure.ts";
import { note, print } from "../output.ts";
import { changeOf } from "../patch-format.ts";
import { readStdin } from "../stdin.ts";
import { patchLine } from "../tables.ts";
import { visible } from "../visible.ts";

export async function stage(context: Context, args: string[]): Promise<void> {
  const change = await readInput(context, args);
  const chosen = await chooseOrOpenSession(context, `stage ${args.join(" ")}`.trim());
  const result = await stageInto(context, chosen, await change(chosen));
  context.show(result, describe);
}

/** Stages changes into a session, with progress and ^C. */
export async function stageInto(
  context: Context,
  { session }: Chosen,
  changes: readonly ChangeInput[],
): Promise<Result<"patch/stage">> {
  const note = context.text("note");
  const said = {
    ...(note !== undefined && { note }),
    ...(context.has("breakHardLinks") && { breakHardLinks: true }),
  };
  const handle = (await context.connection()).session(session.id);
  const asked = changes.map((change) => ({ ...change, ...said }));
  return await context.patiently(() => handle.stage(asked, { signal: context.signal }));
}

/** The change that a patch in a file, or on stdin (`-`), stands for: a diff, an apply_patch text, a workspace edit. */
export async function patchInput(context: Context, file: string): Promise<ChangeInput[]> {
  const bytes = file === "-" ? await readStdin("a patch") : readFile(context, file);
  return [changeOf(bytes, file)];
}

type InSession = (chosen: Chosen) => ChangeInput[] | Promise<ChangeInput[]>;

/** Reads everything before a session is opened, so that a mistake leaves no empty one behind. */
async function readInput(context: Context, args: string[]): Promise<InSession> {
  refuseSeveral(context);
  const patch = context.text("patch");
  if (patch !== undefined) {
    const changes = await patchInput(context, expect(args, 0, [patch])[0] as string);
    return () => changes;
  }
  if (context.has("delete") && args.length > 0)
    return ({ path }) => args.map((each) => ({ kind: "delete", path: path(each) }));
  if (context.has("move")) {
    const [from, to] = expect(args, 2) as [string, string];
    return ({ path }) => [{ kind: "rename", path: path(from), to: path(to) }];
  }
  const [target] = expect(args, 1) as [string];
  return await contentInput(context, target);
}

/** @throws {UsageError} where two kinds of change are asked for: to do one of them would be a guess */
function refuseSeveral(context: Context): void {
  const given = ["from", "patch", "delete", "move"].filter(
    (flag) => context.has(flag) || context.text(flag) !== undefined,
  );
  if (given.length < 2) return;
  throw new UsageError(
    `${given.map((flag) => `--${flag}`).join(" and ")} are different changes.`,
    "Stage one after the other.",
  );
}

const NO_CONTENT = "Pipe it in, or say --from FILE; for a file that is empty on purpose, --from /dev/null.";

async function contentInput(context: Context, target: string): Promise<InSession> {
  const from = context.text("from");
  const content =
    from === undefined ? await readStdin("the new content", NO_CONTENT) : readFile(context, from);
  const executable = from !== undefined && (statSync(resolve(context.cwd, from)).mode & 0o111) !== 0;
  return async (chosen) => {
    const path = chosen.path(target);
    const mode = executable && (await isNew(context, chosen, path)) ? { mode: 0o755 } : {};
    return [{ kind: "write", path, content, ...mode }];
  };
}

async function isNew(context: Context, { session }: Chosen, path: string): Promise<boolean> {
  try {
    await context.call("file/read", { session: session.id, path, length: 0 });
    return false;
  } catch (error) {
    if (isKind(error, "FileNotFound")) return true;
    throw error;
  }
}

/** A file that a flag names. @throws {UsageError} where it cannot be read, or is too large to be held whole */
export function readFile(context: Context, file: string): Buffer {
  try {
    return readFileSync(resolve(context.cwd, file));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ERR_FS_FILE_TOO_LARGE")
      throw new UsageError(
        `${file} has 2 GiB or more, which is not read whole.`,
        "Let a command write it: iopipectl run -- cp FROM TO",
      );
    throw new UsageError(`${file} cannot be read (${code}).`, "Give the name of a file that can.");
  }
}

/** @throws {UsageError} unless there are `n` arguments; gives `instead` for none. */
function expect(args: string[], n: number, instead: string[] = args): string[] {
  if (args.length === n) return instead;
  throw new UsageError(
    `stage takes ${n === 0 ? "no path" : n === 1 ? "one path" : `${n} paths`} here, not ${args.length}.`,
    "See `iopipectl stage --help`.",
  );
}

function describe({ session, patches, warnings }: Result<"patch/stage">): void {
  for (const patch of patches) print(patchLine(patch));
  if (patches.length === 0) print("Nothing differs from what is there.");
  for (const warning of warnings) note(visible(warning));
  for (const patch of patches) noteInexact(patch);
  if (process.stdout.isTTY) note(`Session ${visible(session.id)}. Next: iopipectl diff, iopipectl apply`);
}

/** Matches of one patch that are told; --json has all. */
const MOST_TOLD = 3;

/** How each exactness but `exact` is told; one that this version does not know is told as it is. */
const INEXACT: Readonly<Record<string, string>> = {
  offset: "elsewhere than the patch says",
  eol: "but for its line endings, which are kept",
  "eol+offset": "elsewhere than the patch says, but for its line endings, which are kept",
  trailingSpace: "but for blanks at the ends of lines",
  position: "by line and character alone",
};

function noteInexact({ path, match = [] }: Patch): void {
  const inexact = match.filter(({ exactness }) => exactness !== "exact");
  for (const { line, exactness } of inexact.slice(0, MOST_TOLD))
    note(`${visible(path)}:${line}: found ${visible(INEXACT[exactness] ?? exactness)}`);
  if (inexact.length > MOST_TOLD) note(`${visible(path)}: ${inexact.length - MOST_TOLD} more, see --json`);
}
