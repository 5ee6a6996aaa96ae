/** `diff [PATH...]`: what is pending, as text that `git apply` takes. */
import type { Patch, Result } from "../../../protocol/methods/index.ts";
import { isKind } from "../../../protocol/wire/errors.ts";
import { type Chosen, chooseSession } from "../choose.ts";
import { choosePatches } from "../choose-patches.ts";
import type { Context } from "../context.ts";
import { printInParts } from "../diff-in-parts.ts";
import { wholeNumber } from "../numbers.ts";
import { colour, colourDiff, count, note, print, printJson } from "../output.ts";
import { page } from "../pager.ts";
import { MIN_COLUMNS, type Row, rowsOf } from "../side-by-side.ts";
import { statLines } from "../tables.ts";
import { visible, visibleLines } from "../visible.ts";

export async function diff(context: Context, args: string[]): Promise<void> {
  const chosen = await chooseSession(context);
  if (chosen === undefined) {
    if (context.json) printJson({ diff: "", files: [] });
    else if (process.stdout.isTTY) note("Nothing is pending.");
    return;
  }
  if (context.has("sideBySide") && !context.json && isWide()) return await showColumns(context, chosen, args);
  if (context.has("stat") && !context.json) return await showStat(context, chosen, args);
  if (context.json) return printJson(await sessionDiff(context, chosen, args));
  const result = await sessionDiff(context, chosen, args).catch(async (error: unknown) => {
    // A person is told what else there is to look at; a file or a program takes a diff of any size.
    if (process.stdout.isTTY || !isKind(error, "TooLarge")) throw error;
    const patches = await pendingAt(context, chosen, args);
    // It is no diff that is too large then, but what a command has written.
    if (patches.length === 0) throw error;
    await printInParts(patches, (paths) => diffOf(context, chosen, paths));
  });
  if (!result) return;
  if (result.files.length === 0) tellNothing(chosen);
  else await showDiff(result.diff);
}

/** Of the patches, not of their diff: that of a large file could not be given at all. */
async function showStat(context: Context, chosen: Chosen, args: readonly string[]): Promise<void> {
  const patches = await pendingAt(context, chosen, args);
  if (patches.length === 0) tellNothing(chosen);
  else for (const line of statLines(patches)) print(line);
}

/** Whether two columns fit. Says so where not: the diff is shown as usual then. */
function isWide(): boolean {
  const { isTTY, columns } = process.stdout;
  if (isTTY && columns >= MIN_COLUMNS) return true;
  note(`Two columns want a terminal of ${MIN_COLUMNS} columns${isTTY ? `; this one has ${columns}` : ""}.`);
  return false;
}

async function showColumns(context: Context, chosen: Chosen, args: readonly string[]): Promise<void> {
  const { files } = await sessionDiff(context, chosen, args, "hunks");
  if (files.length === 0) return tellNothing(chosen);
  const { columns } = process.stdout;
  const lines = files.flatMap((file) => [
    ...statLines([file]),
    ...rowsOf(file, columns).map((row) => (row ? rowLine(row) : colour("cyan", "…"))),
    "",
  ]);
  await page(`${lines.join("\n")}\n`);
}

function rowLine({ left, right, isRemoved, isAdded }: Row): string {
  return `${isRemoved ? colour("red", left) : left} │ ${isAdded ? colour("green", right) : right}`;
}

/** An empty diff looks like nothing to do; beside stale patches it is not. */
export function tellNothing({ session: { patches } }: Chosen): void {
  if (patches.stale === 0) return;
  const stale = count(patches.stale, "patch is", "patches are");
  note(`Nothing is pending; ${stale} stale: the files changed after they were read.`);
  note("Merge it with `iopipectl rebase`, stage the change again, or `iopipectl discard PATH`.");
}

/** The diff of what is pending, of some paths or all. */
export async function sessionDiff(
  context: Context,
  chosen: Chosen,
  args: readonly string[],
  format: "unified" | "hunks" = "unified",
): Promise<Result<"session/diff">> {
  return await diffOf(context, chosen, await pathsOf(context, chosen, args), format);
}

async function diffOf(
  context: Context,
  chosen: Chosen,
  paths: string[] | undefined,
  format: "unified" | "hunks" = "unified",
): Promise<Result<"session/diff">> {
  const lines = wholeNumber("context", context.text("context"), 0, 1000);
  return await context.call("session/diff", {
    session: chosen.session.id,
    format,
    ...(paths && { paths }),
    ...(lines !== undefined && { context: lines }),
  });
}

async function pathsOf(
  context: Context,
  chosen: Chosen,
  args: readonly string[],
): Promise<string[] | undefined> {
  if (args.length === 0) return undefined;
  return (await pendingAt(context, chosen, args)).map(({ path }) => path);
}

async function pendingAt(context: Context, chosen: Chosen, args: readonly string[]): Promise<Patch[]> {
  const patches = await choosePatches(context, chosen, args, ({ state }) => state === "Pending");
  return patches.sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
}

/** Shows what somebody is about to decide on: its diff, or, where that is too large to be given, a line a file. */
export async function showBeforehand(context: Context, chosen: Chosen, args: readonly string[]) {
  try {
    const shown = await sessionDiff(context, chosen, args);
    await showDiff(shown.diff);
    return { files: shown.files.length, digest: shown.digest };
  } catch (error) {
    if (!isKind(error, "TooLarge")) throw error;
    const patches = await pendingAt(context, chosen, args);
    for (const line of statLines(patches)) print(line);
    note(colour("yellow", `${visible(error.message)}: it is not shown.`, process.stderr));
    return { files: patches.length, digest: chosen.session.digest };
  }
}

/** Shows a diff: on a terminal escaped, coloured and paged, else byte for byte. `words`: to be read word by word. */
export async function showDiff(text: string, options: { words?: boolean } = {}): Promise<void> {
  await page(process.stdout.isTTY ? colourDiff(visibleLines(text), options) : text);
}
