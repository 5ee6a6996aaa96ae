/**
 * `watch`: what changes in the workspace, one line a change, or with `--json` one batch a line; until ^C.
 * With `--audit` what the daemon did not know, one line a path.
 */
import type { AuditDifference, FileChange } from "../../../protocol/methods/index.ts";
import type { FileChanges } from "../../changes.ts";
import type { Context } from "../context.ts";
import { EXIT, UsageError } from "../failure.ts";
import { wholeNumber } from "../numbers.ts";
import { colour, count, note, print, printJson } from "../output.ts";
import { findWorkspace } from "../place.ts";
import { visible } from "../visible.ts";

const PRIORITIES = ["HIGH", "MED", "LOW"] as const;

export async function watch(context: Context): Promise<number> {
  const { id, root } = await findWorkspace(context);
  if (context.has("audit")) return await audit(context, id);
  const changes = (await context.connection()).changes(id, {
    since: context.text("since"),
    include: context.list("include"),
    exclude: context.list("exclude"),
    priorities: priorities(context.list("priority")),
    settleMs: wholeNumber("settle", context.text("settle"), 0, 60_000),
    waitForGit: context.has("waitForGit") || undefined,
    signal: context.signal,
  });
  if (process.stderr.isTTY) note(`Watching ${visible(root)}; ^C ends it.`);
  await context.patiently(async () => {
    for await (const batch of changes) show(context, batch);
  });
  return 0;
}

async function audit(context: Context, workspace: string): Promise<number> {
  const audited = await context.call("watch/audit", { workspace });
  context.show(audited, ({ differences, total, paths, directories }) => {
    for (const difference of differences) print(differenceLine(difference));
    const outcome = total === 0 ? "no difference" : `${count(total, "difference")}, repaired now`;
    note(
      `${count(paths, "path")} in ${count(directories, "directory", "directories")} compared: ${outcome}.`,
    );
  });
  return audited.total === 0 ? 0 : EXIT.failed;
}

function differenceLine({ is, path, aspects }: AuditDifference): string {
  const what = aspects ? `  (${aspects.join(", ")})` : "";
  return `${colour("red", is.padEnd("missing".length))} ${visible(path)}${what}`;
}

function show(context: Context, batch: FileChanges): void {
  if (context.json) {
    printJson(batch);
    return;
  }
  if (batch.fresh) note("The history has a gap; this is all that exists:");
  for (const change of batch.changes) print(line(change));
}

function priorities(asked: string[] | undefined): (typeof PRIORITIES)[number][] | undefined {
  return asked?.map((each) => {
    const known = PRIORITIES.find((priority) => priority === each.toUpperCase());
    if (known === undefined)
      throw new UsageError(`--priority ${each} is none.`, `Give ${PRIORITIES.join(", ")}.`);
    return known;
  });
}

const LETTERS = { created: "A", modified: "M", deleted: "D" } as const;

function line({ kind, path, origin, folded, priority }: FileChange): string {
  const letter = colour(kind === "deleted" ? "red" : "green", LETTERS[kind]);
  const more = folded === undefined ? "" : `  (${folded} below it)`;
  return `${letter} ${priority.padEnd(4)} ${visible(path)}${more}${origin === "iopipe" ? "  (iopipe)" : ""}`;
}
