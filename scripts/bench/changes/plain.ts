/**
 * The least that a durable write of each file takes: write beside it, sync, rename, and sync the directory in the end.
 * No journal: killed half-way it leaves half of the change, and what was there before is gone.
 */
import { open, rename } from "node:fs/promises";
import { join } from "node:path";
import type { Steps } from "./steps.ts";
import { makeTree, textOf } from "./tree.ts";

export function plainSteps(count: number, root: string): Steps {
  const names = makeTree(root, count);
  let text = "";
  return {
    names: { apply: "write, sync, rename" },
    stage: (round) => {
      text = textOf(round);
    },
    apply: async () => {
      for (const name of names) {
        const temporary = join(root, `${name}.new`);
        await syncing(temporary, "wx", (file) => file.writeFile(text));
        await rename(temporary, join(root, name));
      }
      await syncing(join(root, "src"), "r", async () => {});
    },
    reset: () => {},
  };
}

async function syncing(
  path: string,
  flags: string,
  work: (file: Awaited<ReturnType<typeof open>>) => Promise<void>,
): Promise<void> {
  const file = await open(path, flags);
  try {
    await work(file);
    await file.sync();
  } finally {
    await file.close();
  }
}
