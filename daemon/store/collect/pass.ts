/**
 * A pass under way: what its steps share. Owns what it has found to be named, and when its slices end.
 */
import type { Blobs } from "../blobs.ts";
import type { Database } from "../database.ts";
import type { Events } from "../events.ts";
import type { Holds } from "../holds.ts";
import type { Limits } from "../limits.ts";
import type { Transactions } from "../transactions.ts";
import type { Uploads } from "../uploads.ts";
import type { prepareCollection } from "./sql.ts";

/** Something that was cleared, or would be. */
export interface Collected {
  readonly what: "operation" | "patch" | "session" | "event" | "blob" | "file" | "upload" | "ref";
  /** An id, an event's number, a hash, a file's path below the blobs' directory, or a ref's name. */
  readonly id: string;
  readonly reason: "age" | "budget" | "orphaned" | "cleared" | "empty" | "unnamed" | "stray";
  readonly workspace?: string;
  readonly path?: string;
  readonly title?: string;
  /** Of an operation: what it alone, or with older ones, keeps. */
  readonly bytes?: number;
  /** Since when nothing has happened to it. */
  readonly since?: string;
}

export interface CollectionDeps extends Pick<Transactions, "essential"> {
  readonly db: Database;
  /** Of the blobs' files. */
  readonly directory: string;
  readonly blobs: Blobs;
  readonly events: Pick<Events, "neededFrom">;
  readonly holds: Holds;
  readonly limits: Limits;
  readonly uploads: Uploads;
}

interface Asked {
  readonly sql: ReturnType<typeof prepareCollection>;
  /** When the store was opened: files that are older are nobody's work under way. */
  readonly openedAt: number;
  readonly dryRun: boolean;
  readonly report: (one: Collected) => void;
}

/** What is older goes; times as rows have them. */
interface Cutoffs {
  readonly undo: string;
  readonly discarded: string;
  readonly events: string;
  readonly unnamed: string;
  /** A lease that ended before was last renewed before `discarded`: it lasts `orphanedMs` from each use on. */
  readonly lease: string;
}

export interface Pass extends CollectionDeps, Asked {
  /** As of the pass's beginning. */
  readonly before: Cutoffs;
  /** Operations that this pass clears, or would. */
  readonly cleared: Set<string>;
  /** Content that stays: something names it. */
  name(hashes: Iterable<string | null>): void;
  isNamed(hash: string): boolean;
  /** Whether the loop is to turn now; true once a slice. */
  isOver(): boolean;
}

/** Worked between two turns of the loop. */
const SLICE_MS = 4;

export function startPass(deps: CollectionDeps, asked: Asked): Pass {
  const named = new Set<number>();
  let began = performance.now();
  return {
    ...deps,
    ...asked,
    before: cutoffs(deps.limits),
    cleared: new Set(),
    name: (hashes) => {
      for (const hash of hashes) if (hash !== null) named.add(keyOf(hash));
    },
    isNamed: (hash) => named.has(keyOf(hash)),
    isOver: () => {
      const at = performance.now();
      if (at - began < SLICE_MS) return false;
      began = at;
      return true;
    },
  };
}

/** 52 bits of a hash: as a number it takes a third of its text. Where two are alike, a blob stays that could go. */
function keyOf(hash: string): number {
  return Number.parseInt(hash.slice(0, 13), 16);
}

function cutoffs({ undoMs, discardedMs, eventsMs, unnamedMs, orphanedMs }: Limits): Cutoffs {
  const now = Date.now();
  const ago = (ms: number): string => new Date(now - ms).toISOString();
  return {
    undo: ago(undoMs),
    discarded: ago(discardedMs),
    events: ago(eventsMs),
    unnamed: ago(unnamedMs),
    lease: ago(discardedMs - orphanedMs),
  };
}
