/**
 * A file system in memory that tells what is durable from what is not.
 * Owns the state: inodes as values, replaced and never changed, so that a whole disk is copied by copying one map.
 * The calls on it are port.ts; what a power cut makes of it is crash.ts.
 * INVARIANT: each directory remembers its entries as of its last fsync and every change since; each inode its bytes and
 * attributes as of its own last fsync.
 */

export interface Attributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Extended attributes as text, of which only files have any. */
  readonly extended?: Readonly<Record<string, string>>;
}

/** Ticks of the disk's clock. */
export interface Times {
  readonly modified: number;
  readonly born: number;
}

export interface FileNode {
  readonly type: "file";
  readonly bytes: string;
  readonly attributes: Attributes;
  readonly saved: { readonly bytes: string; readonly attributes: Attributes };
  readonly times: Times;
}

interface LinkNode {
  readonly type: "symlink";
  readonly target: string;
  readonly times: Times;
}

type Entries = ReadonlyMap<string, number>;

/** What one call did to one directory, all or nothing: the inode that each name got, undefined for none. */
export type Change = ReadonlyMap<string, number | undefined>;

export interface DirectoryNode {
  readonly type: "directory";
  readonly entries: Entries;
  readonly attributes: Attributes;
  readonly saved: { readonly entries: Entries; readonly attributes: Attributes };
  /** Since the last fsync, oldest first. */
  readonly changes: readonly Change[];
  readonly times: Times;
}

export type Node = FileNode | LinkNode | DirectoryNode;

export interface Disk {
  readonly nodes: Map<number, Node>;
  /** The next inode is this or a later one: while the machine runs, no number is given twice. */
  nextInode: number;
  /** Ticks with every change; stands for the time. */
  clock: number;
}

export const ROOT = 1;

const OURS: Attributes = { mode: 0o755, uid: 1000, gid: 1000 };

/** Of what was there before the test. */
export const BEGINNING: Times = { modified: 0, born: 0 };

export function emptyDisk(): Disk {
  return {
    nodes: new Map([[ROOT, directoryNode(new Map(), OURS, BEGINNING)]]),
    nextInode: ROOT + 1,
    clock: 1,
  };
}

/** Durable as it stands. */
export function directoryNode(entries: Entries, attributes: Attributes, times: Times): DirectoryNode {
  return { type: "directory", entries, attributes, saved: { entries, attributes }, changes: [], times };
}

/** Durable as it stands. */
export function fileNode(bytes: string, attributes: Attributes, times: Times): FileNode {
  return { type: "file", bytes, attributes, saved: { bytes, attributes }, times };
}

/** The times of something made now. */
export function born(disk: Disk): Times {
  const now = disk.clock++;
  return { modified: now, born: now };
}

/** The times of something changed now. */
export function modified(disk: Disk, { times }: Node): Times {
  return { ...times, modified: disk.clock++ };
}

/** Another machine with the same disk: what happens to one does not happen to the other. */
export function copyOf(disk: Disk): Disk {
  return { ...disk, nodes: new Map(disk.nodes) };
}

/** The lowest number from `nextInode` on that no inode has. */
export function freeInode(disk: Disk): number {
  while (disk.nodes.has(disk.nextInode)) disk.nextInode++;
  return disk.nextInode++;
}

export function directoryAt(disk: Disk, ino: number): DirectoryNode {
  const node = disk.nodes.get(ino);
  if (node?.type !== "directory") throw new Error(`inode ${ino} is no directory`);
  return node;
}

/** Changes one directory's entries, not yet durably. */
export function change(disk: Disk, ino: number, names: Change): void {
  const node = directoryAt(disk, ino);
  const entries = changed(node.entries, names);
  disk.nodes.set(ino, { ...node, entries, changes: [...node.changes, names], times: modified(disk, node) });
}

export function changed(entries: Entries, names: Change): Entries {
  const next = new Map(entries);
  for (const [name, ino] of names) {
    if (ino === undefined) next.delete(name);
    else next.set(name, ino);
  }
  return next;
}

/** Frees what no directory names any more, durably or not: the process that had it open is dead. */
export function collect(disk: Disk): void {
  const named = new Set([ROOT]);
  const visit = (ino: number): void => {
    const node = disk.nodes.get(ino);
    if (node?.type !== "directory") return;
    for (const names of [node.entries, node.saved.entries, ...node.changes])
      for (const child of names.values()) {
        if (child === undefined || named.has(child)) continue;
        named.add(child);
        visit(child);
      }
  };
  visit(ROOT);
  for (const ino of disk.nodes.keys()) if (!named.has(ino)) disk.nodes.delete(ino);
}

/** The inode at a path, if there is one. */
export function find(disk: Disk, path: string): number | undefined {
  let at: number | undefined = ROOT;
  for (const name of path.split("/")) {
    const node: Node | undefined = at === undefined ? undefined : disk.nodes.get(at);
    if (node?.type !== "directory") return undefined;
    at = node.entries.get(name);
  }
  return at;
}

/** Makes everything durable, as sync(1) does. */
export function settle(disk: Disk): void {
  for (const [ino, node] of disk.nodes) {
    if (node.type === "file") disk.nodes.set(ino, fileNode(node.bytes, node.attributes, node.times));
    if (node.type === "directory")
      disk.nodes.set(ino, directoryNode(node.entries, node.attributes, node.times));
  }
}

/** Every entry with its mode and content, as a user would see it; directories end in a slash. */
export function listing(disk: Disk): Record<string, string> {
  const found: [string, string][] = [];
  const visit = (ino: number, prefix: string): void => {
    for (const [name, child] of directoryAt(disk, ino).entries) {
      const node = disk.nodes.get(child) as Node;
      const path = prefix + name;
      if (node.type === "symlink") found.push([path, `-> ${node.target}`]);
      else if (node.type === "file") found.push([path, `${attributesOf(node)} ${node.bytes}`]);
      else {
        found.push([`${path}/`, attributesOf(node)]);
        visit(child, `${path}/`);
      }
    }
  };
  visit(ROOT, "");
  return Object.fromEntries(found.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function attributesOf({ attributes: { mode, uid, gid, extended } }: FileNode | DirectoryNode): string {
  const names = extended && Object.keys(extended).length > 0 ? ` ${JSON.stringify(extended)}` : "";
  return `${mode.toString(8)} ${uid}:${gid}${names}`;
}

/** Equal for disks on which the same things can happen. Times are left out: nothing durable depends on them. */
export function keyOf(disk: Disk): string {
  const nodes = [...disk.nodes].sort(([a], [b]) => a - b).map(([ino, node]) => `${ino}${keyOfNode(node)}`);
  return nodes.join("\n");
}

const keys = new WeakMap<Node, string>();

function keyOfNode(node: Node): string {
  const known = keys.get(node);
  if (known !== undefined) return known;
  const { times: _, ...rest } = node;
  const key = JSON.stringify(rest, (_name, value) => (value instanceof Map ? [...value].sort() : value));
  keys.set(node, key);
  return key;
}

export function keyOfEntries(entries: Entries): string {
  return JSON.stringify([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
}
