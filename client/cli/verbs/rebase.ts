/** `rebase [PATH...]`: merges stale patches onto what is on disk now, as new pending patches. Exits 3 on conflicts. */

import type { Result } from "../../../protocol/methods/index.ts";
import { chooseSession } from "../choose.ts";
import { choosePatches } from "../choose-patches.ts";
import type { Context } from "../context.ts";
import { exitCodeOfKind } from "../failure.ts";
import { note, print, printJson } from "../output.ts";
import { visible } from "../visible.ts";

type Conflict = Result<"session/rebase">["conflicted"][number];

const REASONS: Readonly<Record<Conflict["reason"], string>> = {
  overlap: "the same or neighbouring lines were changed",
  ambiguous: "its lines repeat, so that it could be merged in several ways",
  coarse: "it is too large to be compared line by line",
  binary: "it is binary, and both were changed",
  created: "a file has come to be there",
  changed: "what would be deleted was changed",
  deleted: "it was deleted",
  type: "it is a file for one and a link for the other",
  target: "the link leads elsewhere for both",
  mode: "the mode was changed by both",
  place: "something else stands in its place",
};

export async function rebase(context: Context, args: string[]): Promise<number> {
  const chosen = await chooseSession(context);
  if (chosen === undefined) {
    if (context.json) printJson({ merged: [], conflicted: [] });
    else print("Nothing is pending.");
    return 0;
  }
  const paths = args.length > 0 && (await choosePatches(context, chosen, args)).map(({ path }) => path);
  const result = await context.call("session/rebase", {
    session: chosen.session.id,
    ...(paths && { paths }),
  });
  context.show(result, ({ merged, conflicted }) => {
    for (const path of merged) print(`merged    ${visible(path)}`);
    for (const conflict of conflicted) print(`conflict  ${visible(conflict.path)}: ${whyOf(conflict)}`);
    if (merged.length + conflicted.length === 0) print("Nothing was stale.");
    if (conflicted.length > 0) note("Settle each with `iopipectl edit PATH` or `iopipectl discard PATH`.");
  });
  return result.conflicted.length > 0 ? exitCodeOfKind("Conflict") : 0;
}

/** The lines are those of the file as it is on disk now. */
function whyOf({ reason, regions }: Conflict): string {
  const places = regions.map(({ theirs: { start, end } }) => (end > start ? `${start}-${end}` : `${start}`));
  const [only] = places;
  const lines =
    only === undefined
      ? ""
      : ` (line${places.length > 1 || only.includes("-") ? "s" : ""} ${places.join(", ")})`;
  return `${REASONS[reason] ?? visible(reason)}${lines}`;
}
