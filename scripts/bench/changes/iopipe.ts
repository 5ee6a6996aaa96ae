/** Our side: a session over the socket, with a daemon that syncs what it promises to keep. */
import type { Connection, SessionHandle } from "../../../client/index.ts";
import type { Steps } from "./steps.ts";
import { makeTree, textOf } from "./tree.ts";

export async function iopipeSteps(count: number, root: string, connection: Connection): Promise<Steps> {
  const names = makeTree(root, count);
  const { workspace } = await connection.call("workspace/open", { root });
  let session: SessionHandle | undefined;
  const current = (): SessionHandle => {
    if (!session) throw new Error("nothing is staged");
    return session;
  };
  let operation: string | undefined;
  return {
    names: { stage: "iopipe", diff: "iopipe", apply: "iopipe" },
    stage: async (round) => {
      session = await connection.openSession({ workspace: workspace.id });
      await session.stage(names.map((path) => ({ kind: "write", path, content: textOf(round) })));
    },
    diff: () => current().diff(),
    apply: async () => {
      const { session: staged } = await current().get();
      operation = (await current().apply(staged.digest)).operation.id;
    },
    reset: async () => {
      if (operation === undefined) await current().discard();
      else await connection.call("operation/undo", { operation });
      operation = undefined;
    },
  };
}
