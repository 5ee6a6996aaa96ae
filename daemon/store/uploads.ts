/**
 * Uploads: content larger than a frame, in chunks, until it becomes a blob. Owns `<state>/uploads`.
 * INVARIANT: a file in that folder belongs to an upload of this run; the folder is emptied at the start.
 * Chunks of one upload are written one after the other; what fails leaves the upload as it was before the chunk.
 */
import { createHash, type Hash } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { IopipeError } from "../../protocol/wire/errors.ts";
import type { Blobs } from "./blobs.ts";
import { newId } from "./ids.ts";

export interface Uploads {
  /** Begins an upload; `end` it or `drop` it. */
  begin(): Promise<string>;
  /** Appends at `offset` (where given, it must be the size so far); resolves to the new size. */
  append(upload: string, offset: number | undefined, chunk: Buffer): Promise<number>;
  /** Makes the upload a blob, checking `hash` where given. @throws {IopipeError} Conflict where it differs */
  end(upload: string, hash: string | undefined): Promise<{ blob: string; size: number }>;
  /** Forgets an upload and its bytes; nothing when there is none. */
  drop(upload: string): Promise<void>;
}

interface Upload {
  readonly file: string;
  readonly handle: FileHandle;
  readonly hash: Hash;
  size: number;
  /** Ends when the last chunk given has been written. */
  written: Promise<unknown>;
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
  const drop = async (id: string): Promise<void> => {
    const upload = uploads.get(id);
    if (!upload) return;
    uploads.delete(id);
    await upload.written.catch(() => undefined);
    await upload.handle.close();
    await rm(upload.file, { force: true });
  };

  return {
    drop,
    begin: async () => {
      // The name is only a file's here, never a wire id of its own kind.
      const id = `u${newId("o").slice(1)}`;
      const file = join(directory, id);
      const handle = await open(file, "wx", 0o600);
      uploads.set(id, { file, handle, hash: createHash("sha256"), size: 0, written: Promise.resolve() });
      return id;
    },
    append: (id, offset, chunk) => {
      const upload = mustGet(id);
      const turn = upload.written.then(() => appendChunk(id, upload, offset, chunk));
      upload.written = turn.catch(() => undefined);
      return turn;
    },
    end: async (id, expected) => {
      const upload = mustGet(id);
      await upload.written;
      const blob = upload.hash.copy().digest("hex");
      if (expected !== undefined && expected !== blob) {
        throw new IopipeError("Conflict", `Upload ${id} has the hash ${blob}, not ${expected}.`, {
          actual: blob,
        });
      }
      await upload.handle.sync();
      await blobs.adopt(upload.file, blob, upload.size);
      await drop(id);
      return { blob, size: upload.size };
    },
  };
}

async function appendChunk(
  id: string,
  upload: Upload,
  offset: number | undefined,
  chunk: Buffer,
): Promise<number> {
  if (offset !== undefined && offset !== upload.size) {
    throw new IopipeError(
      "IllegalState",
      `Upload ${id} has ${upload.size} bytes; a chunk at ${offset} does not follow.`,
      {
        size: upload.size,
      },
    );
  }
  let written = 0;
  while (written < chunk.length) {
    const { bytesWritten } = await upload.handle.write(
      chunk,
      written,
      chunk.length - written,
      upload.size + written,
    );
    written += bytesWritten;
  }
  upload.hash.update(chunk);
  upload.size += chunk.length;
  return upload.size;
}
