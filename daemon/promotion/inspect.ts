/**
 * Inspecting: everything that the plan must know of the disk, read once.
 * Owns no judgement: what the facts mean is plan.ts. Nothing is changed here.
 */
import {
  ancestorsOf,
  type Dir,
  type Entry,
  type EntryType,
  type Image,
  inParallel,
  modeOf,
  type Places,
  type Port,
  retrying,
  type Stat,
  takeImage,
  typeOf,
} from "../disk/index.ts";
import { startPhase } from "./course.ts";
import type { PromotionRequest, Transition } from "./request.ts";

interface FileFacts {
  readonly stat: Stat;
  /** Of a file or symlink, with a file's hash. */
  readonly image?: Image | undefined;
}

export interface DirectoryFacts {
  readonly mode: number;
  /** Known for the root and for directories above a removal. */
  readonly mount?: string | undefined;
  /** Known for directories above a removal; else empty. */
  readonly entries: readonly Entry[];
}

export interface Facts {
  /** By path; without those that are absent. */
  readonly files: ReadonlyMap<string, FileFacts>;
  /** The directories above the paths (the root is ""), and those at a path; without those that are absent. */
  readonly directories: ReadonlyMap<string, DirectoryFacts>;
  /** What stands where a directory above a path would have to. */
  readonly obstacles: ReadonlyMap<string, EntryType>;
  readonly umask: number;
}

type Inspected = Pick<PromotionRequest, "tree" | "transitions" | "signal" | "progress">;

/** @throws {DiskError} for a path that no promotion may touch */
export async function inspect(request: Inspected, places: Places): Promise<Facts> {
  const { tree, transitions } = request;
  const files = new Map<string, FileFacts>();
  const root = places.directory("") as Dir;
  const directories = new Map<string, DirectoryFacts>([
    ["", { mode: 0, mount: tree.port.mountOf(root), entries: [] }],
  ]);
  const obstacles = new Map<string, EntryType>();
  const course = startPhase(
    request,
    "inspect",
    transitions.map(({ before }) => before),
  );

  const lookAbove = async (path: string, withEntries: boolean): Promise<boolean> => {
    for (const ancestor of ancestorsOf(path)) {
      if (obstacles.has(ancestor)) return false;
      const known = directories.get(ancestor);
      if (known && (!withEntries || known.entries.length > 0)) continue;
      const stat = statOf(tree.port, places, ancestor);
      if (!stat) return false;
      if (typeOf(stat) !== "directory") {
        obstacles.set(ancestor, typeOf(stat));
        return false;
      }
      directories.set(ancestor, await directoryFacts(tree.port, places, ancestor, stat, withEntries));
    }
    return true;
  };
  const look = async ({ path }: Transition): Promise<void> => {
    course.advance(0);
    const stat = statOf(tree.port, places, path);
    if (!stat) return;
    const type = typeOf(stat);
    if (type === "directory" && !directories.has(path))
      directories.set(path, { mode: modeOf(stat), entries: [] });
    const image =
      type === "file" || type === "symlink"
        ? await takeImage(tree.port, places.at(path), course.sink())
        : undefined;
    files.set(path, { stat, image });
  };
  const reachable: Transition[] = [];
  for (const transition of transitions) {
    const { path, after } = transition;
    tree.check(path);
    if (await retrying(() => lookAbove(path, !after.exists))) reachable.push(transition);
  }
  await inParallel(reachable, (transition) => retrying(() => look(transition)));
  return { files, directories, obstacles, umask: process.umask() };
}

function statOf(port: Port, places: Places, path: string): Stat | undefined {
  const place = places.find(path);
  return place && port.lstat(place.dir, place.name);
}

async function directoryFacts(
  port: Port,
  places: Places,
  path: string,
  stat: Stat,
  withEntries: boolean,
): Promise<DirectoryFacts> {
  const dir = withEntries ? places.directory(path) : undefined;
  if (!dir) return { mode: modeOf(stat), entries: [] };
  return { mode: modeOf(stat), mount: port.mountOf(dir), entries: await port.readDirectory(dir) };
}
