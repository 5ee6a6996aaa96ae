/** `open [DIR]`: opens exactly that directory as a workspace, whatever it is in. */
import { resolve } from "node:path";
import type { Context } from "../context.ts";
import { count, print } from "../output.ts";
import { realDirectory, refuseTooLarge, startOf } from "../place.ts";
import { visible } from "../visible.ts";

export async function open(context: Context, [directory]: string[]): Promise<void> {
  const root = directory === undefined ? startOf(context) : realDirectory(resolve(context.cwd, directory));
  refuseTooLarge(root, context.has("force"));
  context.show(await context.call("workspace/open", { root }), ({ workspace }) => {
    const { state, warnings } = workspace.watch;
    print(`${visible(workspace.root)} is open (watching: ${state}).`);
    if (warnings.length > 0) print(`${count(warnings.length, "warning")}: ${visible(warnings.join("; "))}`);
  });
}
