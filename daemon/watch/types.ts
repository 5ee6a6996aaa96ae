/**
 * What the rest of the daemon sees of a watched root: the handle's interface and the values that cross it.
 * Owns no behaviour: watch.ts makes the handle. Paths are root-relative and `/`-separated, never "" and never below
 * a `.git`; clocks are opaque strings that survive restarts.
 */

import type { BigIntStats } from "node:fs";
import type { FileChange, Lanes, Priority, WatchRules, WatchState } from "../../protocol/methods/values.ts";
import type { IopipeError } from "../../protocol/wire/errors.ts";
import type { WatchTable } from "../store/watch-table.ts";
import type { Audited } from "./audit.ts";

export interface Filter {
  /** Globs as git's `:(glob)`; what is not named by one of them is left out. */
  readonly include?: readonly string[] | undefined;
  readonly exclude?: readonly string[] | undefined;
  readonly priorities?: readonly Priority[] | undefined;
  /** Globs that give paths another priority, for this client alone. */
  readonly lanes?: Lanes | undefined;
}

export interface Page {
  readonly clock: string;
  /** The clock was none or unknown: this lists what exists, beginning with this page. */
  readonly fresh: boolean;
  readonly changes: FileChange[];
  /** Ask again with `clock`. */
  readonly more: boolean;
}

/** One notification's content. `fresh` with no changes: the history is lost, look afresh with `since`. */
export type Batch = Pick<Page, "clock" | "fresh" | "changes">;

export interface SubscribeSpec extends Filter {
  readonly since?: string | undefined;
  /** Quiet to wait for before a batch; noise holds it back at most ten times as long. */
  readonly settleMs?: number | undefined;
  /** Holds batches back while git holds its index's lock, for ten seconds at the longest. */
  readonly waitForGit?: boolean | undefined;
}

export interface Subscription {
  readonly clock: string;
  readonly fresh: boolean;
  /** Lets batches flow: call it once the answer to the subscriber is on its way. Safe to call twice. */
  start(): void;
  /** Delivers what there is without waiting for quiet or for git. */
  flush(): void;
  close(): void;
}

/** Durable high-water marks: the main store's counters. */
export interface Counters {
  raise(name: string, to: number): void;
  get(name: string): number;
}

/** The part of pino's logger that watching uses. */
export interface WatchLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface WatchOptions {
  /** The workspace's id: the name of its rows in `table` and of its counter. */
  readonly workspace: string;
  /** Absolute, already resolved: never a symlink. */
  readonly root: string;
  readonly table: WatchTable;
  readonly counters: Counters;
  /** Absolute, below the state directory and outside the root; this root's alone; made and emptied here. */
  readonly cookieDir: string;
  readonly log: WatchLog;
  /** Absolute directories that are no content of the root (the state and runtime directory). */
  readonly guarded?: readonly string[];
  /** The workspace's own. */
  readonly rules?: WatchRules | undefined;
  /** Most directories watched one by one; what lies beyond is seen through the native child. */
  readonly directBudget?: number;
  /** Of one core, for the slow audit; 0 for none. */
  readonly auditShare?: number;
}

export interface RootWatch {
  readonly state: WatchState;
  readonly warnings: string[];
  /** The position after everything recorded so far; waits for nothing. */
  clock(): string;
  /**
   * Lists what changed after `clock`, at most `limit` changes; waits for the crawl.
   * @throws {IopipeError} RootGone while the root is absent; Cancelled by `signal`. Nothing is changed.
   */
  since(clock: string | undefined, filter: Filter, limit: number, signal?: AbortSignal): Promise<Page>;
  /**
   * Waits until everything that happened before the call is in `since` of an older clock.
   * `paths` are looked at besides. `verified` is false where the proof had to be left open.
   * @throws {IopipeError} SyncTimeout, RootGone, Cancelled. Nothing is lost: a later call finds it.
   * @throws {DiskError} PathEscape, PathProtected for one of `paths`.
   */
  sync(
    paths: readonly string[] | undefined,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<{ clock: string; verified: boolean }>;
  /**
   * Compares the table with the disk, and repairs what differs; waits for the crawl.
   * @throws {IopipeError} RootGone, Cancelled.
   */
  audit(signal?: AbortSignal): Promise<Audited & { clock: string }>;
  /** Follows changes from `spec.since`, else from now; waits for the crawl. `deliver` resolves when the socket has drained. */
  subscribe(
    spec: SubscribeSpec,
    deliver: (batch: Batch) => Promise<void> | void,
    signal?: AbortSignal,
  ): Promise<Subscription>;
  /** Records an own write at once, so that its echo is nothing; `stat` is lstat's, undefined for a deletion. */
  published(path: string, operation: string, stat: BigIntStats | undefined): void;
  /** The workspace's own; undefined where it has none. */
  readonly rules: WatchRules | undefined;
  /** Replaces the workspace's own rules, and judges everything again by them. */
  setRules(rules: WatchRules): void;
  /** Paths with pending patches are HIGH and never folded: these, and no others of `among` (default: of all). */
  setHigh(paths: Iterable<string>, among?: Iterable<string>): void;
  /** Called after changes were recorded, with their paths; not for own writes' echoes. */
  onChanges(listener: (paths: readonly string[]) => void): () => void;
  onState(listener: (state: WatchState) => void): () => void;
  /** Kills the child and releases every watch; waiting calls end with `reason` (ShuttingDown). Safe to call twice. */
  close(reason?: IopipeError): Promise<void>;
  /** Numbers for `daemon/status`. */
  status(): WatchStatus;
}

export interface WatchStatus {
  readonly state: WatchState;
  readonly directories: number;
  /** Directories watched one by one. */
  readonly direct: number;
  /** The native child's process id; undefined while there is none. */
  readonly childPid: number | undefined;
  readonly childRestarts: number;
  /** How often events were lost, or might have been, and a crawl made good for it. */
  readonly losses: number;
  /** How often the child lost events; only where not all directories are watched one by one is that to be made good. */
  readonly childLosses: number;
  /** How often the slow audit has compared everything. */
  readonly auditPasses: number;
  /** Paths that audits found to differ from the disk; each is counted in `losses` too. */
  readonly auditDifferences: number;
  readonly crawls: number;
  readonly lastCrawlMs: number;
  readonly subscriptions: number;
}
