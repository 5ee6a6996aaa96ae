/**
 * Content by sha256: small bytes in the database, large ones as files, each named by its hash.
 * Owns `<state>/blobs`; content on its way there is intake.ts'. Which blobs are still needed is collect/'; whatever is
 * put or asked for here counts as in use (holds.ts).
 * INVARIANT: a row exists only when its bytes are durable; a file without a row is an orphan of a crash and is
 * adopted when the same bytes come again.
 * Memory: `take` and `pieces` hold one piece of a content of any size; `put` and `read` are for small ones and ranges.
 */
import { mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { IopipeError } from "../../protocol/wire/errors.ts";
import { syncDirectory, writeFileAtomic } from "../disk/atomic.ts";
import type { Image, Sink } from "../disk/index.ts";
import { readPieces, readRange, sha256 } from "./blob-bytes.ts";
import type { Database } from "./database.ts";
import type { Holds } from "./holds.ts";
import { newId, now } from "./ids.ts";
import { type Intake, openIntake } from "./intake.ts";
import type { Transactions } from "./transactions.ts";

/** Larger blobs lie in files, so that the database stays small and quick to back up. */
const IN_DATABASE_BYTES = 256 * 1024;

/** Where a blob's bytes are, for workers, which never open the database. */
export type BlobSource = { readonly bytes: Buffer } | { readonly path: string };

export interface Blobs {
  /** Stores bytes durably; resolves to their hash. */
  put(bytes: Buffer): Promise<string>;
  /** Stores several, the small ones in one commit; resolves to their hashes in order. */
  putAll(contents: readonly Buffer[]): Promise<string[]>;
  /**
   * Stores what `source` puts into the sink, durably, under the hash of the image that it resolves to, and resolves to
   * that; nothing is stored where it has none, or where `source` throws.
   */
  take(source: (sink: Sink) => Promise<Image>): Promise<Image>;
  /** Takes over a complete, fsynced file on the state directory's file system, whose bytes have this hash. */
  adopt(file: string, hash: string, size: number): Promise<void>;
  has(hash: string): boolean;
  /** Bytes; undefined where there is no such blob. */
  size(hash: string): number | undefined;
  /** @throws {IopipeError} BlobNotFound */
  read(hash: string, offset?: number, length?: number): Promise<Buffer>;
  /** All bytes in order; each piece is valid until the next one is asked for. @throws {IopipeError} BlobNotFound */
  pieces(hash: string): AsyncGenerator<Buffer, void>;
  /** The whole blob, synchronously: for small ones, and where the loop must not turn. @throws {IopipeError} BlobNotFound */
  readSync(hash: string): Buffer;
  /** @throws {IopipeError} BlobNotFound */
  locate(hash: string): BlobSource;
  /** Makes the blob count as new: it is kept for as long as one that nothing names yet. */
  renew(hash: string): void;
  /** Removes blobs for good, rows and files; for collect/, which has asked whether they are held. */
  remove(hashes: readonly string[]): void;
  /** Removes a file of the directory of blobs that has no row. `name` is relative to it. */
  removeFile(name: string): void;
}

interface Raw {
  size: number;
  data: Buffer | null;
}

export interface BlobsDeps extends Transactions {
  readonly db: Database;
  readonly directory: string;
  readonly holds: Holds;
}

export function openBlobs({ db, directory, holds, transaction, essential }: BlobsDeps): Blobs {
  const partial = join(directory, "partial");
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true, mode: 0o700 });
  const select = db.prepare<[string], Raw>("SELECT size, data FROM blob WHERE hash = ?");
  const selectSize = db.prepare<[string], number>("SELECT size FROM blob WHERE hash = ?").pluck();
  const setCreated = db.prepare("UPDATE blob SET created_at = ? WHERE hash = ?");
  const deleteRow = db.prepare("DELETE FROM blob WHERE hash = ?");
  const insert = db.prepare("INSERT INTO blob VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING");
  const record = (hash: string, size: number, data: Buffer | null): void =>
    void transaction(() => insert.run(hash, size, data, now()));
  const nameOf = (hash: string) => join(hash.slice(0, 2), hash);
  const fileOf = (hash: string) => join(directory, nameOf(hash));

  const sizeOf = (hash: string): number | undefined => {
    holds.use(hash);
    return selectSize.get(hash);
  };
  const mustGet = (hash: string): Raw => {
    holds.use(hash);
    const raw = select.get(hash);
    if (!raw) throw new IopipeError("BlobNotFound", `There is no blob ${hash}.`, { blob: hash });
    return raw;
  };
  const makeFolder = async (file: string): Promise<void> => {
    const made = await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    if (made !== undefined) await syncDirectory(directory);
  };
  const isThere = async (file: string, size: number): Promise<boolean> =>
    (await stat(file).catch(() => undefined))?.size === size;

  const putLarge = async (hash: string, bytes: Buffer): Promise<void> => {
    const file = fileOf(hash);
    await makeFolder(file);
    await writeFileAtomic(file, bytes, { mode: 0o600 });
    record(hash, bytes.length, null);
  };

  const putAll = async (contents: readonly Buffer[]): Promise<string[]> => {
    const hashes: string[] = [];
    for (const bytes of contents) hashes.push(await sha256(bytes));
    const fresh = new Map(contents.map((bytes, at) => [hashes[at] as string, bytes] as const));
    for (const [hash, bytes] of fresh) {
      if (sizeOf(hash) !== undefined) fresh.delete(hash);
      else if (bytes.length > IN_DATABASE_BYTES) {
        await putLarge(hash, bytes);
        fresh.delete(hash);
      }
    }
    if (fresh.size === 0) return hashes;
    transaction(() => {
      for (const [hash, bytes] of fresh) record(hash, bytes.length, bytes);
    });
    return hashes;
  };

  const adopt: Blobs["adopt"] = async (file, hash, size) => {
    if (sizeOf(hash) !== undefined) return;
    const target = fileOf(hash);
    await makeFolder(target);
    if (!(await isThere(target, size))) await rename(file, target);
    await syncDirectory(dirname(target));
    record(hash, size, null);
  };
  const keep = async (file: string, intake: Intake, hash: string): Promise<void> => {
    if (sizeOf(hash) !== undefined) return;
    const bytes = intake.inMemory();
    if (bytes) return record(hash, bytes.length, bytes);
    await intake.sync();
    await adopt(file, hash, intake.size);
  };

  /** Out of its name at once, so that whoever puts the same bytes next makes a file of their own; freed later. */
  const removeFile = (name: string): void => {
    const away = join(partial, newId("o"));
    try {
      renameSync(join(directory, name), away);
    } catch {
      // There is none, or it stays until it is looked for again.
      return;
    }
    // What is left of it goes at the next start.
    void rm(away, { force: true }).catch(() => undefined);
  };

  return {
    putAll,
    put: async (bytes) => (await putAll([bytes]))[0] as string,
    adopt,
    take: async (source) => {
      const file = join(partial, newId("o"));
      const intake = openIntake(file, IN_DATABASE_BYTES);
      try {
        const image = await source(intake);
        if (image.hash !== undefined) await keep(file, intake, image.hash);
        return image;
      } finally {
        await intake.drop();
      }
    },
    pieces: async function* (hash) {
      const { size, data } = mustGet(hash);
      if (data) yield data;
      else yield* readPieces(fileOf(hash), size);
    },
    has: (hash) => sizeOf(hash) !== undefined,
    size: sizeOf,
    read: async (hash, offset = 0, length = Number.POSITIVE_INFINITY) => {
      const { size, data } = mustGet(hash);
      const end = Math.min(size, offset + length);
      if (data) return data.subarray(offset, end);
      return end <= offset ? Buffer.alloc(0) : readRange(fileOf(hash), offset, end - offset);
    },
    readSync: (hash) => mustGet(hash).data ?? readFileSync(fileOf(hash)),
    locate: (hash) => {
      const { data } = mustGet(hash);
      return data ? { bytes: data } : { path: fileOf(hash) };
    },
    renew: (hash) => void transaction(() => setCreated.run(now(), hash)),
    remove: (hashes) => {
      const files = hashes.filter((hash) => (selectSize.get(hash) ?? 0) > IN_DATABASE_BYTES);
      essential(() => {
        for (const hash of hashes) deleteRow.run(hash);
      });
      // RACE: none with a put: no turn of the loop lies between the row's end and the name's.
      for (const hash of files) removeFile(nameOf(hash));
    },
    removeFile,
  };
}
