/**
 * A daemon that died while it promoted: what the next one finds, makes of it, and tells. Every call of a promotion is
 * tortured in promotion-sweep.test.ts; here it is the whole daemon, its start and its answers.
 */
import { chmodSync, renameSync } from "node:fs";
import { expect, test } from "vitest";
import type { Operation } from "../../client/index.ts";
import { openTree, type Tree } from "../../daemon/disk/index.ts";
import { type PromotionRequest, planUndo, promote } from "../../daemon/promotion/index.ts";
import { createStaging } from "../../daemon/staging/index.ts";
import { openStore, type Store } from "../../daemon/store/index.ts";
import { Crash, errno, type Fault, faulty } from "../promotion/ports.ts";
import { MIXED_AFTER, MIXED_CHANGES, MIXED_FILES, prepareMixed } from "./mixed.ts";
import type { Snapshot } from "./repository.ts";
import { eventsUntil, openScene, type Scene } from "./scene.ts";

/** A call of a promotion: the `nth` of this name after the record `since` was written; `*` is any call. */
interface Moment {
  readonly since: "operations.begin" | "operations.decide" | "operations.rollBack";
  readonly name: string;
  readonly nth: number;
}

/** Dies at a moment, before the call is made; where `fails` is given, that call fails earlier with EIO. */
function dyingAt(moment: Moment, fails?: Moment): Fault {
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
    before: (_call, name) => {
      dead ||= isNow(moment, name);
      if (dead) throw new Crash(name);
      const failed = fails && isNow(fails, name);
      seen.push(name);
      if (failed) throw errno("EIO");
    },
  };
}

