/**
 * Files that stand there as they are on disk: a command wrote them anew and changed nothing, as `sed -i` does where it
 * finds nothing. They come to no patch, and are left out before all of their bytes are stored.
 * RACE: a file changes on disk after it was compared. Worst case: none; the command has not changed what it found.
 */
import { DiskError, inParallel, isErrno, type Tree } from "../../disk/index.ts";
import type { SessionRow, Store } from "../../store/index.ts";
import { startPace } from "../pace.ts";

interface Written {
  readonly path: string;
  readonly type: "file" | "symlink" | "absent";
  readonly mode: number;
  readonly isContested: boolean;
}

interface Trees {
  /** What is on disk. */
  readonly tree: Tree;
  /** The other tree. */
  readonly from: Tree;
  readonly signal: AbortSignal | undefined;
}

/** The others of `standing`, in their order; what cannot be read is among them, for whoever tells of it. */
export async function withoutUnchanged<T extends Written>(
  { patches }: Pick<Store, "patches">,
  session: Pick<SessionRow, "id">,
  standing: readonly T[],
  { tree, from, signal }: Trees,
): Promise<T[]> {
  const staged = new Set(patches.unsettledOf(session.id).flatMap(({ path, from: source }) => [path, source]));
  const pace = startPace(signal);
  const isUnchanged = async ({ path, type, mode, isContested }: Written): Promise<boolean> => {
    await pace();
    if (type !== "file" || isContested || staged.has(path)) return false;
    const [on, is] = [await tree.lstat(path), await from.lstat(path)];
    if (on.type !== "file" || on.size !== is.size || on.mode !== mode) return false;
    return (await hashOf(tree, path)) === (await hashOf(from, path));
  };
  const unchanged = await inParallel(standing, (each) => unlessUnreadable(isUnchanged(each)));
  return standing.filter((_, at) => !unchanged[at]);
}

async function hashOf(tree: Tree, path: string): Promise<string | undefined> {
  return (await tree.image(path)).hash;
}

async function unlessUnreadable(looking: Promise<boolean>): Promise<boolean> {
  try {
    return await looking;
  } catch (error) {
    if (error instanceof DiskError || isErrno(error, "EACCES", "EPERM")) return false;
    throw error;
  }
}
