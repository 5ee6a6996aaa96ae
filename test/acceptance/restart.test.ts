/** Restarts: what a daemon knew before it was killed, the next one knows. */
import { createHash, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { MIXED_CHANGES, MIXED_FILES } from "./mixed.ts";
import { eventsUntil, openScene, type Scene } from "./scene.ts";

/** Everything that a reviewer can ask about a workspace, but for what a moment gives (uptime, the watch's state). */
async function everything({ reviewer, workspace }: Scene) {
  const { workspaces } = await reviewer.call("workspace/list", {});
  const { sessions } = await reviewer.call("session/list", {});
  const all = await Promise.all(
    sessions.map(async ({ id }) => ({
      ...(await reviewer.call("session/get", { session: id })),
      diff: await reviewer.call("session/diff", { session: id }),
    })),
  );
  return {
    workspaces: workspaces.map(({ id, root }) => ({ id, root })),
    sessions,
    all,
    patches: (await reviewer.call("patch/list", { workspace })).patches,
    operations: (await reviewer.call("operation/list", { workspace })).operations,
  };
}

test("workspaces, sessions, patches, operations and digests are the same after SIGKILL", async () => {
  await using scene = await openScene({ files: MIXED_FILES, killable: true });
  const { reviewer, proposer, workspace } = scene;
  const applied = await reviewer.openSession({ workspace, title: "applied", agent: "one" });
  await applied.stage(MIXED_CHANGES);
  const { operation } = await applied.apply((await applied.diff()).digest ?? "");
  await reviewer.call("operation/undo", { operation: operation.id, paths: ["b/two.txt"] });
  const pending = await proposer.openSession({ workspace, title: "pending", key: "a key" });
  await pending.stage([
    { kind: "write", path: "untouched.txt", content: "touched\n", note: "why" },
    { kind: "write", path: "n", content: Buffer.from([0, 255, 10]) },
    { kind: "rename", path: "a/run.sh", to: "run.sh" },
  ]);
  await pending.write("n", "staged twice\n");
  await pending.submit("please");
  const decided = await proposer.openSession({ workspace, title: "decided" });
  const { patches } = await decided.stage([
    { kind: "delete", path: "untouched.txt" },
    { kind: "symlink", path: "l", target: "nowhere" },
  ]);
  const decisions = patches.map(({ id }, n) => ({
    patch: id,
    decision: n === 0 ? ("rejected" as const) : ("approved" as const),
    note: `note ${n}`,
  }));
  await reviewer.call("session/decide", { session: decided.id, decisions });
  const empty = await reviewer.openSession({ workspace, title: "empty", key: "a key" });
  const [before, tree] = [await everything(scene), scene.tree()];

  await scene.end();
  await scene.start();
  expect(await everything(scene)).toEqual(before);
  expect(scene.tree()).toEqual(tree);

  // Keys give the sessions that they gave, each role its own.
  const open = { workspace, key: "a key" };
  expect((await scene.proposer.call("session/open", open)).session.id).toBe(pending.id);
  expect((await scene.reviewer.call("session/open", open)).session.id).toBe(empty.id);
  // And all of it still works.
  const again = scene.reviewer.session(pending.id);
  expect((await again.read("n")).bytes.toString()).toBe("staged twice\n");
  await again.apply(before.all.find(({ session }) => session.id === pending.id)?.session.digest ?? "");
  expect(scene.read("untouched.txt")).toBe("touched\n");
  await scene.reviewer.call("operation/undo", { operation: operation.id, onModified: "skip" });
  expect(scene.read("a/one.txt")).toBe("one\n");
});

test("what was answered is there: killed after many stagings, and again, nothing is lost", async () => {
  await using scene = await openScene({ killable: true });
  const large = randomBytes(700_000);
  const { id } = await scene.proposer.openSession({ workspace: scene.workspace });
  for (let round = 0; round < 2; round++) {
    const session = scene.proposer.session(id);
    for (let n = 0; n < 10; n++) await session.write(`${round}/${n}`, `${round} ${n}\n`);
    await session.write(`${round}/large`, Buffer.concat([large, Buffer.from(`${round}`)]));
    await scene.end();
    await scene.start();
    const { patches } = await scene.proposer.call("session/get", { session: id });
    expect(patches.filter(({ state }) => state === "Pending")).toHaveLength(11 * (round + 1));
  }
  const session = scene.proposer.session(id);
  for (let round = 0; round < 2; round++) {
    expect((await session.read(`${round}/9`)).bytes.toString()).toBe(`${round} 9\n`);
    const { bytes, image } = await session.read(`${round}/large`);
    expect(bytes.equals(Buffer.concat([large, Buffer.from(`${round}`)]))).toBe(true);
    expect(image.hash).toBe(createHash("sha256").update(bytes).digest("hex"));
  }
});

test("a staging that was cut off is there whole or not at all", async () => {
  await using scene = await openScene({ killable: true });
  const { id } = await scene.proposer.openSession({ workspace: scene.workspace });
  const files = 200;
  for (let round = 0; round < 3; round++) {
    const changes = Array.from({ length: files }, (_, n) => ({
      kind: "write" as const,
      path: `${n}.txt`,
      content: `round ${round}, file ${n}\n`.repeat(50),
    }));
    // Killed with the request on its way, and after some other one that was answered since.
    const staging = scene.proposer.session(id).stage(changes);
    const outcome = staging.then(
      () => "answered",
      () => "lost",
    );
    for (let n = 0; n <= round * 5; n++) await scene.reviewer.call("daemon/status", {});
    await scene.end();
    await scene.start();
    const { patches } = await scene.proposer.call("session/get", { session: id });
    const pending = patches.filter(({ state }) => state === "Pending");
    expect([0, files]).toContain(pending.length);
    if ((await outcome) === "answered") expect(pending).toHaveLength(files);
    if (pending.length > 0) await scene.proposer.session(id).discard();
  }
});

test("closing a workspace keeps its sessions; opened again it is the same workspace", async () => {
  await using scene = await openScene();
  const { proposer, reviewer, workspace, root } = scene;
  const session = await proposer.openSession({ workspace });
  await session.write("src/a.ts", "kept\n");
  const digest = (await session.diff()).digest ?? "";
  await reviewer.call("workspace/close", { workspace });
  expect((await reviewer.call("workspace/list", {})).workspaces).toEqual([]);
  await scene.end();
  await scene.start();
  expect((await scene.reviewer.call("workspace/list", {})).workspaces).toEqual([]);
  const opened = await scene.reviewer.call("workspace/open", { root: `${root}/src/..` });
  expect(opened.workspace).toMatchObject({ id: workspace, root });
  expect((await scene.reviewer.call("workspace/open", { root })).workspace.id).toBe(workspace);
  await scene.reviewer.session(session.id).apply(digest);
  expect(scene.read("src/a.ts")).toBe("kept\n");
});

test("a stop in the middle lets an apply end, answers it, and the next daemon knows it", async () => {
  const files = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`${n}.txt`, `${n}\n`]));
  await using scene = await openScene({ files });
  const { reviewer, workspace } = scene;
  const session = await reviewer.openSession({ workspace });
  await session.stage(
    Object.keys(files).map((path) => ({ kind: "write" as const, path, content: "applied\n" })),
  );
  const digest = (await session.diff()).digest ?? "";
  const stopper = await scene.connect("reviewer");
  const applying = session.apply(digest);
  await eventsUntil(stopper, { session: session.id, since: 0 }, "operation/started");
  expect(await stopper.call("daemon/stop", {})).toEqual({});
  const { operation } = await applying;
  expect(operation.state).toBe("committed");
  for (const path of Object.keys(files)) expect(scene.read(path)).toBe("applied\n");
  await scene.end();
  await scene.start();
  expect(await scene.reviewer.call("operation/get", { operation: operation.id })).toEqual({ operation });
});
