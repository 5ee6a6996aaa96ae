/**
 * Disk's port on the file system in memory: the calls that a promotion makes, with the errors that Linux gives.
 * Owns open descriptors. What is durable is disk.ts's to remember; here only the two fsyncs make anything so.
 */
import type { Dir, Entry, File, Port, Stat } from "../../daemon/disk/index.ts";
import {
  type Attributes,
  born,
  change,
  type DirectoryNode,
  type Disk,
  directoryAt,
  directoryNode,
  type FileNode,
  fileNode,
  freeInode,
  modified,
  type Node,
  ROOT,
} from "./disk.ts";

const DEVICE = 1n;
const OWNER = { uid: 1000, gid: 1000 };
const TYPE_BITS = { file: 0o100000, symlink: 0o120000, directory: 0o040000 };

function errno(code: string, syscall: string, name: string): Error {
  return Object.assign(new Error(`${code}: model, ${syscall} '${name}'`), { code, syscall });
}

/** The calls on `disk`, which they change in place. */
export function modelPort(disk: Disk): Port {
  const open = new Map<number, { ino: number; position: number }>();
  let nextHandle = 3;

  const opened = (ino: number): number => {
    open.set(nextHandle, { ino, position: 0 });
    return nextHandle++;
  };
  const fileOf = (file: File): { node: FileNode; ino: number } => {
    const ino = open.get(file)?.ino ?? 0;
    return { node: disk.nodes.get(ino) as FileNode, ino };
  };
  const put = (ino: number, changes: Partial<FileNode>): void => {
    disk.nodes.set(ino, { ...(disk.nodes.get(ino) as FileNode), ...changes });
  };
  const inodeIn = (dir: Dir, name: string): number | undefined =>
    directoryAt(disk, Number(dir.ino)).entries.get(name);
  const mustFind = (dir: Dir, name: string, syscall: string): number => {
    const ino = inodeIn(dir, name);
    if (ino === undefined) throw errno("ENOENT", syscall, name);
    return ino;
  };
  const nodeIn = (dir: Dir, name: string, syscall: string): Node =>
    disk.nodes.get(mustFind(dir, name, syscall)) as Node;
  const mustBeFree = (dir: Dir, name: string, syscall: string): void => {
    if (!isLinked(disk, Number(dir.ino))) throw errno("ENOENT", syscall, name);
    if (inodeIn(dir, name) !== undefined) throw errno("EEXIST", syscall, name);
  };
  const enter = (dir: Dir, name: string, node: Node): number => {
    const ino = freeInode(disk);
    disk.nodes.set(ino, node);
    change(disk, Number(dir.ino), new Map([[name, ino]]));
    return ino;
  };
  const dirOf = (ino: number, path: string): Dir => ({
    ...{ handle: opened(ino), path, dev: DEVICE, ino: BigInt(ino) },
  });

  return {
    stat: (file) => statOf(disk, fileOf(file).ino),
    write: (file, bytes) => {
      const { node, ino } = fileOf(file);
      put(ino, { bytes: node.bytes + Buffer.from(bytes).toString("latin1"), times: modified(disk, node) });
      return bytes.length;
    },
    chown: (file, uid, gid) => {
      const { node, ino } = fileOf(file);
      put(ino, { attributes: { ...node.attributes, uid, gid } });
    },
    chmod: (file, mode) => {
      const { node, ino } = fileOf(file);
      put(ino, { attributes: { ...node.attributes, mode } });
    },
    sync: (file) => {
      const { node, ino } = fileOf(file);
      disk.nodes.set(ino, fileNode(node.bytes, node.attributes, node.times));
    },
    close: (file) => void open.delete(file),
    read: async (file, into) => {
      const at = open.get(file) as { position: number };
      const count = into.length;
      const bytes = Buffer.from(fileOf(file).node.bytes.slice(at.position, at.position + count), "latin1");
      into.set(bytes);
      at.position += bytes.length;
      return bytes.length;
    },
    openFile: async (dir, name) => {
      const node = nodeIn(dir, name, "open");
      if (node.type !== "file") throw errno("ELOOP", "open", name);
      return opened(mustFind(dir, name, "open"));
    },
    createFile: async (dir, name) => {
      mustBeFree(dir, name, "open");
      return opened(enter(dir, name, fileNode("", { mode: 0o600, ...OWNER }, born(disk))));
    },
    readDirectory: async (dir) =>
      [...directoryAt(disk, Number(dir.ino)).entries].map(
        ([name, ino]): Entry => ({ name, type: (disk.nodes.get(ino) as Node).type }),
      ),
    readExtended: (dir, name) => {
      const node = name === "." ? undefined : nodeIn(dir, name, "lgetxattr");
      const extended = node?.type === "file" ? (node.attributes.extended ?? {}) : {};
      return new Map(Object.entries(extended).map(([attribute, value]) => [attribute, Buffer.from(value)]));
    },
    setExtended: (dir, name, attribute, value) => {
      const { attributes } = nodeIn(dir, name, "lsetxattr") as FileNode;
      const { [attribute]: _, ...others } = attributes.extended ?? {};
      const extended = value ? { ...others, [attribute]: value.toString() } : others;
      put(mustFind(dir, name, "lsetxattr"), { attributes: { ...attributes, extended } });
    },
    syncDirectory: async (dir) => {
      const { entries, attributes, times } = directoryAt(disk, Number(dir.ino));
      disk.nodes.set(Number(dir.ino), directoryNode(entries, attributes, times));
    },

    openRoot: () => dirOf(ROOT, ""),
    openDirectory: (parent, name) => {
      if (nodeIn(parent, name, "open").type !== "directory") throw errno("ENOTDIR", "open", name);
      return dirOf(mustFind(parent, name, "open"), parent.path === "" ? name : `${parent.path}/${name}`);
    },
    closeDirectory: (dir) => void open.delete(dir.handle),
    mountOf: () => "the only one",
    lstat: (dir, name) => {
      const ino = inodeIn(dir, name);
      return ino === undefined ? undefined : statOf(disk, ino);
    },
    readlink: (dir, name) => {
      const node = nodeIn(dir, name, "readlink");
      if (node.type !== "symlink") throw errno("EINVAL", "readlink", name);
      return Buffer.from(node.target);
    },
    link: (from, oldName, to, newName) => {
      const ino = mustFind(from, oldName, "link");
      mustBeFree(to, newName, "link");
      change(disk, Number(to.ino), new Map([[newName, ino]]));
    },
    rename: (from, oldName, to, newName) => {
      const ino = mustFind(from, oldName, "rename");
      const replaced = inodeIn(to, newName);
      if (replaced === ino) return;
      if (!isLinked(disk, Number(to.ino))) throw errno("ENOENT", "rename", newName);
      if (replaced !== undefined && disk.nodes.get(replaced)?.type === "directory")
        throw errno("EISDIR", "rename", newName);
      if (from.ino === to.ino) {
        change(disk, Number(to.ino), new Map([...[[oldName, undefined] as const], [newName, ino] as const]));
        return;
      }
      // Two directories, each durable by an fsync of its own: a power cut may keep either half.
      change(disk, Number(to.ino), new Map([[newName, ino]]));
      change(disk, Number(from.ino), new Map([[oldName, undefined]]));
    },
    exchange: (from, oldName, to, newName) => {
      const [old, fresh] = [mustFind(from, oldName, "renameat2"), mustFind(to, newName, "renameat2")];
      if (from.ino !== to.ino) throw errno("EXDEV", "renameat2", newName);
      change(disk, Number(to.ino), new Map([[oldName, fresh] as const, [newName, old] as const]));
      return true;
    },
    unlink: (dir, name) => {
      if (nodeIn(dir, name, "unlink").type === "directory") throw errno("EISDIR", "unlink", name);
      change(disk, Number(dir.ino), new Map([[name, undefined]]));
    },
    symlink: (target, dir, name) => {
      mustBeFree(dir, name, "symlink");
      enter(dir, name, { type: "symlink", target, times: born(disk) });
    },
    makeDirectory: (dir, name) => {
      mustBeFree(dir, name, "mkdir");
      enter(dir, name, directoryNode(new Map(), { mode: 0o755, ...OWNER }, born(disk)));
    },
    removeDirectory: (dir, name) => {
      const node = nodeIn(dir, name, "rmdir");
      if (node.type !== "directory") throw errno("ENOTDIR", "rmdir", name);
      if (node.entries.size > 0) throw errno("ENOTEMPTY", "rmdir", name);
      change(disk, Number(dir.ino), new Map([[name, undefined]]));
    },
    setMode: (dir, name, ino, mode) => {
      const found = mustFind(dir, name, "open");
      if (BigInt(found) !== ino) return false;
      const node = disk.nodes.get(found) as FileNode | DirectoryNode;
      disk.nodes.set(found, { ...node, attributes: { ...node.attributes, mode } });
      return true;
    },
  };
}

