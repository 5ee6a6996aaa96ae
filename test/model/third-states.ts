/**
 * Third states: somebody edits a file between the crash and the recovery, so that it is neither old nor new.
 * Owns the edits and the verdict. Patches of exactly two files: with more, an untouched third gives the answer away.
 */
import type { OperationRow } from "../../daemon/store/index.ts";
import { sha256 } from "../promotion/house.ts";
import {
  born,
  change,
  copyOf,
  type Disk,
  type FileNode,
  fileNode,
  find,
  freeInode,
  listing,
  modified,
  ROOT,
  settle,
} from "./disk.ts";
import { type Broken, crashStates, recoverState, type State } from "./explore.ts";
import type { Listing, Scene } from "./scene.ts";
import type { ModelStore } from "./store.ts";

const EDITED = "edited by somebody";

/** Edits the file of this name in the root; false where there is nothing to edit so. */
type Edit = (disk: Disk, name: string) => boolean;

function editFile(disk: Disk, name: string, edited: (node: FileNode) => Partial<FileNode>): boolean {
  const ino = find(disk, name);
  const node = ino === undefined ? undefined : disk.nodes.get(ino);
  if (ino === undefined || node?.type !== "file") return false;
  disk.nodes.set(ino, { ...node, ...edited(node), times: modified(disk, node) });
  return true;
}

/** What can be done to a file whose bytes the patch changes. */
const EDITS: Readonly<Record<string, Edit>> = {
  "in place": (disk, name) => editFile(disk, name, () => ({ bytes: EDITED })),
  // As editors do; also where there is no file (any more).
  "by rename": (disk, name) => {
    const ino = freeInode(disk);
    disk.nodes.set(ino, fileNode(EDITED, { mode: 0o644, uid: 1000, gid: 1000 }, born(disk)));
    change(disk, ROOT, new Map([[name, ino]]));
    return true;
  },
  "by chmod": (disk, name) =>
    editFile(disk, name, ({ attributes }) => ({ attributes: { ...attributes, mode: 0o600 } })),
  removed: (disk, name) => {
    if (find(disk, name) === undefined) return false;
    change(disk, ROOT, new Map([[name, undefined]]));
    return true;
  },
};

export interface ThirdReport {
  states: number;
  edits: number;
  readonly phases: Record<string, number>;
  readonly violations: string[];
}

/** A scene of two files in the root. */
export async function exploreEdits(
  model: ModelStore,
  scene: Scene,
  bound: number,
  broken: Broken = {},
): Promise<ThirdReport> {
  const states = await crashStates(model, scene, bound);
  const report: ThirdReport = { states: states.length, edits: 0, phases: {}, violations: [] };
  const names = [...new Set([...Object.keys(scene.before), ...Object.keys(scene.after)])];
  for (const state of states)
    for (const name of names)
      for (const [how, edit] of Object.entries(EDITS)) {
        // A change of the mode alone leaves the bytes to whoever writes them.
        if (how !== "removed" && (how === "by chmod") !== changesModeOnly(scene, name)) continue;
        const disk = copyOf(state.disk);
        if (!edit(disk, name)) continue;
        settle(disk);
        const edited = listing(disk);
        // Then it is no third state.
        if (edited[name] === scene.before[name] || edited[name] === scene.after[name]) continue;
        report.edits++;
        model.forget(sha256(EDITED));
        const problems = await recoverState(model, { ...state, disk }, undefined, broken).then(
          () => judgeEdit(model, scene, { state, name, how, edited, disk }, report),
          (error: Error) => [`recovery threw ${error.stack}`],
        );
        for (const problem of problems)
          report.violations.push(`${scene.name}${state.history}, '${name}' edited ${how}: ${problem}`);
      }
  return report;
}

interface Edited {
  readonly state: State;
  readonly name: string;
  readonly how: string;
  /** The tree when recovery began. */
  readonly edited: Listing;
  readonly disk: Disk;
}

function judgeEdit(model: ModelStore, scene: Scene, edit: Edited, report: ThirdReport): string[] {
  const { name, edited, disk } = edit;
  const now = listing(disk);
  const problems = leftovers(model, now);
  if (now[name] !== edited[name])
    problems.push(`the edit is ${JSON.stringify(now[name])}, not ${JSON.stringify(edited[name])}`);
  const [row] = model.store.operations.list({ workspace: model.workspace }, { limit: 1 });
  if (!row) return problems;
  report.phases[row.phase] = (report.phases[row.phase] ?? 0) + 1;
  return [...problems, ...lies(scene, edit, now, row)];
}

/** What no recovery may leave. */
export function leftovers({ store, workspace }: ModelStore, now: Listing): string[] {
  const problems: string[] = [];
  if (Object.keys(now).some((path) => path.includes(".iopipe-"))) problems.push("a file of ours is left");
  if (store.operations.openJournals(workspace).length > 0) problems.push("the journal is open");
  return problems;
}

/** Where the row says what is not so. */
function lies(scene: Scene, { state, name, how }: Edited, now: Listing, row: OperationRow): string[] {
  const { phase } = row;
  const was = listing(state.disk);
  const others = [...Object.keys(scene.before), ...Object.keys(scene.after)].filter((path) => path !== name);
  const all = (side: Listing, tree: Listing): boolean => others.every((path) => tree[path] === side[path]);
  const isOld = all(scene.before, now);
  const isNew = all(scene.after, now);
  const wasNew = was[name] === scene.after[name];
  const wasDone = state.journal.operations.at(-1)?.phase === "commit" && wasNew && all(scene.after, was);
  const claims: readonly (readonly [isLie: boolean, lie: string])[] = [
    [!isOld && !isNew, "the others are neither old nor new"],
    [phase === "applied" && !isNew, "said applied, and it is not"],
    [phase === "applied" && !wasNew, "said applied, and the edited file never was"],
    [phase === "aborted" && !isOld, "said rolled back, and it is not"],
    [
      wasDone && how === "in place" && phase !== "applied",
      `published, then edited, and it ended as ${phase}`,
    ],
    ...row.files
      .filter(({ path }) => path !== name)
      .map(({ path, outcome }) => {
        const side = outcome === "before" ? scene.before : scene.after;
        return [outcome !== "foreign" && now[path] !== side[path], `'${path}' is not ${outcome}`] as const;
      }),
  ];
  return claims.flatMap(([isLie, lie]) => (isLie ? [lie] : []));
}

function changesModeOnly({ before, after }: Scene, name: string): boolean {
  const bytes = (entry = "") => entry.replace(/^\d+ /, "");
  return bytes(before[name]) === bytes(after[name]);
}
