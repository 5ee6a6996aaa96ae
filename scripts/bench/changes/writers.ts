/**
 * Ways of writing files without iopipe, one file after the other, as an agent or a script does.
 * None has a journal: killed half-way they leave half of the change, and what was there before is gone.
 */
import { open, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import type { Steps } from "./steps.ts";
import { makeTree, textOf } from "./tree.ts";

interface Writer {
  readonly name: string;
  write(path: string, text: string): Promise<void>;
  /** Once, after the last file. */
  end?(directory: string): Promise<void>;
}

export const WRITERS: readonly Writer[] = [
  // Whole or durable it is not: it truncates first, and syncs nothing.
  { name: "writeFile loop", write: (path, text) => writeFile(path, text) },
  // Syncs each file, but not the directory that has its new name.
  { name: "write-file-atomic loop", write: (path, text) => writeFileAtomic(path, text) },
  // The least that a durable write of each file takes.
  {
    name: "write, sync, rename loop",
    write: async (path, text) => {
      const temporary = `${path}.new`;
      await syncing(temporary, "wx", (file) => file.writeFile(text));
      await rename(temporary, path);
    },
    end: (directory) => syncing(directory, "r", async () => {}),
  },
];

export function writerSteps({ name, write, end }: Writer, count: number, root: string): Steps {
  const paths = makeTree(root, count).map((path) => join(root, path));
  let text = "";
  return {
    names: { apply: name },
    stage: (round) => {
      text = textOf(round);
    },
    apply: async () => {
      for (const path of paths) await write(path, text);
      await end?.(dirname(paths[0] as string));
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
