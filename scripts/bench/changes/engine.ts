/** Our engine alone, in this process: a promotion with a store, but without socket, session and watch. */
import { openTree } from "../../../daemon/disk/index.ts";
import { promote, type Transition } from "../../../daemon/promotion/index.ts";
import type { Store } from "../../../daemon/store/index.ts";
import type { Steps } from "./steps.ts";
import { makeTree, textOf } from "./tree.ts";

export function engineSteps(count: number, root: string, store: Store): Steps {
  const names = makeTree(root, count);
  const workspace = store.workspaces.open(root).id;
  const tree = openTree(root);
  let transitions: Transition[] = [];
  return {
    names: { apply: "iopipe" },
    stage: async (round) => {
      const bytes = Buffer.from(textOf(round));
      const hash = await store.blobs.put(bytes);
      const after = { exists: true, type: "file", hash, size: bytes.length } as const;
      transitions = [];
      for (const path of names) transitions.push({ path, before: await tree.image(path), after });
    },
    apply: () => promote({ workspace, tree, kind: "apply", transitions }, store),
    reset: () => {},
  };
}
