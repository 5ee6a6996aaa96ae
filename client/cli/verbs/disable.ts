/** `disable`, `enable`: switch a workspace off and on. The daemon keeps it; what heeds it is client/way.ts. */
import type { Workspace } from "../../../protocol/methods/index.ts";
import { switchedOff } from "../../way.ts";
import type { Context } from "../context.ts";
import { print } from "../output.ts";
import { findWorkspace } from "../place.ts";
import { visible } from "../visible.ts";

export async function disable(context: Context): Promise<void> {
  const { id } = await findWorkspace(context);
  context.show(await context.call("workspace/disable", { workspace: id }), ({ workspace }) => {
    print(`${root(workspace)} is switched off: agents' writes go to the tree. What is pending stays.`);
  });
}

export async function enable(context: Context): Promise<void> {
  const { id } = await findWorkspace(context);
  const result = await context.call("workspace/enable", { workspace: id });
  const still = context.json ? undefined : await switchedOff(context, result.workspace);
  context.show(result, ({ workspace }) => {
    if (still === undefined) print(`${root(workspace)} is switched on: agents' writes are staged.`);
    else print(`${root(workspace)} stays switched off by its policy (io_pipeline_v1 in .iopipe.jsonc).`);
  });
}

function root(workspace: Workspace): string {
  return visible(workspace.root);
}
