/**
 * Holds: which blobs somebody may be about to name. Between the moment that a blob is put or asked for and the
 * transaction that names it lies work that awaits; no row says yet that it is needed.
 * Owns that memory. It ends with the process, and so does all work; what outlives both is kept by its age (collect/).
 * INVARIANT: a blob that was used since the oldest work under way began is held, however long that takes.
 * Times are the process's own, in milliseconds.
 */
import type { Limits } from "./limits.ts";

/** What is used outside of any work is named well within this. */
const LONGEST_HELD_MS = 60 * 60 * 1000;
const SHORTEST_HELD_MS = 1000;

export interface Holds {
  /** The blob is being put, or was asked for. */
  use(hash: string): void;
  /** Work begins that may name what it uses; the result ends it. */
  begin(): () => void;
  /** How much of that is under way. */
  readonly working: number;
  isHeld(hash: string): boolean;
  /** Drops what is held no more, so that memory is bounded by what was used lately. */
  forget(): void;
}

export function openHolds({ unnamedMs }: Limits): Holds {
  const heldMs = Math.min(LONGEST_HELD_MS, Math.max(SHORTEST_HELD_MS, unnamedMs));
  const used = new Map<string, number>();
  const works = new Set<{ readonly since: number }>();

  const heldSince = (): number => {
    // A set keeps the order in which they began.
    const [oldest] = works;
    return Math.min(performance.now() - heldMs, oldest?.since ?? Number.POSITIVE_INFINITY);
  };
  return {
    use: (hash) => void used.set(hash, performance.now()),
    begin: () => {
      const work = { since: performance.now() };
      works.add(work);
      return () => void works.delete(work);
    },
    get working() {
      return works.size;
    },
    isHeld: (hash) => (used.get(hash) ?? Number.NEGATIVE_INFINITY) >= heldSince(),
    forget: () => {
      const since = heldSince();
      for (const [hash, at] of used) if (at < since) used.delete(hash);
    },
  };
}
