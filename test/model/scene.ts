/**
 * Scenes: what is promoted, on which tree, and the two trees that may come of it.
 * Owns the words to describe a change in. Torturing a scene is explore.ts.
 */
import { ABSENT, DiskError, type Image, openTree, type Port, type Tree } from "../../daemon/disk/index.ts";
import {
  type PromotionRequest,
  planUndo,
  promote,
  recover,
  type Transition,
} from "../../daemon/promotion/index.ts";
import type { OperationRow, Store } from "../../daemon/store/index.ts";
import type { Content } from "../promotion/house.ts";
import {
  BEGINNING,
  copyOf,
  type Disk,
  directoryAt,
  directoryNode,
  emptyDisk,
  fileNode,
  freeInode,
  listing,
  type Node,
  ROOT,
  settle,
} from "./disk.ts";
import { modelPort } from "./port.ts";
import type { Journal, ModelStore } from "./store.ts";

export type Listing = Readonly<Record<string, string>>;

/** What happens to each path: a content, undefined for gone, or the path that it is renamed to. */
export type Changes = Readonly<Record<string, Content | undefined | { readonly to: string }>>;

export interface Scene {
  readonly name: string;
  /** Durable; at its start no journal is open. */
  readonly disk: Disk;
  readonly journal: Journal;
  readonly before: Listing;
  readonly after: Listing;
  run(tree: Tree, store: Store): Promise<OperationRow>;
  /** What goes wrong while it runs, without any crash. */
  readonly fault?: ((port: Port) => Port) | undefined;
}

const OWNER = { uid: 1000, gid: 1000 };
/** Not the process's own, and with an extended attribute, so that it shows when a file written anew loses either. */
const STRANGER = { uid: 12, gid: 34, extended: { "user.of": "a stranger" } };

export function diskWith(files: Readonly<Record<string, Content>>): Disk {
  const disk = emptyDisk();
  const enter = (at: number, name: string, make: () => Node): number => {
    const { entries, ...rest } = directoryAt(disk, at);
    const found = entries.get(name);
    if (found !== undefined) return found;
    const ino = freeInode(disk);
    disk.nodes.set(ino, make());
    disk.nodes.set(at, { ...rest, entries: new Map([...entries, [name, ino]]) });
    return ino;
  };
  const makeDirectory = () => directoryNode(new Map(), { mode: 0o755, ...OWNER }, BEGINNING);
  for (const [path, content] of Object.entries(files)) {
    const names = path.split("/");
    const name = names.pop() as string;
    const parent = names.reduce((at, directory) => enter(at, directory, makeDirectory), ROOT);
    enter(parent, name, () => nodeOf(content));
  }
  settle(disk);
  return disk;
}

function nodeOf(content: Content): Node {
  if (typeof content !== "string")
    return fileNode(content.text, { mode: content.mode, ...STRANGER }, BEGINNING);
  if (content.startsWith("-> ")) return { type: "symlink", target: content.slice(3), times: BEGINNING };
  return fileNode(content, { mode: 0o644, ...OWNER }, BEGINNING);
}

export function treeOn(disk: Disk, change: (port: Port) => Port = (port) => port): Tree {
  return openTree("/model", [], change(modelPort(disk)));
}

async function transitionsOf(changes: Changes, tree: Tree, store: Store): Promise<Transition[]> {
  const transitions: Transition[] = [];
  for (const [path, content] of Object.entries(changes)) {
    const before = await tree.image(path).catch(ifNoFile);
    if (typeof content === "object" && "to" in content) {
      const patch = `${path} to ${content.to}`;
      await store.blobs.put((await tree.read(path)).bytes);
      transitions.push({ path, patch, before, after: { exists: false } });
      const after = { ...before, mode: undefined };
      transitions.push({ path: content.to, patch, before: { exists: false }, after });
    } else transitions.push({ path, before, after: await imageOf(content, store) });
  }
  return transitions;
}

/** A directory, or something below a file or link: gone by the time that the file comes. */
function ifNoFile(error: unknown): Image {
  if (error instanceof DiskError) return ABSENT;
  throw error;
}

/** The image that a content asks for, its bytes in the store. A plain text leaves the mode open. */
async function imageOf(content: Content | undefined, store: Store): Promise<Image> {
  if (content === undefined) return { exists: false };
  if (typeof content === "string" && content.startsWith("-> "))
    return { exists: true, type: "symlink", target: content.slice(3) };
  const { text, mode } = typeof content === "string" ? { text: content, mode: undefined } : content;
  const hash = await store.blobs.put(Buffer.from(text));
  return { exists: true, type: "file", hash, size: text.length, mode };
}

const NOTHING: Journal = { operations: [], files: [] };

/** The promotion of `changes` on a tree of `files`. */
export async function applyScene(
  model: ModelStore,
  name: string,
  files: Readonly<Record<string, Content>>,
  changes: Changes,
): Promise<Scene> {
  const disk = diskWith(files);
  const transitions = await transitionsOf(changes, treeOn(disk), model.store);
  return sceneOf(model, name, disk, NOTHING, (tree, store) =>
    promoteAndSweep({ workspace: model.workspace, tree, kind: "apply", transitions }, store),
  );
}

/** The undo of what a scene has done, on its tree as that left it. */
export async function undoScene(model: ModelStore, name: string, done: Scene): Promise<Scene> {
  const disk = copyOf(done.disk);
  model.restore(done.journal);
  const { id } = await done.run(treeOn(disk), model.store);
  settle(disk);
  return sceneOf(model, name, disk, model.journal(), (tree, store) => undo(model.workspace, id, tree, store));
}

async function undo(workspace: string, id: string, tree: Tree, store: Store): Promise<OperationRow> {
  const plan = await planUndo(store.operations.require(id), tree);
  const { transitions, makeDirectories, removeDirectories } = plan;
  return promoteAndSweep(
    { workspace, tree, kind: "undo", undoes: id, transitions, makeDirectories, removeDirectories },
    store,
  );
}

/** A promotion, and what a workspace does soon after it has been answered. */
export async function promoteAndSweep(request: PromotionRequest, store: Store): Promise<OperationRow> {
  const row = await promote(request, store);
  await recover({ workspace: request.workspace, tree: request.tree, store });
  return row;
}

async function sceneOf(
  model: ModelStore,
  name: string,
  disk: Disk,
  journal: Journal,
  run: Scene["run"],
): Promise<Scene> {
  const done = copyOf(disk);
  model.restore(journal);
  await run(treeOn(done), model.store);
  return { name, disk, journal, before: listing(disk), after: listing(done), run };
}
