/**
 * The world that a history is lived in: a scene, two sessions (a proposer's and another one's), somebody who edits the
 * tree, and what has been seen so far.
 * Owns its opening, its looks at the tree, and waiting until the daemon has noticed all that happened.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Connection } from "../../../client/index.ts";
import { type Snapshot, snapshot } from "../repository.ts";
import type { Scene } from "../scene.ts";
import { type Somebody, startSomebody } from "./outside.ts";

export interface World {
  readonly scene: Scene;
  /** The proposer's, a reviewer's, and those that undos have opened. */
  readonly sessions: string[];
  readonly somebody: Somebody;
  /** What became of a digest: what would be applied, by digest, and the digests by that. */
  readonly effects: Map<string, string>;
  /** Stamps of somebody's that must be found somewhere. */
  readonly stamps: Set<string>;
  /** The number of the last event before the history. */
  readonly since: number;
  /** Calls and answers, for whoever reads a counterexample. */
  readonly log: string[];
  /** Whether somebody, or a crash, may be at work: then a call is not the only one that changes the tree. */
  isQuiet: boolean;
  /** Whether the daemon may still have something to notice. */
  isSettled: boolean;
}

export async function openWorld(scene: Scene): Promise<World> {
  const outside = path.join(path.dirname(scene.root), "outside");
  mkdirSync(outside, { recursive: true });
  writeFileSync(path.join(outside, "file"), "outside\n");
  const open = async (by: Connection) => (await by.openSession({ workspace: scene.workspace })).id;
  const first = await scene.reviewer.call("session/open", { workspace: scene.workspace });
  return {
    ...{ scene, effects: new Map(), stamps: new Set(), log: [], isQuiet: true, isSettled: false },
    sessions: [await open(scene.proposer), await open(scene.reviewer)],
    somebody: startSomebody(scene.root),
    since: first.session.seq - 1,
  };
}

/** Every file, link and directory. */
export const treeOf = ({ scene }: World): Snapshot => snapshot(scene.root, { without: [".git"] });

/** Longer than a second look at a file that seems to have changed. */
const SETTLED_MS = 120;

/** Waits until the daemon has seen all that somebody did, and has said what it makes stale. */
export async function settle(world: World): Promise<void> {
  if (world.isSettled) return;
  world.isSettled = true;
  const { reviewer, workspace } = world.scene;
  await reviewer.call("watch/sync", { workspace });
  for (let before = ""; ; await delay(SETTLED_MS)) {
    const seqs = [];
    for (const session of world.sessions)
      seqs.push((await reviewer.call("session/get", { session })).session.seq);
    if (before === `${seqs}`) return;
    before = `${seqs}`;
  }
}

export const pick = <T>(list: readonly T[], n: number): T | undefined => list[n % list.length];

export const sessionOf = ({ sessions }: World, { session }: { session: number }): string =>
  pick(sessions, session) as string;

/** Those of a list that numbers mean; undefined for all. */
export function pickSome<T>(list: readonly T[], some: readonly number[] | undefined): T[] | undefined {
  if (some === undefined || list.length === 0) return undefined;
  return [...new Set(some.map((n) => list[n % list.length] as T))];
}
