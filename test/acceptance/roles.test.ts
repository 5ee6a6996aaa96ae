/**
 * The two roles: what a proposer may not do, and what it is never shown.
 */
import { mkdirSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import type { MethodName } from "../../client/index.ts";
import { eventsUntil, openScene, type Scene, sharedStage } from "./scene.ts";

const stage = sharedStage();
const scenario = () => openScene({ on: stage() });
const ZEROS = "0".repeat(64);

/** What a reviewer does that no proposer may know of: one session applied, one pending. */
async function foreignWork({ reviewer, workspace }: Scene) {
  const applied = await reviewer.openSession({ workspace, title: "SECRET-TITLE", agent: "SECRET-AGENT" });
  await applied.write("src/a.ts", "SECRET-APPLIED\n");
  const { operation } = await applied.apply((await applied.diff()).digest ?? "");
  const pending = await reviewer.openSession({ workspace, title: "SECRET-TITLE", key: "SECRET-KEY" });
  const { patches } = await pending.write("src/b.ts", "SECRET-PENDING\n", { note: "SECRET-NOTE" });
  const [patch] = patches;
  if (!patch) throw new Error("Nothing was staged.");
  const ids = [applied.id, pending.id, patch.id, ...(await applied.get()).patches.map(({ id }) => id)];
  return { applied, pending, patch, operation, hash: patch.after.hash ?? "", ids };
}

const REVIEWERS: [MethodName, object][] = [
  ["session/apply", { session: "sX", expectedDigest: ZEROS }],
  ["patch/apply", { patch: "pX" }],
  ["session/decide", { session: "sX", decisions: [{ patch: "pX", decision: "approved" }] }],
  ["operation/undo", { operation: "oX" }],
  ["operation/resolve", { operation: "oX" }],
  ["workspace/open", { root: "/" }],
  ["workspace/close", { workspace: "wX" }],
  ["workspace/trust", { workspace: "wX" }],
  ["daemon/stop", {}],
  ["daemon/gc", { dryRun: true }],
  ["daemon/examine", {}],
  ["session/discard", { session: "sX", purge: true }],
  ["patch/discard", { patch: "pX", purge: true }],
];

test.each(REVIEWERS)("a proposer may not call %s, whatever it names", async (method, params) => {
  await using scene = await scenario();
  const client = await scene.raw("proposer");
  const { error } = await client.request(method, params);
  expect(error).toMatchObject({
    code: 1038,
    data: { kind: "NotPermitted", retryable: false, hint: expect.stringContaining("reviewer") },
  });
});

test("a proposer's own session is neither applied, decided on nor purged by it", async () => {
  await using scene = await scenario();
  const { proposer, workspace } = scene;
  const before = scene.tree();
  const session = await proposer.openSession({ workspace });
  const { patches } = await session.write("src/a.ts", "mine\n");
  const patch = patches[0]?.id ?? "";
  const digest = (await session.diff()).digest ?? "";
  const refused = [
    session.apply(digest),
    proposer.call("session/apply", { session: session.id, patches: [patch] }),
    proposer.call("patch/apply", { patch }),
    proposer.call("session/decide", { session: session.id, decisions: [{ patch, decision: "approved" }] }),
    proposer.call("session/discard", { session: session.id, purge: true }),
    proposer.call("patch/discard", { patch, purge: true }),
  ];
  for (const outcome of await Promise.allSettled(refused))
    expect(outcome).toMatchObject({ status: "rejected", reason: { kind: "NotPermitted" } });
  expect(scene.tree()).toEqual(before);
  expect((await session.get()).patches).toMatchObject([{ state: "Pending", decision: "undecided" }]);
});

test("what a proposer may do, it can: stage, read, diff, check, submit, wait, discard, restore, watch", async () => {
  await using scene = await scenario();
  const { proposer, reviewer, workspace } = scene;
  const session = await proposer.openSession({ workspace, title: "mine" });
  await session.write("src/a.ts", "mine\n");
  expect((await session.read("src/a.ts")).bytes.toString()).toBe("mine\n");
  expect((await session.diff()).files).toHaveLength(1);
  expect((await session.check()).wouldApply).toBe(true);
  const { seq } = (await session.submit("please")).session;
  await session.discard();
  expect(await session.wait({ since: seq })).toMatchObject({ timedOut: false });
  await session.restore();
  expect(await proposer.call("watch/sync", { workspace })).toMatchObject({ verified: true });
  // Knowing its id, the reviewer applies it; the proposer hears of it.
  await reviewer.session(session.id).apply((await session.diff()).digest ?? "");
  const [committed] = await eventsUntil(proposer, { session: session.id, since: seq }, "operation/committed");
  expect(committed.operation).toMatchObject({ session: session.id, title: "mine", state: "committed" });
});

test("role is checked before params, and params before ids", async () => {
  await using scene = await scenario();
  const [reviewer, proposer] = [await scene.raw("reviewer"), await scene.raw("proposer")];
  const kind = async (client: typeof reviewer, method: string, params: object) =>
    (await client.request(method, params)).error?.data.kind;
  for (const [method] of REVIEWERS.slice(0, 7)) {
    expect(await kind(proposer, method, { nonsense: true }), method).toBe("NotPermitted");
    expect(await kind(reviewer, method, { nonsense: true }), method).toBe("InvalidParams");
  }
  const invalid: [string, object][] = [
    ["session/get", { session: "sX", nonsense: true }],
    ["session/apply", { session: "sX" }],
    ["session/apply", { session: "sX", expectedDigest: "no digest" }],
    ["session/apply", { session: "sX", patches: [] }],
    ["patch/stage", { session: "sX", changes: [] }],
    ["patch/stage", { session: "sX", changes: [{ kind: "write", path: "a", contnet: "" }] }],
    ["session/wait", { session: "sX", timeoutMs: -1 }],
    ["session/open", { workspace: "wX", key: "" }],
    ["blob/write", { upload: "uX", data: "no base64!" }],
    ["watch/subscribe", { workspace: "wX", priorities: ["URGENT"] }],
    ["operation/undo", { operation: "oX", onModified: "overwrite" }],
  ];
  for (const [method, params] of invalid)
    expect(await kind(reviewer, method, params), JSON.stringify([method, params])).toBe("InvalidParams");
});

test("a workspace that nobody opened, or that was closed, does not exist for a proposer", async () => {
  await using scene = await scenario();
  const { proposer, reviewer, workspace, root, home } = scene;
  const elsewhere = path.join(home.directory, "elsewhere");
  mkdirSync(elsewhere);
  const calls = (ref: string) => [
    proposer.call("session/open", { workspace: ref }),
    proposer.call("session/list", { workspace: ref }),
    proposer.call("patch/list", { workspace: ref }),
    proposer.call("operation/list", { workspace: ref }),
    proposer.call("watch/since", { workspace: ref }),
    proposer.call("watch/sync", { workspace: ref }),
    proposer.call("watch/subscribe", { workspace: ref }),
    proposer.call("events/subscribe", { workspace: ref }),
  ];
  const refused = async (ref: string) => {
    for (const outcome of await Promise.allSettled(calls(ref)))
      expect(outcome, ref).toMatchObject({ status: "rejected", reason: { kind: "WorkspaceNotFound" } });
  };
  await refused(elsewhere);
  await refused(path.join(root, "src"));
  await refused(home.directory);
  await refused("w0000000000000000");

  const session = await proposer.openSession({ workspace: root });
  await session.write("src/a.ts", "mine\n");
  await reviewer.call("workspace/close", { workspace });
  for (const ref of [workspace, root]) await refused(ref);
  await expect(session.write("src/b.ts", "mine\n")).rejects.toMatchObject({ kind: "WorkspaceNotFound" });
  await reviewer.call("workspace/open", { root });
  expect((await session.get()).patches).toMatchObject([{ path: "src/a.ts", state: "Pending" }]);
});

test("a proposer sees nothing of a session whose id it does not know", async () => {
  await using scene = await scenario();
  const { workspace, reviewer } = scene;
  const proposer = await scene.raw("proposer");
  const { seq: before } = await reviewer.call("events/subscribe", { workspace });
  const { operation, patch, hash, ids } = await foreignWork(scene);
  const seen: unknown[] = [];
  const ask = async (method: string, params: object) => {
    const answer = await proposer.request(method, params);
    seen.push(answer);
    return answer;
  };
  const { subscription } = (await ask("events/subscribe", { since: before })).result;
  await ask("events/subscribe", { workspace, since: 0 });

  expect((await ask("session/list", {})).result).toEqual({ sessions: [] });
  expect((await ask("session/list", { workspace, state: "Pending" })).result).toEqual({ sessions: [] });
  expect((await ask("patch/list", { workspace, path: "src/b.ts" })).result).toEqual({ patches: [] });
  expect((await ask("blob/read", { blob: hash })).error.data.kind).toBe("BlobNotFound");
  expect((await ask("daemon/status", {})).result.pid).toBe(process.pid);
  expect((await ask("workspace/list", {})).result.workspaces.map(({ id }: { id: string }) => id)).toContain(
    workspace,
  );
  // What changed on disk is no secret, whose session it was is.
  expect((await ask("operation/list", { workspace })).result.operations).toMatchObject([
    { id: operation.id, files: [{ path: "src/a.ts" }] },
  ]);
  expect((await ask("operation/get", { operation: operation.id })).result.operation.state).toBe("committed");
  await ask("watch/since", { workspace });

  // What it names by an id that it should not have is not there either, in the words of an id that never was.
  for (const [method, params] of [
    ["patch/get", {}],
    ["patch/discard", {}],
  ] as const) {
    const foreign = (await proposer.request(method, { ...params, patch: patch.id })).error;
    const unknown = (await proposer.request(method, { ...params, patch: "pX" })).error;
    expect(foreign.data.kind).toBe("PatchNotFound");
    expect(JSON.stringify(foreign).replaceAll(patch.id, "pX")).toBe(JSON.stringify(unknown));
  }

  // Its own session works, next to and on the same paths as the other one's.
  const { session } = (await ask("session/open", { workspace, title: "mine" })).result;
  const changes = (content: object) => ({
    session: session.id,
    changes: [{ kind: "write", path: "src/b.ts", ...content }],
  });
  expect((await ask("patch/stage", changes({ blob: hash }))).error.data.kind).toBe("BlobNotFound");
  const own = (await ask("patch/stage", changes({ content: "mine\n" }))).result.patches[0];
  const mixed = { session: session.id, patches: [patch.id] };
  for (const method of ["session/check", "session/discard", "session/restore"])
    expect((await proposer.request(method, mixed)).error.data.kind, method).toBe("PatchNotFound");
  await ask("session/check", { session: session.id });
  expect((await ask("session/list", {})).result.sessions).toMatchObject([{ id: session.id }]);
  expect((await ask("patch/list", { workspace })).result.patches).toMatchObject([{ id: own.id }]);
  expect((await ask("blob/read", { blob: own.base.hash })).result.size).toBeGreaterThan(0);

  // The first events that it gets are its own, although those of the others are older.
  const types: string[] = [];
  while (types.length < 4) {
    const { params } = await proposer.next();
    seen.push(params);
    if (params.subscription === subscription || params.type) types.push(params.type);
  }
  expect(types.sort()).toEqual(["patch/staged", "patch/staged", "session/opened", "session/opened"]);
  const text = JSON.stringify(seen);
  for (const secret of [...ids, "SECRET"]) expect(text).not.toContain(secret);
});

test("knowing a session's id is owning it: named once, its connection is shown all of it", async () => {
  await using scene = await scenario();
  const { workspace } = scene;
  const { applied, pending, patch, operation, hash } = await foreignWork(scene);
  const [knowing, ignorant] = [await scene.connect("proposer"), await scene.connect("proposer")];
  expect((await knowing.call("session/get", { session: pending.id })).patches).toMatchObject([
    { id: patch.id },
  ]);
  expect((await knowing.call("session/list", { workspace })).sessions.map(({ id }) => id)).toEqual([
    pending.id,
  ]);
  expect((await knowing.call("patch/get", { patch: patch.id })).patch.note).toBe("SECRET-NOTE");
  expect((await knowing.call("blob/read", { blob: hash })).size).toBeGreaterThan(0);
  // The log shows whose an operation was to whoever names the session.
  expect(
    (await knowing.call("operation/get", { operation: operation.id })).operation.session,
  ).toBeUndefined();
  const own = await knowing.call("operation/list", { workspace, session: applied.id });
  expect(own.operations).toMatchObject([{ id: operation.id, session: applied.id, title: "SECRET-TITLE" }]);
  expect(await ignorant.call("session/list", { workspace })).toEqual({ sessions: [] });
  await expect(ignorant.call("patch/get", { patch: patch.id })).rejects.toMatchObject({
    kind: "PatchNotFound",
  });
});

test("a key belongs to the role that first used it", async () => {
  await using scene = await scenario();
  const { proposer, reviewer, workspace } = scene;
  const open = async (client: typeof proposer, key: string) =>
    (await client.call("session/open", { workspace, key })).session.id;
  const mine = await open(proposer, "a key");
  expect(await open(proposer, "a key")).toBe(mine);
  expect(await open(await scene.connect("proposer"), "a key")).toBe(mine);
  expect(await open(reviewer, "a key")).not.toBe(mine);

  const theirs = await open(reviewer, "their key");
  const guessed = await open(proposer, "their key");
  expect(guessed).not.toBe(theirs);
  const { sessions } = await proposer.call("session/list", { workspace });
  expect(sessions.map(({ id }) => id)).not.toContain(theirs);
  expect(await open(reviewer, "their key")).toBe(theirs);
  // Finding opens nothing, and gives nobody else's.
  const find = async (client: typeof proposer, key: string) =>
    (await client.call("session/find", { workspace, key })).session?.id;
  expect(await find(await scene.connect("proposer"), "a key")).toBe(mine);
  expect(await find(proposer, "their key")).toBe(guessed);
  expect(await find(proposer, "nobody's key")).toBeUndefined();
  expect(await find(proposer, "nobody's key")).toBeUndefined();
});

test("uploads are their connection's alone, whoever guesses an id", async () => {
  await using scene = await scenario();
  const { proposer, reviewer, workspace } = scene;
  const other = await scene.connect("proposer");
  const data = Buffer.from("uploaded\n").toString("base64");
  const { upload } = await proposer.call("blob/write", { data });
  for (const stranger of [other, reviewer]) {
    await expect(stranger.call("blob/write", { upload, data })).rejects.toMatchObject({
      kind: "BlobNotFound",
    });
    await expect(stranger.call("blob/commit", { upload })).rejects.toMatchObject({ kind: "BlobNotFound" });
  }
  const { blob } = await proposer.call("blob/commit", { upload });
  await expect(other.call("blob/read", { blob })).rejects.toMatchObject({ kind: "BlobNotFound" });
  const session = await other.openSession({ workspace });
  await expect(session.stage([{ kind: "write", path: "n", blob }])).rejects.toMatchObject({
    kind: "BlobNotFound",
  });
  expect((await proposer.call("blob/read", { blob })).data).toBe(data);
  const own = await proposer.openSession({ workspace });
  await own.stage([{ kind: "write", path: "n", blob }]);
  expect((await own.read("n")).bytes.toString()).toBe("uploaded\n");
});
