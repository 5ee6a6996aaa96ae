/**
 * An intake: content on its way into the store, piece by piece, of a size that nobody knows yet.
 * Owns the bytes until they are a blob (blobs.ts): in memory while they are few, then in a file of `<state>/blobs/partial`,
 * which is emptied at the start. Memory: at most IN_MEMORY_BYTES of it.
 * Failure: IopipeError of the store's own disk, which is not the file's that is read; `drop` leaves nothing behind.
 */
import { type FileHandle, open, rm } from "node:fs/promises";
import { IopipeError } from "../../protocol/wire/errors.ts";
import { faultKind, type Sink } from "../disk/index.ts";

export interface Intake extends Sink {
  readonly size: number;
  /** All bytes, where they are few. */
  inMemory(): Buffer | undefined;
  /** Makes the file durable, but for its name. */
  sync(): Promise<void>;
  /** Forgets the bytes; a file that was renamed meanwhile stays. */
  drop(): Promise<void>;
}

/** Nothing is on disk before more than `inMemoryBytes` came; then all of it is in `file`. */
export function openIntake(file: string, inMemoryBytes: number): Intake {
  let held: Buffer[] = [];
  let size = 0;
  let handle: FileHandle | undefined;

  const spill = async (): Promise<FileHandle> => {
    handle = await open(file, "wx", 0o600);
    await writeAll(handle, Buffer.concat(held), 0);
    held = [];
    return handle;
  };
  return {
    get size() {
      return size;
    },
    begin: () =>
      ofTheStore(async () => {
        await handle?.truncate(0);
        held = [];
        size = 0;
      }),
    piece: (bytes) =>
      ofTheStore(async () => {
        if (!handle && size + bytes.length <= inMemoryBytes) held.push(Buffer.from(bytes));
        else await writeAll(handle ?? (await spill()), bytes, size);
        size += bytes.length;
      }),
    inMemory: () => (handle ? undefined : Buffer.concat(held)),
    sync: () => ofTheStore(async () => handle?.sync()),
    drop: async () => {
      await handle?.close();
      if (handle) await rm(file, { force: true });
    },
  };
}

/** Writes all of `bytes` at `position`, also where the system takes a part at a time. */
export async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; )
    done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
}

async function ofTheStore<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const kind = faultKind(error);
    if (kind === undefined) throw error;
    throw new IopipeError(
      kind,
      `The store could not keep the content: ${(error as { code?: string }).code}.`,
    );
  }
}
