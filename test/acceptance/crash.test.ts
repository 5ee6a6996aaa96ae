/**
 * A daemon that died while it promoted: what the next one finds, makes of it, and tells. Every call of a promotion is
 * tortured in promotion-sweep.test.ts; here it is the whole daemon, its start and its answers.
 */
import { chmodSync, renameSync } from "node:fs";
import { expect, test } from "vitest";
import type { Operation } from "../../client/index.ts";
import { planUndo } from "../../daemon/promotion/index.ts";
import { applyOf, dyingAt, type Moment, promoteUntil } from "./dying.ts";
import { MIXED_AFTER, MIXED_CHANGES, MIXED_FILES, prepareMixed } from "./mixed.ts";
import type { Snapshot } from "./repository.ts";
import { eventsUntil, openScene, type Scene } from "./scene.ts";

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
  await elsewhere.write("src/a.ts", "appliedMeanwhile\n");
  await elsewhere.apply((await elsewhere.diff()).digest ?? "");
  expect(other.read("src/a.ts")).toBe("appliedMeanwhile\n");
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
