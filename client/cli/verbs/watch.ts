/** `watch`: what changes in the workspace, one line a change, or with `--json` one batch a line; until ^C. */
import type { FileChange } from "../../../protocol/methods/index.ts";
import type { FileChanges } from "../../changes.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../failure.ts";
import { wholeNumber } from "../numbers.ts";
import { colour, note, print, printJson } from "../output.ts";
import { findWorkspace } from "../place.ts";
import { visible } from "../visible.ts";

const PRIORITIES = ["HIGH", "MED", "LOW"] as const;

export async function watch(context: Context): Promise<void> {
  const { id, root } = await findWorkspace(context);
  const changes = (await context.connection()).changes(id, {
    since: context.text("since"),
    include: context.list("include"),
    exclude: context.list("exclude"),
    priorities: priorities(context.list("priority")),
    settleMs: wholeNumber("settle", context.text("settle"), 0, 60_000),
    signal: context.signal,
  });
  if (process.stderr.isTTY) note(`Watching ${visible(root)}; ^C ends it.`);
  await context.patiently(async () => {
    for await (const batch of changes) show(context, batch);
  });
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
