/**
 * Uploads: content larger than a frame, in chunks, until it becomes a blob. Owns `<state>/uploads`.
 * INVARIANT: a file in that folder belongs to an upload of this run; the folder is emptied at the start.
 * INVARIANT: whatever is asked of one upload runs in order, one after the other; nothing is written once it has ended.
 * Failure: a chunk that fails leaves the upload as it was before, an end that fails leaves it to be gone on with.
 */
import { createHash, type Hash } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { IopipeError } from "../../protocol/wire/errors.ts";
import type { Blobs } from "./blobs.ts";
import { newId } from "./ids.ts";
import { writeAll } from "./intake.ts";

export interface Uploads {
  /** Begins an upload, at once; `end` it or `drop` it. A file that cannot be made fails the first chunk. */
  begin(): string;
  /** Appends at `offset` (where given, it must be the size so far); resolves to the new size. */
  append(upload: string, offset: number | undefined, chunk: Buffer): Promise<number>;
  /** Makes the upload a blob, checking `hash` where given. @throws {IopipeError} Conflict where it differs */
  end(upload: string, hash: string | undefined): Promise<{ blob: string; size: number }>;
  /** Forgets an upload and its bytes; nothing when there is none. */
  drop(upload: string): Promise<void>;
  isOpen(upload: string): boolean;
  /** Those that nobody has gone on with for `ms`. */
  idleFor(ms: number): { upload: string; size: number }[];
}

interface Upload {
  readonly file: string;
  readonly handle: Promise<FileHandle>;
  readonly hash: Hash;
  size: number;
  /** Of the last chunk, by the process's clock. */
  usedAt: number;
  /** Resolves when all that was asked of it so far is done. */
  idle: Promise<unknown>;
}

export function openUploads(blobs: Blobs, directory: string): Uploads {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { mode: 0o700 });
  const uploads = new Map<string, Upload>();

  const mustGet = (id: string): Upload => {
    const upload = uploads.get(id);
    if (!upload) throw new IopipeError("BlobNotFound", `There is no upload ${id}.`, { upload: id });
    return upload;
  };
  /** Runs `work` after all that was asked of the upload before. @throws {IopipeError} BlobNotFound */
  const inTurn = async <T>(id: string, work: (upload: Upload) => Promise<T>): Promise<T> => {
    const upload = mustGet(id);
    upload.usedAt = performance.now();
    const turn = upload.idle.then(() => work(mustGet(id)));
    upload.idle = turn.catch(() => undefined);
    return turn;
  };
  const forget = async (id: string, { file, handle }: Upload): Promise<void> => {
    uploads.delete(id);
    const opened = await handle.catch(() => undefined);
    await opened?.close();
    await rm(file, { force: true });
  };

  return {
    begin: () => {
      // The name is only a file's here, never a wire id of its own kind.
      const id = `u${newId("o").slice(1)}`;
      const file = join(directory, id);
      const handle = open(file, "wx", 0o600);
      const idle = handle.catch(() => undefined);
      const usedAt = performance.now();
      uploads.set(id, { file, handle, hash: createHash("sha256"), size: 0, usedAt, idle });
      return id;
    },
    append: (id, offset, chunk) => inTurn(id, (upload) => appendChunk(id, upload, offset, chunk)),
    end: (id, expected) =>
      inTurn(id, async (upload) => {
        const blob = upload.hash.copy().digest("hex");
        if (expected !== undefined && expected !== blob) {
          const fact = `Upload ${id} has the hash ${blob}, not ${expected}.`;
          throw new IopipeError("Conflict", fact, { actual: blob });
        }
        await (await upload.handle).sync();
        // Nothing names it before its client does, which may be after a restart.
        if (blobs.has(blob)) blobs.renew(blob);
        else await blobs.adopt(upload.file, blob, upload.size);
        await forget(id, upload);
        return { blob, size: upload.size };
      }),
    drop: async (id) => {
      const upload = uploads.get(id);
      await upload?.idle;
      if (upload && uploads.has(id)) await forget(id, upload);
    },
    isOpen: (id) => uploads.has(id),
    idleFor: (ms) =>
      [...uploads]
        .filter(([, { usedAt }]) => performance.now() - usedAt > ms)
        .map(([upload, { size }]) => ({ upload, size })),
  };
}

async function appendChunk(
  id: string,
  upload: Upload,
  offset: number | undefined,
  chunk: Buffer,
): Promise<number> {
  if (offset !== undefined && offset !== upload.size) {
    const fact = `Upload ${id} has ${upload.size} bytes; a chunk at ${offset} does not follow.`;
    throw new IopipeError("IllegalState", fact, { size: upload.size });
  }
  await writeAll(await upload.handle, chunk, upload.size);
  upload.hash.update(chunk);
  upload.size += chunk.length;
  return upload.size;
}
