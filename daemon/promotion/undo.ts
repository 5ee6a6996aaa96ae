/**
 * Undoing: the inverse of an operation, where the disk is still as the operation left it.
 * Owns which paths can be taken back and the inverse transitions. Refusing or skipping the others is the caller's;
 * making the inverse true is promote.ts, like any other change.
 * INVARIANT: only the aspects that the operation changed are compared, and only they are put back.
 */
import { IopipeError } from "../../protocol/wire/errors.ts";
import {
  ABSENT,
  ancestorsOf,
  aspectsOf,
  DiskError,
  type Image,
  sameAspects,
  type Tree,
} from "../disk/index.ts";
import type { DirectoryChange, OperationFileRow, OperationRow } from "../store/index.ts";
import type { Transition } from "./request.ts";
import { type Ties, tiesOf, withTied } from "./together.ts";

interface ModifiedFile {
  readonly path: string;
  /**
   * "modified", "undone" (already), "rename" (the other path of the rename is left), or "place" (what stands in its place
   * is left).
   */
  readonly reason: string;
  readonly expected: Image;
  /** Undefined when something stands there that is no file. */
  readonly actual?: Image | undefined;
}

export interface UndoPlan {
  readonly transitions: Transition[];
  /** The paths of `transitions`. */
  readonly reverted: string[];
  readonly modified: ModifiedFile[];
  /** For the promotion's request: directories that come back, and the only ones that may go. */
  readonly makeDirectories: readonly DirectoryChange[];
  readonly removeDirectories: readonly string[];
}

/** What is known of the directories that an operation made and removed. */
type Directories = Pick<OperationRow, "madeDirectories" | "removedDirectories">;

/**
 * Plans the undo of an operation, or of some of its paths, with those that go together with them (together.ts).
 *
 * `family`: the operation and what else has undone or redone the same, oldest first; the directories are all of theirs.
 *
 * @throws {IopipeError} IllegalState when nothing of it stands, or a path is not of it
 */
export async function planUndo(
  operation: OperationRow,
  tree: Tree,
  paths?: readonly string[],
  family: readonly Directories[] = [operation],
): Promise<UndoPlan> {
  const standing = standingOf(operation);
  const ties = tiesOf(standing);
  const looks: Look[] = [];
  for (const file of select(operation, standing, ties, paths))
    looks.push(await look(file, tree, ties.placeholders(file).length > 0));
  const together = leaveTied(looks, ties);
  const left = together.filter(({ modified }) => !modified);
  return {
    transitions: left.map(({ file, actual }) => inverse(file, actual)),
    reverted: left.map(({ file }) => file.path),
    modified: together.flatMap(({ modified }) => modified ?? []),
    ...directoriesOf(family),
  };
}

/** Which directories may go, since the family made them and they have stood since, and the modes of those that went. */
function directoriesOf(
  family: readonly Directories[],
): Pick<UndoPlan, "makeDirectories" | "removeDirectories"> {
  const made = new Set<string>();
  const removed = new Map<string, DirectoryChange>();
  for (const { madeDirectories, removedDirectories } of family) {
    for (const directory of removedDirectories) {
      made.delete(directory.path);
      removed.set(directory.path, directory);
    }
    for (const { path } of madeDirectories) made.add(path);
  }
  return { makeDirectories: [...removed.values()], removeDirectories: [...made] };
}

function standingOf({ id, phase, files }: OperationRow): OperationFileRow[] {
  const standing = files.filter(({ outcome }) => outcome === "after");
  if (standing.length > 0) return standing;
  throw new IopipeError(
    "IllegalState",
    `Operation ${id} changed nothing that could be undone; it is ${phase}.`,
    { operation: id },
  );
}

function select(
  { id }: OperationRow,
  standing: readonly OperationFileRow[],
  ties: Ties,
  paths: readonly string[] | undefined,
): readonly OperationFileRow[] {
  if (!paths) return standing;
  const byPath = new Map(standing.map((file) => [file.path, file]));
  const named = paths.map((path) => {
    const file = byPath.get(path);
    if (file) return file;
    throw new IopipeError("IllegalState", `Operation ${id} did not change '${path}'`, { operation: id });
  });
  const chosen = withTied(named, ties);
  return standing.filter((file) => chosen.has(file));
}

interface Look {
  readonly file: OperationFileRow;
  readonly actual: Image;
  readonly modified?: ModifiedFile;
}

/** `isTaken`: the operation itself has put something in the file's place. */
async function look(file: OperationFileRow, tree: Tree, isTaken: boolean): Promise<Look> {
  const { path, before, after, undoneBy } = file;
  const actual = isTaken ? ABSENT : await imageIfAny(tree, path);
  const as = (reason: string): Look => ({
    file,
    actual: actual ?? ABSENT,
    modified: { path, reason, expected: after, actual },
  });
  if (undoneBy !== undefined) return as("undone");
  if (!actual || !sameAspects(after, actual, aspectsOf(before, after))) return as("modified");
  return { file, actual };
}

/** Undefined where something stands at the path, or above it, that no file could take the place of. */
async function imageIfAny(tree: Tree, path: string): Promise<Image | undefined> {
  try {
    const image = await tree.image(path);
    return image.exists || !(await isObstructed(tree, path)) ? image : undefined;
  } catch (error) {
    if (error instanceof DiskError && (error.kind === "NotAFile" || error.kind === "PathEscape"))
      return undefined;
    throw error;
  }
}

/** Whether a directory above the path could not be made: a file, or something else, has its name. */
async function isObstructed(tree: Tree, path: string): Promise<boolean> {
  for (const ancestor of ancestorsOf(path)) {
    const type = await tree.entry(ancestor);
    if (type !== "directory") return type !== "absent";
  }
  return false;
}

/** What is tied to a file that is left is left, too, until nothing more is. */
function leaveTied(looks: readonly Look[], ties: Ties): readonly Look[] {
  const left = new Set(looks.flatMap(({ file, modified }) => (modified ? file : [])));
  const isLeft = (file: OperationFileRow): boolean => left.has(file);
  const found = looks.map((one): Look => {
    const { file, actual, modified } = one;
    const reason = ties.partners(file).some(isLeft)
      ? "rename"
      : ties.placeholders(file).some(isLeft) && "place";
    if (modified || !reason) return one;
    return { file, actual, modified: { path: file.path, reason, expected: file.after, actual } };
  });
  return found.every((one, n) => one === looks[n]) ? found : leaveTied(found, ties);
}

/** From what is there now to what was there before, in what the operation changed. */
function inverse({ path, patch, before, after }: OperationFileRow, actual: Image): Transition {
  return { path, patch, before: actual, after: inverted(before, after, actual) };
}

function inverted(before: Image, after: Image, actual: Image): Image {
  if (!before.exists || !after.exists) return before;
  const changed = aspectsOf(before, after);
  const content = changed.includes("content") ? before : actual;
  const mode = changed.includes("mode") || before.type !== after.type ? before.mode : actual.mode;
  return { ...content, ...(content.type === "file" && { mode }) };
}
