/**
 * What is on disk, taken once per call: images with their bytes kept for the blob store, and new content beside them.
 * Owns the bytes until `flush`, which stores them durably; a call that only reads never flushes.
 * Invariant: a path's image is read once and stays the same for the whole call.
 * Memory: at most BUFFERED_BYTES and one file wait for the flush.
 */
import type { Image } from "../../protocol/methods/index.ts";
import { IopipeError } from "../../protocol/wire/errors.ts";
import { ABSENT, type Tree } from "../disk/index.ts";
import { type Store, sha256 } from "../store/index.ts";

/** Files above this are not staged: their bytes pass through memory whole. */
const MAX_FILE_BYTES = 512 * 1024 * 1024;

/** Larger files are hashed first, and read into memory only when the store lacks them. */
const READ_AT_ONCE_BYTES = 1024 * 1024;

/** Stored early once so much waits. */
const BUFFERED_BYTES = 16 * 1024 * 1024;

export interface Snapshots {
  /** The image on disk, a file's with its hash; absent where the path is. Throws what Tree throws. */
  image(path: string): Promise<Image>;
  /** Bytes by hash, of this call or of the store. @throws {IopipeError} BlobNotFound */
  bytes(hash: string): Promise<Buffer>;
  /** Takes new content; resolves to its hash. */
  keep(bytes: Buffer): Promise<string>;
  /** Makes all bytes durable blobs. */
  flush(): Promise<void>;
}

export function openSnapshots(store: Store, tree: Tree): Snapshots {
  const images = new Map<string, Promise<Image>>();
  const kept = new Map<string, Buffer>();
  let keptBytes = 0;

  const flush = async (): Promise<void> => {
    const contents = [...kept.values()];
    if (contents.length > 0) await store.blobs.putAll(contents);
    kept.clear();
    keptBytes = 0;
  };
  const hold = async (hash: string, bytes: Buffer): Promise<void> => {
    if (kept.has(hash) || store.blobs.has(hash)) return;
    kept.set(hash, bytes);
    keptBytes += bytes.length;
    if (keptBytes > BUFFERED_BYTES) await flush();
  };
  const take = async (path: string): Promise<Image> => {
    const seen = await tree.lstat(path);
    if (!seen.exists) return ABSENT;
    if (seen.type !== "file") return seen;
    assertSize(path, seen.size ?? 0);
    if ((seen.size ?? 0) > READ_AT_ONCE_BYTES) {
      const image = await tree.image(path);
      if (image.hash === undefined || store.blobs.has(image.hash)) return image;
    }
    const { image, bytes } = await tree.read(path);
    if (image.hash !== undefined) await hold(image.hash, bytes);
    return image;
  };

  return {
    image: (path) => {
      const known = images.get(path) ?? take(path);
      images.set(path, known);
      return known;
    },
    bytes: async (hash) => kept.get(hash) ?? store.blobs.read(hash),
    keep: async (bytes) => {
      const hash = await sha256(bytes);
      await hold(hash, bytes);
      return hash;
    },
    flush,
  };
}

/** @throws {IopipeError} TooLarge for more than can be staged */
export function assertSize(path: string, size: number): void {
  if (size <= MAX_FILE_BYTES) return;
  throw new IopipeError(
    "TooLarge",
    `${path} has ${size} bytes, more than the ${MAX_FILE_BYTES} that can be staged.`,
    {
      path,
      limit: MAX_FILE_BYTES,
      hint: "Files of this size are not staged.",
    },
  );
}
