/** `gc`: clears what is kept no longer, as the daemon does by itself every hour; `--dry-run` tells what would go. */
import type { Result } from "../../../protocol/methods/index.ts";
import type { Context } from "../context.ts";
import { colour, count, note, print, short } from "../output.ts";
import { span, volume } from "../quantities.ts";
import { visible } from "../visible.ts";

type Collection = Result<"daemon/gc">;
type Item = Collection["items"][number];
type Limits = Collection["limits"];

export async function gc(context: Context): Promise<void> {
  const dryRun = context.has("dryRun");
  const collection = await context.call("daemon/gc", { dryRun });
  context.show(collection, () => describe(collection, dryRun));
}

function describe({ items, totals, limits }: Collection, dryRun: boolean): void {
  for (const item of items) print(line(item, limits));
  const untold = Object.entries(totals).flatMap(([what, { count: all }]) => {
    const more = all - items.filter((item) => item.what === what).length;
    return more > 0 ? [count(more, `${what} more`, `${several(what)} more`)] : [];
  });
  if (untold.length > 0) print(`… and ${untold.join(", ")}`);
  const sums = Object.entries(totals).map(([what, { count: all }]) => count(all, what, several(what)));
  if (sums.length === 0) print("Nothing to clear.");
  else
    print(`${dryRun ? "Would clear" : "Cleared"} ${sums.join(", ")}: ${volume(freed(totals))} of content.`);
  note(
    `Kept: undo data ${span(limits.undoMs)} and up to ${volume(limits.undoBytes)}, discarded patches ${span(limits.discardedMs)}, ` +
      `unused sessions ${span(limits.orphanedMs)}, events ${span(limits.eventsMs)}.`,
  );
}

function several(what: string): string {
  return what === "patch" ? "patches" : `${what}s`;
}

/** What operations need is content too, and counted there. */
function freed(totals: Collection["totals"]): number {
  return ["blob", "file", "upload"].reduce((sum, what) => sum + (totals[what]?.bytes ?? 0), 0);
}

function line({ what, id, reason, path, title, bytes, since }: Item, limits: Limits): string {
  const named = what === "file" || what === "ref" ? visible(id) : short(id);
  const about = path ?? title;
  const parts = [
    `${what.padEnd(9)} ${colour("yellow", named)}`,
    ...(about === undefined ? [] : [visible(about)]),
    ...(bytes === undefined ? [] : [volume(bytes)]),
    REASONS[reason](limits),
    ...(since === undefined ? [] : [`since ${visible(since.slice(0, 16).replace("T", " "))}`]),
  ];
  return parts.join("  ");
}

const REASONS: Readonly<Record<Item["reason"], (limits: Limits) => string>> = {
  age: () => "kept long enough",
  budget: ({ undoBytes }) => `more than ${volume(undoBytes)} of undo data`,
  orphaned: ({ orphanedMs }) => `unused for ${span(orphanedMs)}; what it has pending expires`,
  cleared: () => "its operation is cleared",
  empty: () => "its last patch goes",
  unnamed: () => "nothing needs it",
  stray: () => "left by a crash",
};
