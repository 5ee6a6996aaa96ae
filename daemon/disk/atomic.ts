/**
 * The durable atomic write of one file by path: after it, or after a crash or power cut at any point of it, the path
 * holds all of the old bytes or all of the new.
 * Owns the temporary file, and the directories that were made for it (make-directories.ts), and sweeps both on failure;
 * the file that a kill leaves is named `.iopipe-…`. Filling it is durable.ts. No journal, no check of what is replaced:
 * that is promotion.
 * A symlink is followed to the file it names, which keeps its mode and owner unless told otherwise.
 * Failure: errno errors, which name the path that was asked for, and DiskError NotAFile; the target is untouched unless
 * only the directory's fsync failed, when the new content is in place but may not survive a power cut.
 */
import { dirname, isAbsolute, join, resolve } from "node:path";
import { type AtomicCalls, asyncAtomicCalls, syncAtomicCalls } from "./atomic-calls.ts";
import {
  type Attributes,
  fill,
  quietly,
  runAsync,
  runSync,
  type Source,
  type Steps,
  step,
} from "./durable.ts";
import { DiskError, isErrno, named } from "./errors.ts";
import { makeDirectories, syncDirectorySteps } from "./make-directories.ts";
import { temporaryMark, temporaryName } from "./path.ts";
import { modeOf, type Stat, typeOf } from "./port.ts";
import { CREATE_FLAGS } from "./posix.ts";

export interface AtomicOptions {
  /** Permission bits; default the existing file's, else 0666 without the umask. */
  readonly mode?: number | undefined;
  /** Default the existing file's owner; EPERM when it cannot be given. */
  readonly chown?: { readonly uid: number; readonly gid: number } | undefined;
  /** Of a string; default UTF-8. */
  readonly encoding?: BufferEncoding | undefined;
  /** Makes the directories above the path that are missing, but none behind a link; default ENOENT. */
  readonly parents?: boolean | undefined;
}

/** `AtomicOptions`, or just the encoding, as `fs.writeFile` and write-file-atomic take them. */
export type OptionsOrEncoding = AtomicOptions | BufferEncoding;

export type SyncData = string | Uint8Array;
export type Data = SyncData | AsyncIterable<string | Uint8Array>;

/** Writes `data` to `path`, durably when it resolves. A stream is read to its end. */
export async function writeFileAtomic(path: string, data: Data, options?: OptionsOrEncoding): Promise<void> {
  const plain = normal(options);
  await runAsync(writeAtomic(asyncAtomicCalls, path, sourceOf(data, plain.encoding), plain));
}

/** The synchronous twin; it blocks for as long as the disk takes. */
export function writeFileAtomicSync(path: string, data: SyncData, options?: OptionsOrEncoding): void {
  const plain = normal(options);
  runSync(writeAtomic(syncAtomicCalls, path, [bytesOf(data, plain.encoding)].values(), plain));
}

/** Makes a directory's entries survive a power cut. `path` is absolute or relative to the process. */
export function syncDirectory(path: string): Promise<void> {
  return runAsync(syncDirectorySteps(asyncAtomicCalls, path));
}

/** The write in steps, on any calls. */
export function* writeAtomic(
  calls: AtomicCalls,
  path: string,
  source: Source,
  options: AtomicOptions,
): Steps<void> {
  const asked = resolve(path);
  const target = yield* follow(calls, asked);
  const directory = dirname(target.path);
  const temporary = join(directory, temporaryName(temporaryMark(), 0, "tmp"));
  const made: string[] = [];
  try {
    if (options.parents && target.path === asked) yield* makeDirectories(calls, directory, made);
    yield* replace(calls, temporary, target, source, options);
  } catch (error) {
    for (const each of made.reverse()) yield* quietly(() => calls.rmdir(each));
    throw isAbout(error, temporary) ? named(error, path) : error;
  }
  yield* syncDirectorySteps(calls, directory);
}

function* replace(
  calls: AtomicCalls,
  temporary: string,
  { path, stat }: Target,
  source: Source,
  options: AtomicOptions,
): Steps<void> {
  const file = yield* step(calls.open(temporary, CREATE_FLAGS, 0o600));
  try {
    yield* fillAndClose(calls, file, source, attributesOf(stat, options));
    yield* step(calls.rename(temporary, path));
  } catch (error) {
    yield* quietly(() => calls.unlink(temporary));
    yield* quietly(() => source.return?.());
    throw error;
  }
}

/** Whether a call of the write's own failed, on a path that the caller never named; a source may fail with others. */
function isAbout(error: unknown, temporary: string): boolean {
  return isErrno(error) && (error.path === temporary || error.syscall === "mkdir");
}

function* fillAndClose(
  calls: AtomicCalls,
  file: number,
  source: Source,
  attributes: Attributes,
): Steps<void> {
  try {
    yield* fill(calls, file, source, attributes);
  } catch (error) {
    yield* quietly(() => calls.close(file));
    throw error;
  }
  yield* step(calls.close(file));
}

/** Links on the way to a file that does not end; Linux's own limit. */
const MAX_LINKS = 40;

interface Target {
  readonly path: string;
  readonly stat: Stat | undefined;
}

/** The file that `path` leads to, whether or not it exists. */
function* follow(calls: AtomicCalls, path: string): Steps<Target> {
  let at = path;
  for (let links = 0; links <= MAX_LINKS; links++) {
    const stat = yield* step(calls.lstat(at));
    const type = stat && typeOf(stat);
    if (type === undefined || type === "file") return { path: at, stat };
    if (type !== "symlink") throw new DiskError("NotAFile", path, `'${path}' is not a regular file.`);
    const link = yield* step(calls.readlink(at));
    // Not normalised: `..` behind a linked directory is the operating system's to resolve.
    at = isAbsolute(link) ? link : `${dirname(at)}/${link}`;
  }
  throw new DiskError("NotAFile", path, `'${path}' leads through more than ${MAX_LINKS} links.`);
}

function attributesOf(stat: Stat | undefined, options: AtomicOptions): Attributes {
  const kept = stat && { uid: Number(stat.uid), gid: Number(stat.gid) };
  return {
    mode: options.mode ?? (stat ? modeOf(stat) : 0o666 & ~process.umask()),
    owner: options.chown ?? kept,
  };
}

function normal(options: OptionsOrEncoding = {}): AtomicOptions {
  return typeof options === "string" ? { encoding: options } : options;
}

/** Any view's bytes, as `fs.writeFile` takes them, whatever the size of its elements. */
function bytesOf(data: string | ArrayBufferView, encoding: BufferEncoding | undefined): Uint8Array {
  if (typeof data === "string") return Buffer.from(data, encoding);
  // A number, say, of an array: it would come to nothing.
  if (!ArrayBuffer.isView(data)) throw new TypeError("The data is neither text nor bytes.");
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function sourceOf(data: Data, encoding: BufferEncoding | undefined): Source {
  if (typeof data === "string" || ArrayBuffer.isView(data)) return [bytesOf(data, encoding)].values();
  return pieces(data, encoding);
}

async function* pieces(
  data: AsyncIterable<string | Uint8Array>,
  encoding: BufferEncoding | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const piece of data) yield bytesOf(piece, encoding);
}