/** What a daemon does between an apply's (or undo's) request and its answer, with the scene's daemon not running. */
async function promoteUntil(
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

async function applyOf(
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

/** The first answers of the new daemon tell one story: the one that the disk tells. */
async function expectStory(scene: Scene, session: string, end: "before" | "after"): Promise<Operation> {
  const { reviewer, workspace } = scene;
  const [got, listed, patches, shown] = await Promise.all([
    reviewer.call("session/get", { session }),
    reviewer.call("operation/list", { workspace }),
    reviewer.call("patch/list", { workspace }),
    reviewer.call("session/diff", { session }),
  ]);
  const state = end === "after" ? "Applied" : "Pending";
  expect(got.session.state).toBe(state);
  expect(new Set([...got.patches, ...patches.patches].map((patch) => patch.state))).toEqual(new Set([state]));
  expect(shown.files).toHaveLength(end === "after" ? 0 : 8);
  expect(listed.operations.map((operation) => operation.state)).toEqual([
    end === "after" ? "committed" : "rolledBack",
  ]);
  return listed.operations[0] as Operation;
}

const MOMENTS: Record<string, { dies: Moment; fails?: Moment; end: "before" | "after" }> = {
  "the journal is open": { dies: { since: "operations.begin", name: "*", nth: 1 }, end: "before" },
  "half of the new files are written": {
    dies: { since: "operations.begin", name: "write", nth: 3 },
    end: "before",
  },
  "all are prepared": {
    dies: { since: "operations.begin", name: "operations.decide", nth: 1 },
    end: "before",
  },
  "it is decided": { dies: { since: "operations.decide", name: "*", nth: 1 }, end: "after" },
  "half is published": { dies: { since: "operations.decide", name: "rename", nth: 3 }, end: "after" },
  "the new files are half linked": {
    dies: { since: "operations.decide", name: "unlink", nth: 2 },
    end: "after",
  },
  "all is published": { dies: { since: "operations.decide", name: "syncDirectory", nth: 1 }, end: "after" },
  "it is half swept": { dies: { since: "operations.decide", name: "unlink", nth: 6 }, end: "after" },
  "only the last record is missing": {
    dies: { since: "operations.decide", name: "operations.close", nth: 1 },
    end: "after",
  },
  "a failed publish is being taken back": {
    fails: { since: "operations.decide", name: "rename", nth: 4 },
    dies: { since: "operations.rollBack", name: "rename", nth: 1 },
    end: "before",
  },
  "a failed publish is not yet said to be taken back": {
    fails: { since: "operations.decide", name: "rename", nth: 4 },
    dies: { since: "operations.decide", name: "operations.rollBack", nth: 1 },
    end: "after",
  },
};

async function mixedScene(): Promise<{ scene: Scene; session: string; digest: string; before: Snapshot }> {
  const scene = await openScene({ files: MIXED_FILES });
  prepareMixed(scene, chmodSync);
  const session = await scene.reviewer.openSession({ workspace: scene.workspace, title: "crashing" });
  await session.stage(MIXED_CHANGES);
  const { digest = "" } = await session.diff();
  return { scene, session: session.id, digest, before: scene.tree() };
}

test.each(Object.keys(MOMENTS))("an apply dies when %s", async (name) => {
  const { dies, fails, end } = MOMENTS[name] as (typeof MOMENTS)[string];
  const { scene, session, digest, before } = await mixedScene();
  await using _ = scene;
  await scene.end();
  await promoteUntil(dyingAt(dies, fails), scene, (store, tree) => applyOf(store, tree, session, digest));
  await scene.start();
  const operation = await expectStory(scene, session, end);
  expect(scene.tree()).toEqual(end === "after" ? MIXED_AFTER : before);

  const type = end === "after" ? "operation/committed" : "operation/rolledBack";
  const [told, ...earlier] = await eventsUntil(scene.reviewer, { session, since: 0 }, type);
  expect(told.operation).toEqual(operation);
  expect(earlier.filter((event) => event.operation).map((event) => event.type)).toEqual([
    "operation/started",
  ]);

  // And life goes on: what was not applied can be, what was can be taken back.
  const applied = await scene.reviewer.call("session/apply", { session, expectedDigest: digest });
  expect(applied.operation.id === operation.id).toBe(end === "after");
  expect(scene.tree()).toEqual(MIXED_AFTER);
  await scene.reviewer.call("operation/undo", { operation: applied.operation.id });
  expect(scene.tree()).toEqual(before);
});

test.each(["all are prepared", "half is published", "only the last record is missing"])(
  "an undo dies when %s",
  async (name) => {
    const { dies, end } = MOMENTS[name] as (typeof MOMENTS)[string];
    const { scene, session, digest, before } = await mixedScene();
    await using _ = scene;
    const { operation } = await scene.reviewer.session(session).apply(digest);
    await scene.end();
    await promoteUntil(dyingAt(dies), scene, async (store, tree) => ({
      kind: "undo",
      session,
      undoes: operation.id,
      ...(await planUndo(store.operations.require(operation.id), tree)),
    }));
    await scene.start();
    const { patches } = await scene.reviewer.call("session/get", { session });
    expect(new Set(patches.map(({ state, reason }) => reason ?? state))).toEqual(
      new Set([end === "after" ? "undone" : "Applied"]),
    );
    expect(scene.tree()).toEqual(end === "after" ? before : MIXED_AFTER);
  },
);

test("while the root is away its journal waits, and delays nobody; it is recovered when the root is back", async () => {
  const { scene, session, digest } = await mixedScene();
  await using _ = scene;
  const other = await openScene({ on: scene });
  await scene.end();
  const { dies } = MOMENTS["half is published"] as (typeof MOMENTS)[string];
  await promoteUntil(dyingAt(dies), scene, (store, tree) => applyOf(store, tree, session, digest));
  renameSync(scene.root, `${scene.root}-away`);
  await scene.start();
  const elsewhere = await scene.reviewer.openSession({ workspace: other.workspace });
  await elsewhere.write("src/a.ts", "applied meanwhile\n");
  await elsewhere.apply((await elsewhere.diff()).digest ?? "");
  expect(other.read("src/a.ts")).toBe("applied meanwhile\n");
  const log = () => scene.reviewer.call("operation/list", { workspace: scene.workspace });
  expect((await log()).operations).toMatchObject([{ state: "running" }]);
  await expect(scene.reviewer.session(session).apply(digest)).rejects.toMatchObject({ kind: "RootGone" });

  renameSync(`${scene.root}-away`, scene.root);
  const [{ operation }] = await Promise.all([
    scene.reviewer.session(session).apply(digest),
    scene.reviewer.call("session/get", { session }),
  ]);
  expect(operation.state).toBe("committed");
  expect((await log()).operations).toHaveLength(1);
  expect(scene.tree()).toEqual(MIXED_AFTER);
});