const LINK: Attributes = { mode: 0o777, ...OWNER };

function statOf(disk: Disk, ino: number): Stat {
  const node = disk.nodes.get(ino) as Node;
  const { mode, uid, gid } = node.type === "symlink" ? LINK : node.attributes;
  const size = node.type === "file" ? node.bytes.length : node.type === "symlink" ? node.target.length : 0;
  const [time, birthtimeNs] = [BigInt(node.times.modified), BigInt(node.times.born)];
  return {
    ...{ dev: DEVICE, ino: BigInt(ino), mode: BigInt(TYPE_BITS[node.type] | mode) },
    ...{ uid: BigInt(uid), gid: BigInt(gid), size: BigInt(size) },
    ...{ mtimeNs: time, ctimeNs: time, birthtimeNs },
    get nlink() {
      return namesOf(disk, ino);
    },
  };
}

function namesOf(disk: Disk, ino: number): bigint {
  let names = 0n;
  for (const [at, node] of disk.nodes)
    if (node.type === "directory" && isLinked(disk, at))
      for (const entry of node.entries.values()) if (entry === ino) names++;
  return names;
}

/** Whether a directory still has a name; one that was removed takes no new entries. */
function isLinked(disk: Disk, ino: number): boolean {
  if (ino === ROOT) return true;
  for (const node of disk.nodes.values())
    if (node.type === "directory") for (const entry of node.entries.values()) if (entry === ino) return true;
  return false;
}
