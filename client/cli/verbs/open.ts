/** `open [DIR]`: opens exactly that directory as a workspace, whatever it is in. */
import { resolve } from "node:path";
import type { WatchRules } from "../../../protocol/methods/index.ts";
import type { Context } from "../context.ts";
import { count, print } from "../output.ts";
import { realDirectory, refuseTooLarge, startOf } from "../place.ts";
import { visible } from "../visible.ts";

export async function open(context: Context, [directory]: string[]): Promise<void> {
  const root = directory === undefined ? startOf(context) : realDirectory(resolve(context.cwd, directory));
  refuseTooLarge(root, context.has("force"));
  const watch = rulesIn(context);
  context.show(await context.call("workspace/open", { root, ...(watch && { watch }) }), ({ workspace }) => {
    const { state, warnings } = workspace.watch;
    print(`${visible(workspace.root)} is open (watching: ${state}).`);
    if (warnings.length > 0) print(`${count(warnings.length, "warning")}: ${visible(warnings.join("; "))}`);
  });
}

const RULES = ["ignore", "high", "med", "low"] as const;

/** The rules of watching that the flags give; undefined where none does. */
function rulesIn(context: Context): WatchRules | undefined {
  const given = RULES.map((name) => [name, context.list(name)] as const).filter(([, list]) => list);
  return given.length === 0 ? undefined : Object.fromEntries(given);
}
