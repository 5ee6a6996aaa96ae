/**
 * One opened root: its tree, its watch and its write lock.
 * INVARIANT: whatever writes below the root does so inside `write`, and every journal that is not closed is recovered
 * before. What closed ones may have left is swept soon after, for many of them at once, and before the workspace closes.
 */
import type { BigIntStats } from "node:fs";
import { IopipeError } from "../../protocol/wire/errors.ts";
import { openTree, type Tree } from "../disk/index.ts";
import { type Hooks, recover } from "../promotion/index.ts";
import type { Staging } from "../staging/index.ts";
import type { Store, WorkspaceRow } from "../store/index.ts";
import type { RootWatch } from "../watch/index.ts";
import { followLeftovers } from "./leftovers.ts";
import { serial } from "./serial.ts";
import { followStaleness } from "./staleness.ts";
import { followVerdicts } from "./verify/standing.ts";

export interface OpenWorkspace {
  readonly id: string;
  /** Absolute, real path. */
  readonly root: string;
  readonly tree: Tree;
  readonly watch: RootWatch;
  /** What a promotion here tells meanwhile: the watch learns of own writes, the log of trouble. */
  readonly hooks: Hooks;
  /** Resolves when what a crash left open has been recovered, or cannot be now (the root is absent); then undefined. */
  readonly recovering: Promise<void> | undefined;
  /** Runs `work` with the workspace to itself, after recovery. */
  write<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** Waits for the work under way, then stops watching; who waits for the watch is told `reason`. */
  close(reason?: IopipeError): Promise<void>;
}

export interface Parts {
  readonly store: Store;
  readonly staging: Staging;
  /** Absolute directories that are the daemon's own. */
  readonly guarded: readonly string[];
  readonly startWatch: (row: WorkspaceRow) => RootWatch;
  readonly failed: (error: unknown, doing: string, workspace: string) => void;
}

export function openWorkspace(row: WorkspaceRow, parts: Parts): OpenWorkspace {
  const { store, staging } = parts;
  const tree = openTree(row.root, parts.guarded);
  const watch = parts.startWatch(row);
  const turn = serial();
  const hooks: Hooks = {
    published: (path, operation, stat) => {
      try {
        // A tree's port gives lstat's own result; only the port of a test has less.
        watch.published(path, operation, stat as BigIntStats | undefined);
      } catch (error) {
        // Its table may have no room. The promotion is not to fail by that: the watch finds the change by itself.
        parts.failed(error, "telling the watch", row.id);
      }
    },
    trouble: (error) => parts.failed(error, "promoting", row.id),
  };

  let closed = false;

  const write: OpenWorkspace["write"] = (work, signal) =>
    turn(async () => {
      if (closed) throw workspaceClosed(row.root);
      const end = store.holds.begin();
      try {
        if (store.operations.isUnclosed(row.id)) await recoverAll();
        return await work();
      } finally {
        end();
        leftovers.look();
      }
    }, signal);
  const isOpen = (): boolean => store.operations.isOpen(row.id);
  const recoverAll = (): Promise<unknown> => recover({ workspace: row.id, tree, store, ...hooks });
  const recoverOpen = async (): Promise<void> => {
    try {
      if (isOpen()) await recoverAll();
    } catch (error) {
      parts.failed(error, "recovering", row.id);
    }
  };
  const recoverNow = (): Promise<void> => write(recoverOpen).catch(() => undefined);
  const leftovers = followLeftovers(isOpen, () => void recoverNow());
  let recovering: Promise<void> | undefined = recoverNow().finally(() => {
    recovering = undefined;
  });
  const staleness = followStaleness({
    store,
    workspace: row.id,
    watch,
    write,
    settle: (patches) => staging.settleStale(tree, patches),
    failed: (error) => parts.failed(error, "looking for stale patches", row.id),
  });
  const stopVerdicts = followVerdicts(store, { id: row.id, watch }, (error) =>
    parts.failed(error, "looking at verdicts", row.id),
  );
  void recovering.then(() => staleness.lookAtAll());

  return {
    id: row.id,
    root: row.root,
    tree,
    watch,
    hooks,
    write,
    get recovering() {
      return recovering;
    },
    close: async (reason) => {
      staleness.stop();
      stopVerdicts();
      leftovers.stop();
      await turn(async () => {
        await recoverOpen();
        closed = true;
        leftovers.stop();
        await watch.close(reason);
      });
    },
  };
}

export function workspaceClosed(root: string): IopipeError {
  return new IopipeError("WorkspaceNotFound", `The workspace ${root} was closed.`);
}
