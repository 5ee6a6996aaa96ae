/** What ends in the middle: a request that is cancelled, a workspace that is closed under those who wait for it. */
import { expect, test } from "vitest";
import { openScene, type Scene, sharedStage } from "./scene.ts";

const stage = sharedStage();

/** Progress is told ten times a second: so many that preparing them takes longer, or a multiple where the disk is quick. */
const MANY = 500;

/** Applies changes of `count` files, cancels at `phase` where it is told of before its second half, and takes it all back. */
async function cancelledIn({ reviewer, workspace }: Scene, phase: string, count: number) {
  const session = await reviewer.openSession({ workspace });
  await session.stage(
    Array.from({ length: count }, (_, n) => ({ kind: "write", path: `${n}.txt`, content: "applied\n" })),
  );
  const controller = new AbortController();
  const { signal } = controller;
  const onProgress = (progress: { phase: string; done: number; total: number }) => {
    if (progress.phase === phase && progress.done <= progress.total / 2) controller.abort();
  };
  const { digest } = (await session.get()).session;
  const outcome = await session.apply(digest, {}, { signal, onProgress }).then(
    ({ operation }) => operation.state,
    (error) => error.kind,
  );
  const [newest] = (await reviewer.call("operation/list", { workspace, limit: 1 })).operations;
  const [patch] = (await session.get()).patches;
  if (outcome === "committed") await reviewer.call("operation/undo", { operation: newest?.id ?? "" });
  else await session.discard();
  return { isCancelled: signal.aborted, ends: `${outcome} ${newest?.state} ${patch?.state}` };
}

test("an apply that is cancelled before its decision leaves all as it was; after it, it is done", async () => {
  const files = Object.fromEntries(Array.from({ length: MANY }, (_, n) => [`${n}.txt`, `${n}\n`]));
  await using scene = await openScene({ on: stage(), files });
  const before = scene.tree();
  const phases = new Map<string, string>();
  for (const phase of ["prepare", "publish", "finish"]) {
    let { isCancelled, ends } = await cancelledIn(scene, phase, MANY);
    for (let count = 2 * MANY; phase === "prepare" && !isCancelled && count < 50 * MANY; count *= 2)
      ({ isCancelled, ends } = await cancelledIn(scene, phase, count));
    phases.set(phase, ends);
    expect(scene.tree()).toEqual(before);
  }
  expect([...phases]).toEqual([
    ["prepare", "Cancelled rolledBack Pending"],
    ["publish", "committed committed Applied"],
    ["finish", "committed committed Applied"],
  ]);
});

test("who waits for a workspace's watch when it is closed is told that it is not open any more", async () => {
  await using scene = await openScene();
  const { reviewer, workspace, root } = scene;
  const client = await scene.raw("reviewer");
  const waiting = ["watch/sync", "watch/since", "watch/subscribe"].map((method) =>
    client.request(method, { workspace }),
  );
  // On the same connection, hence started after them.
  const closed = await client.request("workspace/close", { workspace });
  expect(closed.result).toEqual({});
  for (const { error, result } of await Promise.all(waiting))
    if (result === undefined) expect(error.data.kind).toBe("WorkspaceNotFound");

  // Opening and closing at once ends in one of the two, and in nothing half.
  const again = await Promise.all([1, 2].map(() => reviewer.call("workspace/open", { root })));
  expect(new Set(again.map((answer) => answer.workspace.id))).toEqual(new Set([workspace]));
  await Promise.allSettled([
    reviewer.call("workspace/close", { workspace }),
    reviewer.call("workspace/open", { root }),
    reviewer.call("workspace/close", { workspace }),
  ]);
  await reviewer.call("workspace/open", { root });
  expect(await reviewer.call("watch/sync", { workspace })).toMatchObject({ verified: true });
  const session = await reviewer.openSession({ workspace });
  await session.write("src/a.ts", "well\n");
  await session.apply((await session.diff()).digest ?? "");
  expect(scene.read("src/a.ts")).toBe("well\n");
});

test("a workspace is closed after the apply that runs in it", async () => {
  await using scene = await openScene({ on: stage() });
  const { reviewer, workspace, root } = scene;
  const session = await reviewer.openSession({ workspace });
  await session.stage(
    Array.from({ length: 30 }, (_, n) => ({ kind: "write" as const, path: `${n}.txt`, content: `${n}\n` })),
  );
  const { digest } = (await session.get()).session;
  const [applied] = await Promise.all([
    session.apply(digest),
    reviewer.call("workspace/close", { workspace }),
  ]);
  expect(applied.operation.state).toBe("committed");
  expect(scene.read("29.txt")).toBe("29\n");
  await reviewer.call("workspace/open", { root });
});
