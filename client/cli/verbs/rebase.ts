/** `rebase [PATH...]`: merges stale patches onto what is on disk now, as new pending patches. Exits 3 on conflicts. */
import { choosePatches, chooseSession } from "../choose.ts";
import type { Context } from "../context.ts";
import { exitCodeOfKind } from "../failure.ts";
import { note, print, printJson } from "../output.ts";
import { visible } from "../visible.ts";

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
    for (const { path } of conflicted) print(`conflict  ${visible(path)}`);
    if (merged.length + conflicted.length === 0) print("Nothing was stale.");
    if (conflicted.length > 0) note("Settle each with `iopipectl edit PATH` or `iopipectl discard PATH`.");
  });
  return result.conflicted.length > 0 ? exitCodeOfKind("Conflict") : 0;
}
