/** The patches that the explorer takes apart: one of every kind mixed, one that is rolled back, and every pair of kinds. */
import type { Port } from "../../daemon/disk/index.ts";
import { type Content, MIXED_TREE } from "../promotion/house.ts";
import { errno } from "../promotion/ports.ts";
import { applyScene, type Changes, type Scene, undoScene } from "./scene.ts";
import type { ModelStore } from "./store.ts";

const MIXED: Changes = {
  "a/one.txt": "ONE\n",
  "b/two.txt": "TWO\r\n",
  "new/deep/x.txt": "x",
  "new/deep/y.txt": { text: "", mode: 0o755 },
  "gone/last.txt": undefined,
  "b/old.txt": { to: "c.txt" },
  "a/run.sh": { text: "#!/bin/sh\n", mode: 0o755 },
  link: "-> a/one.txt",
};

/** Files take the places of directories and links, and the other way round. */
const SWAPPED_TREE = { a: "file", "d/x": "x", "d/e/y": "y", link: "-> d" };
const SWAPPED: Changes = {
  "a/b": "below",
  d: "a file",
  "link/x": "no link",
  a: undefined,
  "d/x": undefined,
  "d/e/y": undefined,
  link: undefined,
};

/** The mixed patch applied, undone, done again, and rolled back because a directory cannot be fsynced. */
export async function mixedScenes(model: ModelStore): Promise<Scene[]> {
  const apply = await applyScene(model, "apply", MIXED_TREE, MIXED);
  const undo = await undoScene(model, "undo", apply);
  const redo = await undoScene(model, "undo of undo", undo);
  const swap = await applyScene(model, "swap", SWAPPED_TREE, SWAPPED);
  const back = await undoScene(model, "swap back", swap);
  return [apply, undo, redo, swap, back, { ...apply, name: "roll back", fault: failingOnce }];
}

function failingOnce(port: Port): Port {
  let isBroken = true;
  return {
    ...port,
    syncDirectory: async (dir) => {
      if (isBroken) {
        isBroken = false;
        throw errno("EIO", "fsync");
      }
      await port.syncDirectory(dir);
    },
  };
}

interface Kind {
  readonly before?: Content;
  readonly after?: Content;
}

const KINDS: Readonly<Record<string, Kind>> = {
  chmod: { before: "old", after: { text: "old", mode: 0o755 } },
  create: { after: "new" },
  remove: { before: "old" },
  // Of another owner than the process, which must not become its owner, and with the mode that a fresh file has.
  replace: { before: { text: "old", mode: 0o600 }, after: "new" },
  symlink: { before: "old", after: "-> elsewhere" },
};

/** Every two of the kinds, also the same twice, as the files `a` and `b`, whose contents differ. */
export async function pairScenes(model: ModelStore): Promise<Scene[]> {
  const scenes: Scene[] = [];
  const names = Object.keys(KINDS);
  for (const [at, first] of names.entries())
    for (const second of names.slice(at)) {
      const files: Record<string, Content> = {};
      const changes: Record<string, Content | undefined> = {};
      for (const [name, kind] of [["a", first] as const, ["b", second] as const]) {
        const { before, after } = KINDS[kind] as Kind;
        if (before !== undefined) files[name] = unlike(name, before);
        changes[name] = after === undefined ? undefined : unlike(name, after);
      }
      scenes.push(await applyScene(model, `${first} and ${second}`, files, changes));
    }
  return scenes;
}

function unlike(name: string, content: Content): Content {
  return typeof content === "string" ? content + name : { ...content, text: content.text + name };
}
