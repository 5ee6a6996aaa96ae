/**
 * Random histories: staging, applying, undoing, redoing, editing, dying and restarting, in any order.
 * Owns what can happen and how it is drawn; what must hold after each is world.ts.
 * The paths are few, so that everything meets everything; bytes that are written are all different, so that none can
 * be taken for others.
 */
import fc from "fast-check";
import { nameOf } from "../../daemon/disk/index.ts";
import { type PromotionRequest, planUndo, type Transition } from "../../daemon/promotion/index.ts";
import { isKind } from "../../protocol/wire/errors.ts";
import {
  born,
  change,
  type Disk,
  directoryAt,
  directoryNode,
  fileNode,
  find,
  freeInode,
  modified,
  ROOT,
  settle,
} from "./disk.ts";
import type { Broken } from "./explore.ts";
import { diskWith, type Listing, promoteAndSweep, treeOn } from "./scene.ts";
import type { ModelStore } from "./store.ts";
import { bytesOf, filesOf, hold, type Outcome, promoteIn, staging, type World } from "./world.ts";

const PATHS = ["a", "b", "c/one", "c/two", "d/e/three", "d/four"];

/** Line endings, a BOM, NUL, bytes that are no UTF-8, no final newline, nothing: as latin1. */
const BYTES = ["\n", "\r\n", "\xef\xbb\xbfx\r\n", "\0\0", "\xff\xfe\x80", "no newline", ""];

const path = fc.nat(PATHS.length - 1).map((at) => PATHS[at] as string);
const mode = fc.constantFrom(0o644, 0o755, 0o600, 0o4755);

const staged = fc.record({
  path,
  to: path,
  what: fc.constantFrom("write", "write", "write", "remove", "mode", "link", "rename"),
  bytes: fc.constantFrom(...BYTES),
  mode,
});

const edit = fc.record({
  path,
  how: fc.constantFrom("in place", "by rename", "removed", "chmod", "touched"),
  bytes: fc.constantFrom(...BYTES),
});

/** A mode changed between a death and the restart is nobody's third state: only what a patch changes is compared. */
const editMeanwhile = edit.filter(({ how }) => how !== "chmod" && how !== "touched");

const death = fc.record({
  // Most promotions here make 40 to 160 calls; a death that is not reached is none.
  at: fc.integer({ min: 1, max: 120 }),
  isPowerCut: fc.boolean(),
  seed: fc.nat(),
});

const accident = fc.record({
  deaths: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 3, arbitrary: fc.array(death, { minLength: 1, maxLength: 3, size: "max" }) },
  ),
  meanwhile: fc.option(editMeanwhile, { freq: 2, nil: undefined }),
});

const event = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("stage" as const),
      changes: fc.array(staged, { minLength: 1, maxLength: 4, size: "max" }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("apply" as const), which: fc.nat(3), accident }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("undo" as const),
      which: fc.nat(3),
      skip: fc.boolean(),
      accident,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("edit" as const), edit }) },
);

type Staged = typeof staged extends fc.Arbitrary<infer T> ? T : never;
type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never;
type Accidents = typeof accident extends fc.Arbitrary<infer T> ? T : never;
export type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;

export const histories = fc.array(event, { minLength: 6, maxLength: 16, size: "max" });

export interface Tally {
  applied: number;
  undone: number;
  refused: number;
  crashes: number;
  edits: number;
}

/** One world, and what can be undone or applied in it. */
interface Life extends World {
  readonly tally: Tally;
  /** What is staged, newest last. */
  readonly proposals: (readonly Transition[])[];
  /** Operations that stand, newest last, with the bytes of their paths before and after them. */
  readonly operations: Done[];
  /** Makes all bytes different. */
  count: number;
}

interface Done {
  readonly id: string;
  readonly had: ReadonlyMap<string, string | undefined>;
  readonly left: ReadonlyMap<string, string | undefined>;
}

const FILES = {
  a: "a\n",
  b: { text: "b\r\n", mode: 0o755 },
  "c/one": "one",
  "d/e/three": "-> ../four",
  "d/four": "4",
};

/** @throws where a promise is broken */
export async function live(
  model: ModelStore,
  history: readonly Event[],
  tally: Tally,
  broken: Broken = {},
): Promise<void> {
  model.restore({ operations: [], files: [] });
  const world = { model, broken, disk: diskWith(FILES), written: new Map() };
  const life: Life = { ...world, tally, proposals: [], operations: [], count: 0 };
  for (const event of history) {
    if (event.do === "stage") await stage(life, event.changes);
    else if (event.do === "apply") await apply(life, event.which, event.accident);
    else if (event.do === "undo") await undo(life, event);
    else editNow(life, event.edit);
  }
}

async function stage(life: Life, changes: readonly Staged[]): Promise<void> {
  const taken = new Set<string>();
  const transitions: Transition[] = [];
  await staging(life, async () => {
    for (const one of changes) {
      if (taken.has(one.path) || (one.what === "rename" && (taken.has(one.to) || one.to === one.path)))
        continue;
      const made = await transitionsFor(life, one);
      for (const { path } of made) taken.add(path);
      transitions.push(...made);
    }
  });
  if (transitions.length > 0) life.proposals.push(transitions);
}

