/**
 * The course of a phase that moves bytes: how far it has come, and whether it is still wanted.
 * Owns the count of bytes and the cancel between two pieces of them, which is heeded until the decision.
 */
import type { Image, Sink } from "../disk/index.ts";
import type { BytePhase, PromotionRequest } from "./request.ts";

export interface Course {
  /** `count` more bytes are done. @throws the signal's reason */
  advance(count: number): void;
  /** Counts the bytes that are read, and passes them on. */
  sink(to?: Sink): Sink;
}

/** Begins a phase; `images` are what it will read or write, each once. */
export function startPhase(
  { signal, progress }: Pick<PromotionRequest, "signal" | "progress">,
  phase: BytePhase,
  images: Iterable<Image>,
): Course {
  let total = 0;
  for (const { size = 0 } of images) total += size;
  let done = 0;
  const advance = (count: number): void => {
    signal?.throwIfAborted();
    done += count;
    // More than was expected: a file grew, or had to be read again.
    progress?.(phase, Math.min(done, total), total);
  };
  advance(0);
  return {
    advance,
    sink: (to) => ({
      begin: () => to?.begin(),
      piece: (bytes) => {
        advance(bytes.length);
        return to?.piece(bytes);
      },
    }),
  };
}
