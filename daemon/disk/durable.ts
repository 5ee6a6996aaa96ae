/**
 * The durable write's core: all bytes into an open, fresh file, checked, owned, moded and fsynced.
 * Owns the order of these calls, written once as steps that run synchronously or asynchronously (`runSync`,
 * `runAsync`). Naming, replacing and sweeping the file is the callers': atomic.ts, and promotion's prepare.
 * INVARIANT: the size is checked after the last write; write(2) on a nearly full disk writes a part and says no error.
 * INVARIANT: the mode comes last before the fsync, because chown(2) clears setuid and setgid; after the ACL, which shares
 * its bits and may grant less; both after the last write and the owner, which take the capabilities off.
 * Failure: throws at the first error; the file is then anything between empty and whole, and is to be unlinked.
 */
import type { File, FileCalls, Stat } from "./port.ts";

/** A computation in steps, some of which may have to be awaited. */
export type Steps<T> = Generator<unknown, T, unknown>;

/** One step: its value, awaited where the runner is asynchronous. */
export function* step<T>(value: T | Promise<T>): Generator<unknown, T, unknown> {
  return (yield value) as T;
}

export function runSync<T>(steps: Steps<T>): T {
  let next = steps.next();
  while (!next.done) next = steps.next(next.value);
  return next.value;
}

export async function runAsync<T>(steps: Steps<T>): Promise<T> {
  let next = steps.next();
  while (!next.done) {
    const settled = await Promise.resolve(next.value).then(
      (value) => () => steps.next(value),
      (error) => () => steps.throw(error),
    );
    next = settled();
  }
  return next.value;
}

/** Cleaning up after an error: a second error would only hide the first. */
export function* quietly(work: () => unknown): Steps<void> {
  try {
    yield* step(work());
  } catch {}
}

/** Bytes in pieces; a synchronous run takes only an Iterator. */
export type Source = Iterator<Uint8Array> | AsyncIterator<Uint8Array>;

export interface Attributes {
  readonly mode: number;
  /** Whose the file becomes; undefined leaves it to the process and the directory. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  /** Gives the file its extended attributes. */
  readonly extended?: (() => void) | undefined;
}

/** Fills `file` from `source`, durably, and returns what it is then. */
export function* fill(calls: FileCalls, file: File, source: Source, attributes: Attributes): Steps<Stat> {
  let size = 0;
  for (;;) {
    const next = yield* step(source.next());
    if (next.done) break;
    size += yield* writeAll(calls, file, next.value);
  }
  const written = yield* step(calls.stat(file));
  if (written.size !== BigInt(size)) throw shortWrite(size, written.size);
  const { owner, mode, extended } = attributes;
  if (owner && (written.uid !== BigInt(owner.uid) || written.gid !== BigInt(owner.gid)))
    yield* step(calls.chown(file, owner.uid, owner.gid));
  extended?.();
  yield* step(calls.chmod(file, mode));
  yield* step(calls.sync(file));
  return yield* step(calls.stat(file));
}

function* writeAll(calls: FileCalls, file: File, bytes: Uint8Array): Steps<number> {
  let done = 0;
  while (done < bytes.length) {
    const count = yield* step(calls.write(file, bytes.subarray(done)));
    if (count === 0) throw shortWrite(bytes.length, BigInt(done));
    done += count;
  }
  return done;
}

function shortWrite(expected: number, actual: bigint): Error {
  const message = `ENOSPC: ${actual} of ${expected} bytes were written, write`;
  return Object.assign(new Error(message), { code: "ENOSPC", syscall: "write" });
}
