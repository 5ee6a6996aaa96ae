/**
 * The port on a POSIX system, but for what platforms do differently: how an entry of an open directory is addressed, how
 * a mode is changed without following a link, mounts, exchanging, and extended attributes.
 * Owns the flags of each call. The platforms are linux.ts and port.darwin.ts.
 */
import * as fs from "node:fs";
import { promisify } from "node:util";
import { type Dir, type Entry, type EntryType, type FileCalls, isSlowToFree, type Port } from "./port.ts";

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = fs.constants;

export const CREATE_FLAGS = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
export const READ_FLAGS = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;
const DIRECTORY_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

export interface Platform {
  /** A path for system calls that leads to `name` in the open directory, wherever that is by now. */
  at(dir: Dir, name: string): string;
  setMode(path: string, ino: bigint, mode: number): boolean;
}

/** The port but for what POSIX does not have. */
type PosixPort = Omit<Port, "mountOf" | "exchange" | "readExtended" | "setExtended">;

const open = promisify(fs.open);
const write = promisify(fs.write);
const read = promisify(fs.read);
const close = promisify(fs.close);

/**
 * Calls on open files that never wait for the disk on the event loop.
 *
 * What only reads or sets an open inode's fields is synchronous: a trip through the thread pool takes ten times as long.
 */
export const asyncCalls = {
  stat: (file) => fs.fstatSync(file, { bigint: true }),
  write: async (file, bytes) => (await write(file, bytes, 0, bytes.length)).bytesWritten,
  chown: fs.fchownSync,
  chmod: fs.fchmodSync,
  sync: promisify(fs.fsync),
  close: (file) => {
    const stat = fs.fstatSync(file, { bigint: true });
    return stat.nlink === 0n && isSlowToFree(stat) ? close(file) : fs.closeSync(file);
  },
} satisfies FileCalls;

export function createPort({ at, setMode }: Platform): PosixPort {
  return {
    ...asyncCalls,
    read: async (file, into, position) =>
      (await read(file, into, 0, into.length, position ?? null)).bytesRead,
    openFile: (dir, name) => open(at(dir, name), READ_FLAGS),
    createFile: (dir, name) => open(at(dir, name), CREATE_FLAGS, 0o600),
    readDirectory: async (dir) => entries(await fs.promises.readdir(at(dir, "."), LIST)),
    syncDirectory: (dir) => asyncCalls.sync(dir.handle),
    // A root is a real path: where a link has taken its place, it is gone.
    openRoot: (root) => openedDirectory(fs.openSync(root, DIRECTORY_FLAGS), ""),
    openDirectory: (parent, name) => {
      const path = parent.path === "" ? name : `${parent.path}/${name}`;
      return openedDirectory(fs.openSync(at(parent, name), DIRECTORY_FLAGS), path);
    },
    closeDirectory: (dir) => fs.closeSync(dir.handle),
    lstat: (dir, name) => fs.lstatSync(at(dir, name), { bigint: true, throwIfNoEntry: false }),
    readlink: (dir, name) => fs.readlinkSync(at(dir, name), { encoding: "buffer" }),
    link: (from, oldName, to, newName) => fs.linkSync(at(from, oldName), at(to, newName)),
    rename: (from, oldName, to, newName) => fs.renameSync(at(from, oldName), at(to, newName)),
    unlink: (dir, name) => fs.unlinkSync(at(dir, name)),
    symlink: (target, dir, name) => fs.symlinkSync(target, at(dir, name)),
    makeDirectory: (dir, name) => fs.mkdirSync(at(dir, name)),
    removeDirectory: (dir, name) => fs.rmdirSync(at(dir, name)),
    setMode: (dir, name, ino, mode) => setMode(at(dir, name), ino, mode),
  };
}

function openedDirectory(handle: number, path: string): Dir {
  const { dev, ino } = fs.fstatSync(handle, { bigint: true });
  return { handle, path, dev, ino };
}

const LIST = { withFileTypes: true, encoding: "buffer" } as const;

function entries(list: fs.Dirent<Buffer>[]): Entry[] {
  return list.flatMap((entry) => {
    const name = entry.name.toString();
    return Buffer.from(name).equals(entry.name) ? [{ name, type: typeOfEntry(entry) }] : [];
  });
}

function typeOfEntry(entry: fs.Dirent<Buffer>): EntryType {
  if (entry.isFile()) return "file";
  if (entry.isSymbolicLink()) return "symlink";
  return entry.isDirectory() ? "directory" : "other";
}
