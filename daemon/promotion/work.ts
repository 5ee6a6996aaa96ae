/**
 * The work: what the phases of one operation share while it runs or is recovered.
 * Owns shapes, and the few calls on its files that several phases make.
 */
import {
  DiskError,
  type File,
  fill,
  giveExtended,
  type Image,
  isErrno,
  isSlowToFree,
  named,
  type Places,
  type Port,
  runAsync,
  type Stat,
} from "../disk/index.ts";
import type { DirectoryChange, Kept, Store } from "../store/index.ts";
import type { Course } from "./course.ts";
import type { Legacy } from "./kept.ts";
import type { Step } from "./plan.ts";
import type { Hooks } from "./request.ts";

export interface Work {
  /** The operation's id. */
  readonly id: string;
  /** The operation that this one undoes. */
  readonly undoes: string | undefined;
  readonly store: Store;
  readonly port: Port;
  readonly places: Places;
  readonly hooks: Hooks;
  /** Whether another process began it: what that one did is told from the disk alone. */
  readonly recovering: boolean;
  /** In the order of publishing. */
  readonly steps: readonly Step[];
  /** Outermost first; without those that turned out to be somebody else's. */
  makes: readonly DirectoryChange[];
  /** Innermost first; without those that turned out to be needed. */
  removes: readonly DirectoryChange[];
  /** Identities of the temporary files' inodes by step, as the journal has them. */
  readonly inodes: Map<number, string>;
  /** What stood at each target when it was last found to be as before. */
  readonly snapshots: Map<number, Stat | undefined>;
  /** What goes with files that have no successor, by step. */
  readonly kept: Map<number, Kept>;
  /** The ctime of each file whose owner and attributes were read, before that, by path. */
  readonly changedAt: Map<string, bigint>;
  /** The steps that this process has published. */
  readonly published: Set<number>;
  /** Blobs of late edits by step. */
  readonly rescued: Map<number, string>;
}

/** Marks a step as published and tells the watcher, in the same turn of the event loop as the change itself. */
export function markPublished(work: Work, step: Step): void {
  work.published.add(step.n);
  work.hooks.published?.(step.path, work.id, lstat(work, step.path));
}

/** What stands at `path`; undefined when it or its directory is absent. */
export function lstat({ port, places }: Work, path: string): Stat | undefined {
  const place = places.find(path);
  return place && port.lstat(place.dir, place.name);
}

/** Undefined where somebody has put something else in a directory's place meanwhile. */
export function unlessTaken<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof DiskError) return undefined;
    throw error;
  }
}

/** Unlinks one of our own files, if it is there. */
export function unlinkOurs({ port, places }: Work, path: string): void {
  const place = places.find(path);
  if (place && port.lstat(place.dir, place.name)) port.unlink(place.dir, place.name);
}

/** Unlinks one of our own files, off the event loop where that takes long: a file that is open is freed by its close. */
export async function removeOurs({ port, places }: Work, path: string, stat: Stat): Promise<void> {
  const { dir, name } = places.at(path);
  if (!isSlowToFree(stat)) return port.unlink(dir, name);
  // One that may not be read is freed here and now.
  const held = await port.openFile(dir, name).catch(() => undefined);
  port.unlink(dir, name);
  if (held !== undefined) await port.close(held);
}

/** Makes a file's bytes and attributes survive a power cut. */
export async function syncFile({ port, places }: Work, path: string): Promise<void> {
  const { dir, name } = places.at(path);
  const file = await port.openFile(dir, name);
  await Promise.resolve(port.sync(file)).finally(() => port.close(file));
}

/** A mode lies in the file's inode, which its directory's fsync does not promise. */
export async function syncMode(work: Work, path: string): Promise<void> {
  try {
    await syncFile(work, path);
  } catch (error) {
    // A mode that lets nobody read it: the file systems' own journals keep such a change with the directory's.
    if (!isErrno(error, "EACCES")) throw named(error, path);
  }
}

/**
 * Writes `image` as one of our own files, durably but for its name, with what it takes over; `course` counts.
 *
 * @throws {IopipeError} BlobNotFound
 * @throws {DiskError} AccessDenied for an attribute that cannot be given; in the message the file is `of`
 */
export async function writeImage(
  work: Work,
  path: string,
  image: Image,
  legacy: Legacy | undefined,
  of: string,
  course?: Course,
): Promise<Stat> {
  const { port, places, store } = work;
  const place = places.at(path);
  const { dir, name } = place;
  if (image.type === "symlink") {
    await afresh(work, path, () => port.symlink(image.target as string, dir, name));
    return port.lstat(dir, name) as Stat;
  }
  const file: File = await afresh(work, path, () => port.createFile(dir, name));
  const source = counted(store.blobs.pieces(image.hash as string), course);
  try {
    const wanted = legacy?.extended;
    const extended = wanted && (() => giveExtended(port, place, wanted, of));
    const attributes = { mode: image.mode as number, owner: legacy?.owner, extended };
    return await runAsync(fill(port, file, source, attributes));
  } finally {
    await source.return();
    await port.close(file);
  }
}

/**
 * Makes a file of ours, again where an earlier try or a crash left one: the name is random and in the journal, hence ours.
 *
 * Not looked up first: while other files of the directory are being made, that waits for the disk on the event loop.
 */
async function afresh<T>(work: Work, path: string, make: () => T | Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (error) {
    if (!isErrno(error, "EEXIST")) throw error;
  }
  unlinkOurs(work, path);
  return make();
}

async function* counted(
  pieces: AsyncIterable<Uint8Array>,
  course: Course | undefined,
): AsyncGenerator<Uint8Array, void> {
  for await (const piece of pieces) {
    yield piece;
    course?.advance(piece.length);
  }
}
