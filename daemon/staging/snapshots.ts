/**
 * What is on disk, taken once per call: images with their bytes kept for the blob store, and new content beside them.
 * Owns the bytes until `flush`, which stores them durably; a call that only reads never flushes.
 * Invariant: a path's image is taken once and stays the same for the whole call; what no longer has it is Stale.
 * Memory: at most BUFFERED_BYTES wait for the flush. Larger files stay on disk, and stream into the store.
 */
import type { Image } from "../../protocol/methods/index.ts";
import { IopipeError } from "../../protocol/wire/errors.ts";
import { ABSENT, type Sink, type Tree } from "../disk/index.ts";
import { now, type Store, sha256 } from "../store/index.ts";
import { staleError } from "./stale.ts";

/** Files above this do not pass through memory. */
const IN_MEMORY_BYTES = 1024 * 1024;

/** Stored early once so much waits. */
const BUFFERED_BYTES = 16 * 1024 * 1024;

/** Content that is worked on, as by an edit, is in memory whole; whatever replaces it may be of any size. */
const WORKED_ON_BYTES = 64 * 1024 * 1024;

export interface Snapshots {
  /** The image on disk, a file's with its hash; absent where the path is. Throws what Tree throws. */
  image(path: string): Promise<Image>;
  /** A file's bytes, of this call or of the store; `path` is for messages. @throws {IopipeError} TooLarge, Stale */
  bytes(image: Image, path: string): Promise<Buffer>;
  /** A range of them, of a file of any size. @throws {IopipeError} Stale */
  range(image: Image, offset: number, length: number): Promise<Buffer>;
  /** Takes new content; resolves to its hash. */
  keep(bytes: Buffer): Promise<string>;
  /** Makes all bytes durable blobs. @throws {IopipeError} Stale where a large file has changed since */
  flush(): Promise<void>;
}

/** `signal` is heeded between pieces of large files. */
export function openSnapshots(store: Store, tree: Tree, signal?: AbortSignal): Snapshots {
  const images = new Map<string, Promise<Image>>();
  const kept = new Map<string, Buffer>();
  /** Paths of large files that the store lacks, by hash. */
  const onDisk = new Map<string, { readonly path: string; readonly image: Image }>();
  let keptBytes = 0;
  let storing: Promise<void> = Promise.resolve();

  /** One after another; what comes while one is under way waits for the next, and all can be read meanwhile. */
  const storeKept = (): Promise<void> => {
    storing = storing.then(async () => {
      const contents = new Map(kept);
      keptBytes = 0;
      await store.blobs.putAll([...contents.values()]);
      for (const hash of contents.keys()) kept.delete(hash);
    });
    return storing;
  };
  const hold = async (hash: string, bytes: Buffer): Promise<void> => {
    if (kept.has(hash) || store.blobs.has(hash)) return;
    kept.set(hash, bytes);
    keptBytes += bytes.length;
    if (keptBytes > BUFFERED_BYTES) await storeKept();
  };
  const take = async (path: string): Promise<Image> => {
    const seen = await tree.lstat(path);
    if (!seen.exists) return ABSENT;
    if (seen.type !== "file") return seen;
    if ((seen.size ?? 0) > IN_MEMORY_BYTES) {
      const image = await tree.image(path, heeding(signal));
      if (image.hash !== undefined && !store.blobs.has(image.hash)) onDisk.set(image.hash, { path, image });
      return image;
    }
    const { image, bytes } = await tree.read(path);
    if (image.hash !== undefined) await hold(image.hash, bytes);
    return image;
  };
  const range = async (image: Image, offset: number, length: number): Promise<Buffer> => {
    const hash = image.hash ?? "";
    const held = kept.get(hash);
    if (held) return held.subarray(offset, offset + length);
    const file = onDisk.get(hash);
    if (!file) return store.blobs.read(hash, offset, length);
    const { image: found, bytes } = await tree.range(file.path, { offset, length });
    // Enough to tell: the same as what a stable read of the whole file goes by.
    if (found.mtimeNs !== file.image.mtimeNs || found.size !== file.image.size)
      throw changed(file.path, file.image, found);
    return bytes;
  };

  return {
    image: (path) => {
      const known = images.get(path) ?? take(path);
      images.set(path, known);
      return known;
    },
    bytes: async (image, path) => {
      const size = image.size ?? 0;
      assertSize(path, size);
      return range(image, 0, size);
    },
    range,
    keep: async (bytes) => {
      const hash = await sha256(bytes);
      await hold(hash, bytes);
      return hash;
    },
    flush: async () => {
      await storeKept();
      for (const { path, image } of onDisk.values())
        await store.blobs.take(async (sink) => {
          const found = await tree.image(path, heeding(signal, sink));
          if (found.hash !== image.hash) throw changed(path, image, found);
          return found;
        });
      onDisk.clear();
    },
  };
}

/** Stops reading when the call is cancelled. */
function heeding(signal: AbortSignal | undefined, to?: Sink): Sink {
  return {
    begin: () => to?.begin(),
    piece: (bytes) => {
      signal?.throwIfAborted();
      return to?.piece(bytes);
    },
  };
}

function changed(path: string, expected: Image, actual: Image): IopipeError {
  return staleError([{ path, expected, actual, at: now() }]);
}

/** @throws {IopipeError} TooLarge for more than can be worked on */
export function assertSize(path: string, size: number): void {
  if (size <= WORKED_ON_BYTES) return;
  throw new IopipeError(
    "TooLarge",
    `${path}: ${size} bytes are more than the ${WORKED_ON_BYTES} that can be edited.`,
    {
      path,
      limit: WORKED_ON_BYTES,
      hint: "Stage the whole file with write and an uploaded blob; that may have any size.",
    },
  );
}
