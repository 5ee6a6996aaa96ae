/**
 * What a power cut can leave of a disk: every state, or where there are too many, a number of them that is the same in
 * every run.
 * Owns the rules of loss. Each change of a directory is kept or lost by itself (a rename within one directory is one
 * change, one across two directories is two); a file is empty, torn or whole, with its old attributes or the new.
 * INVARIANT: what was fsynced is there.
 */
import {
  type Attributes,
  changed,
  type DirectoryNode,
  type Disk,
  directoryNode,
  type FileNode,
  fileNode,
  keyOfEntries,
  type Node,
  ROOT,
} from "./disk.ts";

/** What is left of one inode: the possible nodes, the one that lost most first, the one that lost nothing last. */
interface Fate {
  readonly ino: number;
  readonly nodes: readonly Node[];
}

export interface Aftermath {
  /** How many combinations there are; some may come to the same disk. */
  readonly total: number;
  readonly disks: Iterable<Disk>;
}

/** At most about `bound` disks after a power cut. */
export function powerCut(disk: Disk, bound: number): Aftermath {
  const fates = open(disk);
  const total = fates.reduce((product, { nodes }) => product * nodes.length, 1);
  return { total, disks: total <= bound ? all(disk, fates, total) : some(disk, fates, bound) };
}

/** One disk after a power cut. */
export function powerCutAtRandom(disk: Disk, random: () => number): Disk {
  const fates = open(disk);
  return after(disk, fates, drawn(fates, random));
}

/** The inodes of which it is open what will be left. */
function open(disk: Disk): Fate[] {
  return [...disk.nodes].flatMap(([ino, node]): Fate[] => {
    const nodes = fatesOf(node);
    return nodes.length > 1 ? [{ ino, nodes }] : [];
  });
}

function drawn(fates: readonly Fate[], random: () => number): number[] {
  return fates.map(({ nodes }) => Math.floor(random() * nodes.length));
}

const known = new WeakMap<Node, readonly Node[]>();

function fatesOf(node: Node): readonly Node[] {
  if (node.type === "symlink") return [node];
  const fates = known.get(node) ?? (node.type === "file" ? fatesOfFile(node) : fatesOfDirectory(node));
  known.set(node, fates);
  return fates;
}

function fatesOfFile(node: FileNode): Node[] {
  const { bytes, attributes, saved, times } = node;
  if (saved.bytes === bytes && isSame(saved.attributes, attributes)) return [node];
  const contents = saved.bytes === bytes ? [bytes] : new Set([saved.bytes, torn(bytes), bytes]);
  const either = eitherOf(saved.attributes, attributes);
  return [...contents].flatMap((content) => either.map((kept) => fileNode(content, kept, times)));
}

/** As long as it should be, but only its first half was written. */
function torn(bytes: string): string {
  return bytes.slice(0, bytes.length / 2).padEnd(bytes.length, "\0");
}

function eitherOf(old: Attributes, now: Attributes): Attributes[] {
  return isSame(old, now) ? [now] : [old, now];
}

function isSame(a: Attributes, b: Attributes): boolean {
  const same = a.mode === b.mode && a.uid === b.uid && a.gid === b.gid;
  return same && JSON.stringify(a.extended ?? {}) === JSON.stringify(b.extended ?? {});
}

/** Every subset of the changes, each in order; subsets that come to the same are one. */
function fatesOfDirectory(node: DirectoryNode): Node[] {
  const { saved, changes, attributes, times } = node;
  if (changes.length === 0 && isSame(saved.attributes, attributes)) return [node];
  let subsets = new Map([[keyOfEntries(saved.entries), saved.entries]]);
  for (const names of changes) {
    const next = new Map(subsets);
    for (const entries of subsets.values()) {
      const kept = changed(entries, names);
      const key = keyOfEntries(kept);
      // Again, so that the last is the one that kept everything.
      next.delete(key);
      next.set(key, kept);
    }
    subsets = next;
  }
  const either = eitherOf(saved.attributes, attributes);
  return [...subsets.values()].flatMap((entries) =>
    either.map((kept) => directoryNode(entries, kept, times)),
  );
}

function* all(disk: Disk, fates: readonly Fate[], total: number): Iterable<Disk> {
  for (let n = 0; n < total; n++) {
    let rest = n;
    const picks = fates.map(({ nodes }) => {
      const pick = rest % nodes.length;
      rest = (rest - pick) / nodes.length;
      return pick;
    });
    yield after(disk, fates, picks);
  }
}

/** Nothing lost, all lost, each inode alone at its worst and alone at its best, and then at random. */
function* some(disk: Disk, fates: readonly Fate[], bound: number): Iterable<Disk> {
  const best = fates.map(({ nodes }) => nodes.length - 1);
  const worst = fates.map(() => 0);
  yield after(disk, fates, best);
  yield after(disk, fates, worst);
  for (const at of fates.keys()) {
    yield after(disk, fates, best.with(at, 0));
    yield after(disk, fates, worst.with(at, best[at] as number));
  }
  const random = randoms(fates.length * 7919 + bound);
  for (let n = 2 + 2 * fates.length; n < bound; n++) yield after(disk, fates, drawn(fates, random));
}

/** mulberry32: the same numbers in [0, 1) for the same seed. */
export function randoms(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The disk as the next boot finds it: only what has a name, all of it durable, and the free inode numbers free again. */
function after(disk: Disk, fates: readonly Fate[], picks: readonly number[]): Disk {
  const fate = new Map(fates.map(({ ino, nodes }, at) => [ino, nodes[picks[at] as number] as Node]));
  const nodes = new Map<number, Node>();
  const keep = (ino: number): void => {
    if (nodes.has(ino)) return;
    const node = fate.get(ino) ?? (disk.nodes.get(ino) as Node);
    nodes.set(ino, node);
    if (node.type === "directory") for (const child of node.entries.values()) keep(child);
  };
  keep(ROOT);
  return { nodes, nextInode: ROOT + 1, clock: disk.clock };
}
