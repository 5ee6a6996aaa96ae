/**
 * `show [ID]`: a session with its patches, a patch, or an operation with its files; by the beginning of its id.
 * With a path of an operation it writes out one version of that file: kept-version.ts.
 */
import type { Operation, Patch, Result } from "../../../protocol/methods/index.ts";
import { type ErrorKind, isKind } from "../../../protocol/wire/errors.ts";
import { noteNextSteps, outcomeLine } from "../attention.ts";
import { chooseSession } from "../choose.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../failure.ts";
import { byPrefix } from "../ids.ts";
import { showVersion } from "../kept-version.ts";
import { colourDiff, note, print, printJson, short } from "../output.ts";
import { page } from "../pager.ts";
import { operationLine, patchLine, patchLines, sessionLines, statLines, verdictLine } from "../tables.ts";
import { visible, visibleLines } from "../visible.ts";

export async function show(context: Context, [id, path]: string[]): Promise<void> {
  if (id !== undefined && path !== undefined) return await showVersion(context, id, path);
  if (context.text("bytes") !== undefined)
    throw new UsageError("--bytes is of one file.", "iopipectl show OPERATION PATH --bytes before");
  if (id !== undefined) {
    await showById(context, id);
    return;
  }
  const chosen = await chooseSession(context);
  if (chosen !== undefined) await showSession(context, chosen.session.id);
  else if (context.json) printJson({});
  else print("Nothing is pending.");
}

/** What an id's first letter stands for, and how a missing one is answered. */
const KINDS: Readonly<
  Record<string, { missing: ErrorKind; show: (context: Context, id: string) => Promise<void> }>
> = {
  s: { missing: "SessionNotFound", show: showSession },
  p: { missing: "PatchNotFound", show: showPatch },
  o: { missing: "OperationNotFound", show: showOperation },
};

async function showById(context: Context, id: string): Promise<void> {
  const kind = KINDS[id.slice(0, 1)];
  if (kind === undefined)
    throw new UsageError(`${id} is no id.`, "Sessions begin with s, patches with p, operations with o.");
  try {
    await kind.show(context, id);
  } catch (error) {
    if (!isKind(error, kind.missing)) throw error;
    const whole = await byPrefix(context, id);
    if (whole === undefined) throw error;
    await kind.show(context, whole);
  }
}

async function showSession(context: Context, session: string): Promise<void> {
  context.show(await context.call("session/get", { session }), describeSession);
}

function describeSession({ session, patches }: Result<"session/get">): void {
  for (const line of sessionLines(session)) print(line);
  for (const verdict of session.verdicts ?? []) print(`  ${verdictLine(verdict)}`);
  for (const patch of patches) print(`  ${patchLine(patch)}`);
}

async function showPatch(context: Context, id: string): Promise<void> {
  const result = await context.call("patch/get", { patch: id });
  context.show(result, ({ patch }) => {
    for (const line of patchLines(patch)) print(line);
  });
  if (!context.json && result.patch.state === "Pending") await showDiffOf(context, result.patch);
}

async function showDiffOf(context: Context, { session, path }: Patch): Promise<void> {
  const { diff } = await context.call("session/diff", { session, paths: [path] });
  await page(process.stdout.isTTY ? colourDiff(visibleLines(diff)) : diff);
}

async function showOperation(context: Context, id: string): Promise<void> {
  const result = await context.call("operation/get", { operation: id });
  context.show(result, ({ operation }) => describeOperation(operation));
  if (context.json || result.operation.cleared) return;
  const { files } = await context.call("operation/diff", { operation: result.operation.id });
  for (const line of statLines(files)) print(`  ${line}`);
}

function describeOperation(operation: Operation): void {
  print(operationLine(operation));
  if (operation.undoableUntil !== undefined)
    print(`  can be undone until ${visible(operation.undoableUntil)}`);
  if (operation.cleared) print("  cannot be undone any more: what that needs was cleared");
  for (const { path, before, after, outcome, undoneBy, rescued } of operation.files) {
    if (outcome !== undefined) print(`  ${outcomeLine({ path, outcome, before, after })}`);
    if (undoneBy !== undefined) print(`  ${visible(path)}: undone by ${visible(undoneBy)}`);
    if (rescued !== undefined) print(`  ${visible(path)}: a late edit is kept as blob ${visible(rescued)}`);
  }
  const rescuing = operation.files.find(({ rescued }) => rescued !== undefined);
  if (operation.state === "needsAttention") noteNextSteps(operation);
  else if (rescuing)
    note(`The edit: iopipectl show ${short(operation.id)} ${visible(rescuing.path)} --bytes rescued`);
}
