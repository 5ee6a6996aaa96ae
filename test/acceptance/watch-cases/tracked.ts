/**
 * A workspace that is followed as a client would: what `watch/since` tells is applied to what was known before, and held
 * against a fresh walk of the disk.
 * Owns nothing on disk. Nothing here waits for a time: `watch/sync` is the barrier.
 */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import type { Connection, FileChange } from "../../../client/index.ts";
import { listed, told, walk } from "../../watch/fixture.ts";
import type { Scene } from "../scene.ts";

export type Watched = Pick<Scene, "workspace" | "root"> & { readonly reviewer: Connection };

export interface Tracked {
  /** The clock of the last check. */
  readonly clock: string;
  /**
   * Syncs and reads what is new; both what was followed and a fresh listing must be what is on disk, ignored files
   * apart. Gives what was told since the last check: "created a", "modified b content", …, by path.
   */
  check(): Promise<string[]>;
}

/** Longer than any crawl here takes on a machine that has other work. */
const SYNC_MS = 300_000;

export async function sync({ reviewer, workspace }: Watched): Promise<string> {
  const { clock, verified } = await reviewer.call("watch/sync", { workspace, timeoutMs: SYNC_MS });
  expect(verified).toBe(true);
  return clock;
}

/** Everything after a clock, over all pages; without one everything that is there. */
export async function since(
  { reviewer, workspace }: Watched,
  clock?: string,
): Promise<{ clock: string; fresh: boolean; changes: FileChange[] }> {
  let page = await reviewer.call("watch/since", { workspace, ...(clock !== undefined && { clock }) });
  const { fresh } = page;
  const changes = [...page.changes];
  while (page.more) {
    page = await reviewer.call("watch/since", { workspace, clock: page.clock });
    for (const change of page.changes) changes.push(change);
  }
  return { clock: page.clock, fresh, changes };
}

export async function track(watched: Watched): Promise<Tracked> {
  await sync(watched);
  const first = await since(watched);
  const known = new Map<string, FileChange>();
  apply(known, first.changes);
  expectSame(listed([...known.values()]), walk(watched.root));
  let { clock } = first;
  return {
    get clock() {
      return clock;
    },
    async check() {
      await sync(watched);
      const news = await since(watched, clock);
      expect(news.fresh).toBe(false);
      clock = news.clock;
      apply(known, news.changes);
      const disk = walk(watched.root);
      expectSame(listed([...known.values()]), disk);
      expectSame(listed((await since(watched)).changes), disk);
      return told(news.changes);
    },
  };
}

/** Writes a file whole, beside the root first: who looks in between is not told of an empty one. */
export function put({ root }: Pick<Watched, "root">, file: string, text: string): void {
  const next = `${root}-next`;
  const target = path.join(root, file);
  mkdirSync(path.dirname(target), { recursive: true });
  writeFileSync(next, text);
  renameSync(next, target);
}

/** Applies changes to what was known. */
export function apply(known: Map<string, FileChange>, changes: readonly FileChange[]): void {
  for (const change of changes) {
    if (change.kind === "deleted") known.delete(change.path);
    else known.set(change.path, change);
  }
}

/** Names what differs, the first twenty of it: a whole tree would be no message. */
export function expectSame(
  state: ReadonlyMap<string, string>,
  disk: ReadonlyMap<string, string>,
  message?: string,
): void {
  const missing = [...disk].filter(([path, is]) => state.get(path) !== is);
  const extra = [...state.keys()].filter((path) => !disk.has(path));
  expect(
    [
      ...missing.map(([path, is]) => `${path}: ${is} on disk, ${state.get(path)} in the state`),
      ...extra.map((path) => `${path}: not on disk`),
    ].slice(0, 20),
    message,
  ).toEqual([]);
}

/** What `daemon/status` says of the workspace's watch. */
export async function statusOf({ reviewer, workspace }: Watched) {
  const { watches, workspaces } = await reviewer.call("daemon/status", {});
  const watch = watches.find((one) => one.workspace === workspace);
  const warnings = workspaces.find(({ id }) => id === workspace)?.watch.warnings;
  if (!watch || !warnings) throw new Error(`The workspace ${workspace} is not open.`);
  return { ...watch, warnings };
}
