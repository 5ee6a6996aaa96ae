/** Promotions that die at a chosen moment, in the state of a scene whose daemon is not running. */
import { expect } from "vitest";
import { openTree, type Tree } from "../../daemon/disk/index.ts";
import { type PromotionRequest, promote } from "../../daemon/promotion/index.ts";
import { createStaging } from "../../daemon/staging/index.ts";
import { openStore, type Store } from "../../daemon/store/index.ts";
import { Crash, errno, type Fault, faulty } from "../promotion/ports.ts";
import type { Scene } from "./scene.ts";

/**
 * A call of a promotion: the `nth` of this name after the record `since` was written; `*` is any call, and `rename` is
 * an exchange of names too.
 */
export interface Moment {
  readonly since: "operations.begin" | "operations.decide" | "operations.rollBack";
  readonly name: string;
  readonly nth: number;
}

/** Dies at a moment, before the call is made; where `fails` is given, that call fails earlier with EIO. */
export function dyingAt(moment: Moment, fails?: Moment): Fault {
  const seen: string[] = [];
  let dead = false;
  const isNow = ({ since, name, nth }: Moment, call: string): boolean => {
    const from = seen.indexOf(since);
    if (from < 0 || (name !== "*" && call !== name)) return false;
    return seen.slice(from + 1).filter((other) => name === "*" || other === name).length === nth - 1;
  };
  return {
    calls: 0,
    names: [],
    before: (_call, called) => {
      const name = called === "exchange" ? "rename" : called;
      dead ||= isNow(moment, name);
      if (dead) throw new Crash(name);
      const failed = fails && isNow(fails, name);
      seen.push(name);
      if (failed) throw errno("EIO");
    },
  };
}

/** What a daemon does between an apply's (or undo's) request and its answer, with the scene's daemon not running. */
export async function promoteUntil(
  fault: Fault,
  scene: Scene,
  request: (store: Store, tree: Tree) => Promise<Partial<PromotionRequest>>,
): Promise<void> {
  const store = openStore(scene.home.locations.stateDir);
  try {
    const { tree, store: dying } = faulty(scene.root, store, fault);
    const asked = await request(store, openTree(scene.root));
    const common = { workspace: scene.workspace, kind: "apply" as const, transitions: [] };
    await expect(promote({ ...common, ...asked, tree }, dying)).rejects.toThrow();
  } finally {
    store.close();
  }
}

/** What an apply of the session asks of the promotion. */
export async function applyOf(
  store: Store,
  tree: Tree,
  id: string,
  digest: string,
): Promise<Partial<PromotionRequest>> {
  const staging = createStaging({ store });
  const { transitions } = await staging.examine(store.sessions.require(id), tree);
  await staging.close();
  return { session: id, title: "crashing", digest, transitions };
}
