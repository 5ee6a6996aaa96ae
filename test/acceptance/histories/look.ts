/** Everything that can be asked without changing anything; an answer, or a refusal that says why. */
import { expect } from "vitest";
import type { MethodName, Params, Result } from "../../../client/index.ts";
import { expectRefusal } from "./ask.ts";
import { operationsOf } from "./invariants.ts";
import { treeOf, type World } from "./world.ts";

export async function look(world: World, session: string): Promise<void> {
  const { reviewer, workspace } = world.scene;
  const ask = <N extends MethodName>(method: N, params: Params<N>): Promise<Result<N> | undefined> =>
    reviewer.call(method, params).catch((error) => {
      expectRefusal(error, `${method} ${JSON.stringify(params)}`);
      return undefined;
    });
  const before = treeOf(world);
  await ask("session/check", { session });
  const shown = await ask("session/diff", { session, format: "hunks" });
  for (const { path } of shown?.files ?? [])
    await ask("session/diff", { session, paths: [path], context: 0 });
  const listed = await ask("file/list", { session, recursive: true });
  for (const { path, type } of listed?.entries ?? [])
    await (type === "directory" ? ask("file/list", { session, path }) : ask("file/read", { session, path }));
  await ask("patch/list", { workspace });
  for (const { id: operation } of await operationsOf(world)) {
    await ask("operation/diff", { operation, against: "before" });
    await ask("operation/diff", { operation, against: "disk" });
    await ask("operation/undo", { operation, dryRun: true });
  }
  expect(treeOf(world), "after a look").toEqual(before);
}
