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

interface ModifiedFile {
  readonly path: string;
  /** "modified", "undone" (already), or "rename" (the other path of the rename was modified). */
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

/**
 * Plans the undo of an operation, or of some of its paths (a rename's two paths go together).
 *
 * @throws {IopipeError} IllegalState when nothing of it stands, or a path is not of it
 */
export async function planUndo(
  operation: OperationRow,
  tree: Tree,
  paths?: readonly string[],
): Promise<UndoPlan> {
  const isTaken = takenBy(operation);
  const looks: Look[] = [];
  for (const file of select(operation, paths)) looks.push(await look(file, tree, isTaken));
  const whole = withWholeRenames(looks);
  const left = whole.filter(({ modified }) => !modified);
  return {
    transitions: left.map(({ file, actual }) => inverse(file, actual)),
    reverted: left.map(({ file }) => file.path),
    modified: whole.flatMap(({ modified }) => modified ?? []),
    makeDirectories: operation.removedDirectories,
    removeDirectories: operation.madeDirectories.map(({ path }) => path),
  };
}

function select(
  { id, phase, files }: OperationRow,
  paths: readonly string[] | undefined,
): OperationFileRow[] {
  const standing = files.filter(({ outcome }) => outcome === "after");
  const refuse = (message: string): never => {
    throw new IopipeError("IllegalState", message, { operation: id });
  };
  if (standing.length === 0) refuse(`Operation ${id} changed nothing that could be undone; it is ${phase}.`);
  if (!paths) return standing;
  const byPath = new Map(standing.map((file) => [file.path, file]));
  const named = new Set(
    paths.map((path) => byPath.get(path) ?? refuse(`Operation ${id} did not change '${path}'`)),
  );
  const patches = new Set<string | undefined>([...named].flatMap(({ patch }) => patch ?? []));
  return standing.filter((file) => named.has(file) || patches.has(file.patch));
}

interface Look {
  readonly file: OperationFileRow;
  readonly actual: Image;
  readonly modified?: ModifiedFile;
}

async function look(file: OperationFileRow, tree: Tree, isTaken: (path: string) => boolean): Promise<Look> {
  const { path, before, after, undoneBy } = file;
  const actual = isTaken(path) ? ABSENT : await imageIfAny(tree, path);
  const as = (reason: string): Look => ({
    file,
    actual: actual ?? ABSENT,
    modified: { path, reason, expected: after, actual },
  });
  if (undoneBy !== undefined) return as("undone");
  if (!actual || !sameAspects(after, actual, aspectsOf(before, after))) return as("modified");
  return { file, actual };
}

/** Whether the operation itself has put a directory in a file's place, or a file or link above it: those go first. */
function takenBy({ madeDirectories, files }: OperationRow): (path: string) => boolean {
  const made = new Set(madeDirectories.map(({ path }) => path));
  const put = new Set(files.filter(({ after }) => after.exists).map(({ path }) => path));
  return (path) => made.has(path) || ancestorsOf(path).some((ancestor) => put.has(ancestor));
}

async function imageIfAny(tree: Tree, path: string): Promise<Image | undefined> {
  try {
    return await tree.image(path);
  } catch (error) {
    if (error instanceof DiskError && (error.kind === "NotAFile" || error.kind === "PathEscape"))
      return undefined;
    throw error;
  }
}

/** Half of a rename is not undone. */
function withWholeRenames(looks: readonly Look[]): Look[] {
  const spoiled = new Set<string | undefined>(
    looks.flatMap(({ file, modified }) => (modified ? (file.patch ?? []) : [])),
  );
  return looks.map((one) => {
    const { file, actual, modified } = one;
    if (modified || !spoiled.has(file.patch)) return one;
    return { file, actual, modified: { path: file.path, reason: "rename", expected: file.after, actual } };
  });
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
