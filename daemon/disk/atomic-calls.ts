/**
 * The calls of the operating system that the atomic write makes, asynchronous and synchronous, as one shape.
 * Owns no order of them: that is atomic.ts, written once for both.
 */
import * as fs from "node:fs";
import { promisify } from "node:util";
import { isErrno } from "./errors.ts";
import type { FileCalls, Stat } from "./port.ts";
import { asyncCalls } from "./posix.ts";

/** Path calls that the write needs beside those on the open file; tests put failing ones in their place. */
export interface AtomicCalls extends FileCalls {
  open(path: string, flags: number, mode: number): number | Promise<number>;
  lstat(path: string): Stat | undefined | Promise<Stat | undefined>;
  readlink(path: string): string | Promise<string>;
  rename(from: string, to: string): void | Promise<void>;
  unlink(path: string): void | Promise<void>;
  mkdir(path: string): void | Promise<void>;
  rmdir(path: string): void | Promise<void>;
}

const absentAs = (error: unknown): undefined => {
  if (isErrno(error, "ENOENT")) return undefined;
  throw error;
};

export const asyncAtomicCalls: AtomicCalls = {
  ...asyncCalls,
  open: promisify(fs.open),
  lstat: (path) => fs.promises.lstat(path, { bigint: true }).catch(absentAs),
  readlink: fs.promises.readlink,
  rename: fs.promises.rename,
  unlink: fs.promises.unlink,
  mkdir: (path) => fs.promises.mkdir(path),
  rmdir: fs.promises.rmdir,
};

export const syncAtomicCalls: AtomicCalls = {
  stat: (file) => fs.fstatSync(file, { bigint: true }),
  write: (file, bytes) => fs.writeSync(file, bytes),
  chown: fs.fchownSync,
  chmod: fs.fchmodSync,
  sync: fs.fsyncSync,
  close: fs.closeSync,
  open: fs.openSync,
  lstat: (path) => fs.lstatSync(path, { bigint: true, throwIfNoEntry: false }),
  readlink: (path) => fs.readlinkSync(path),
  rename: fs.renameSync,
  unlink: fs.unlinkSync,
  mkdir: (path) => fs.mkdirSync(path),
  rmdir: fs.rmdirSync,
};