async function transitionsFor(life: Life, { path, to, what, bytes, mode }: Staged): Promise<Transition[]> {
  const tree = treeOn(life.disk);
  const { blobs } = life.model.store;
  const before = await tree.image(path);
  const isFile = before.type === "file";
  const written = async (): Promise<Transition[]> => {
    const hash = await blobs.put(Buffer.from(fresh(life, bytes), "latin1"));
    return [{ path, before, after: { exists: true, type: "file", hash } }];
  };
  if (what === "write") return written();
  if (what === "link")
    return [{ path, before, after: { exists: true, type: "symlink", target: fresh(life, "") } }];
  if (!before.exists) return [];
  if (what === "remove") return [{ path, before, after: { exists: false } }];
  if (what === "mode") return isFile ? [{ path, before, after: { ...before, mode } }] : [];
  const target = await tree.image(to);
  if (target.exists) return [];
  if (isFile) await blobs.put((await tree.read(path)).bytes);
  const patch = `${path} to ${to}`;
  return [
    { path, patch, before, after: { exists: false } },
    { path: to, patch, before: target, after: { ...before, mode: undefined } },
  ];
}

/** Unlike whatever has been written before. */
function fresh(life: Life, bytes: string): string {
  return `${life.count++} ${bytes}`;
}

async function apply(life: Life, which: number, accident: Accidents): Promise<void> {
  const transitions = life.proposals.at(-1 - (which % Math.max(1, life.proposals.length)));
  if (!transitions) return;
  const { workspace } = life.model;
  const request = { workspace, kind: "apply" as const, transitions };
  if (await promoted(life, request, accident)) life.tally.applied++;
}

async function undo(life: Life, { which, skip, accident }: Extract<Event, { do: "undo" }>): Promise<void> {
  const done = life.operations.at(-1 - (which % Math.max(1, life.operations.length)));
  if (!done) return;
  const plan = await planUndo(life.model.store.operations.require(done.id), treeOn(life.disk)).catch(
    ifUndone,
  );
  if (!plan || plan.transitions.length === 0 || (plan.modified.length > 0 && !skip)) return;
  const changed = plan.reverted.filter(
    (path) => done.had.has(path) && done.had.get(path) !== done.left.get(path),
  );
  const now = filesOf(life.disk);
  for (const path of changed)
    hold(bytesOf(now[path]) === done.left.get(path), `an undo would overwrite an edit of '${path}'`);
  const { workspace } = life.model;
  const { transitions, makeDirectories, removeDirectories } = plan;
  const request = { workspace, kind: "undo" as const, undoes: done.id };
  const outcome = await promoted(
    life,
    { ...request, transitions, makeDirectories, removeDirectories },
    accident,
  );
  if (!outcome) return;
  life.tally.undone++;
  const then = filesOf(life.disk);
  for (const path of changed)
    if (path !== outcome.edited)
      hold(bytesOf(then[path]) === done.had.get(path), `'${path}' is not what it was before`);
}

function ifUndone(error: unknown): undefined {
  if (!isKind(error, "IllegalState")) throw error;
}

/** Promotes through an accident, and remembers what stands then. */
async function promoted(
  life: Life,
  request: Omit<PromotionRequest, "tree">,
  { deaths, meanwhile }: Accidents,
): Promise<Outcome | undefined> {
  const { transitions } = request;
  const before = filesOf(life.disk);
  const outcome = await promoteIn(
    life,
    transitions,
    (tree, store) => promoteAndSweep({ ...request, tree }, store),
    {
      deaths,
      meanwhile: meanwhile && (() => editNow(life, meanwhile)),
    },
  );
  if (outcome.crashed) life.tally.crashes++;
  if (!outcome.applied) {
    life.tally.refused++;
    return undefined;
  }
  const after = filesOf(life.disk);
  const paths = transitions.map(({ path }) => path).filter((path) => path !== outcome.edited);
  const as = (tree: Listing) => new Map(paths.map((path) => [path, bytesOf(tree[path])] as const));
  life.operations.push({ id: outcome.applied.id, had: as(before), left: as(after) });
  return outcome;
}

/** Edits, durably; says where, if anywhere. */
function editNow(life: Life, { path, how, bytes }: Edit): string | undefined {
  const { disk } = life;
  const ino = find(disk, path);
  const node = ino === undefined ? undefined : disk.nodes.get(ino);
  const content = fresh(life, bytes);
  if (how === "by rename" || (how === "in place" && node?.type !== "file")) {
    const dir = parentIn(disk, path);
    const made = freeInode(disk);
    disk.nodes.set(made, fileNode(content, { mode: 0o640, uid: 1000, gid: 1000 }, born(disk)));
    change(disk, dir, new Map([[nameOf(path), made]]));
  } else if (ino === undefined || !node) return undefined;
  else if (how === "removed") change(disk, parentIn(disk, path), new Map([[nameOf(path), undefined]]));
  else if (node.type !== "file") return undefined;
  else if (how === "touched") disk.nodes.set(ino, { ...node, times: modified(disk, node) });
  else if (how === "in place") disk.nodes.set(ino, { ...node, bytes: content, times: modified(disk, node) });
  else disk.nodes.set(ino, { ...node, attributes: { ...node.attributes, mode: 0o640 } });
  settle(disk);
  if (how === "removed") life.written.delete(path);
  else if (how === "in place" || how === "by rename") life.written.set(path, content);
  life.tally.edits++;
  return path;
}

/** The directory of a path, made where it is absent. */
function parentIn(disk: Disk, path: string): number {
  let at = ROOT;
  for (const name of path.split("/").slice(0, -1)) {
    const found = directoryAt(disk, at).entries.get(name);
    const made = found ?? freeInode(disk);
    if (found === undefined) {
      disk.nodes.set(made, directoryNode(new Map(), { mode: 0o755, uid: 1000, gid: 1000 }, born(disk)));
      change(disk, at, new Map([[name, made]]));
    }
    at = made;
  }
  return at;
}
