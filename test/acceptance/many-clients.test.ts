/** Many clients at once: each in its own session, and two of them after the same files. */
import { expect, test } from "vitest";
import type { Connection } from "../../client/index.ts";
import { openScene, sharedStage } from "./scene.ts";

const stage = sharedStage();

const CLIENTS = 20;
const FILES_EACH = 10;

/** What client `n` proposes: files of its own, and its line in a place that all of them change. */
const changesOf = (n: number) => [
  ...Array.from({ length: FILES_EACH }, (_, file) => ({
    kind: "write" as const,
    path: `clients/${n}/${file}.txt`,
    content: `client ${n}, file ${file}\n`,
  })),
  { kind: "edit" as const, path: "shared.txt", edits: [{ oldText: `line ${n};`, newText: `by ${n};` }] },
];

test("twenty clients stage into their own sessions at once, and none sees another's work", async () => {
  const shared = `${Array.from({ length: CLIENTS }, (_, n) => `line ${n};`).join("\n")}\n`;
  await using scene = await openScene({ on: stage(), files: { "shared.txt": shared } });
  const { workspace, reviewer } = scene;
  const before = scene.tree();
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, (_, n) => scene.connect(n % 2 === 0 ? "proposer" : "reviewer")),
  );
  const propose = async (client: Connection, n: number) => {
    const session = await client.openSession({ workspace, title: `client ${n}` });
    await Promise.all(changesOf(n).map((change) => session.stage([change])));
    return session;
  };
  const sessions = await Promise.all(clients.map(propose));
  expect(scene.tree()).toEqual(before);

  for (const [n, session] of sessions.entries()) {
    const { session: own, patches } = await session.get();
    expect(own.patches).toEqual({ pending: FILES_EACH + 1, stale: 0, applied: 0, discarded: 0 });
    expect(patches.every((patch) => patch.session === session.id)).toBe(true);
    expect((await session.read("shared.txt")).bytes.toString()).toBe(
      shared.replace(`line ${n};`, `by ${n};`),
    );
    expect((await session.read(`clients/${n}/0.txt`)).bytes.toString()).toBe(`client ${n}, file 0\n`);
    await expect(session.read(`clients/${(n + 1) % CLIENTS}/0.txt`)).rejects.toMatchObject({
      kind: "FileNotFound",
    });
  }
  const proposer = clients[0] as Connection;
  expect((await proposer.call("session/list", { workspace })).sessions.map(({ title }) => title)).toEqual([
    "client 0",
  ]);
  expect((await reviewer.call("session/list", { workspace })).sessions).toHaveLength(CLIENTS);

  // All of what does not collide goes in at once; the file that all of them changed is one's.
  const applied = await Promise.all(
    sessions.map(async ({ id }) => {
      const patches = (await reviewer.call("session/get", { session: id })).patches
        .filter(({ path }) => path !== "shared.txt")
        .map((patch) => patch.id);
      return reviewer.call("session/apply", { session: id, patches });
    }),
  );
  expect(applied.every(({ operation }) => operation.state === "committed")).toBe(true);
  for (let n = 0; n < CLIENTS; n++)
    for (const { path, ...change } of changesOf(n))
      if (change.kind === "write") expect(scene.read(path)).toBe(change.content);
  const rest = await Promise.allSettled(
    sessions.map(async ({ id }) => {
      const { digest = "" } = await reviewer.session(id).diff();
      return reviewer.session(id).apply(digest);
    }),
  );
  const winners = rest.flatMap((outcome, n) => (outcome.status === "fulfilled" ? [n] : []));
  expect(winners).toHaveLength(1);
  for (const outcome of rest)
    if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ kind: "Stale" });
  expect(scene.read("shared.txt")).toBe(shared.replace(`line ${winners[0]};`, `by ${winners[0]};`));
});

test("two apply conflicting sessions at once: one wins whole, the other is Stale and writes nothing", async () => {
  await using scene = await openScene({ on: stage(), files: { a: "a\n", b: "b\n", c: "c\n" } });
  const { workspace } = scene;
  const [one, two] = [await scene.connect("reviewer"), await scene.connect("reviewer")];
  for (let round = 0; round < 5; round++) {
    const propose = async (client: Connection, name: string, own: string) => {
      const session = await client.openSession({ workspace });
      const text = `${name} ${round}\n`;
      await session.stage([own, "c"].map((path) => ({ kind: "write" as const, path, content: text })));
      return { session, digest: (await session.diff()).digest ?? "" };
    };
    const [left, right] = [await propose(one, "left", "a"), await propose(two, "right", "b")];
    const before = scene.tree();
    const outcomes = await Promise.allSettled([
      left.session.apply(left.digest),
      right.session.apply(right.digest),
    ]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const lost = outcomes.find(({ status }) => status === "rejected") as PromiseRejectedResult;
    expect(lost.reason).toMatchObject({ kind: "Stale", data: { path: "c" } });
    const [won, own] = outcomes[0]?.status === "fulfilled" ? ["left", "a"] : ["right", "b"];
    expect(scene.tree()).toEqual({ ...before, c: `644 ${won} ${round}\n`, [own]: `644 ${won} ${round}\n` });
    for (const { session } of [left, right]) await session.discard().catch(() => {});
  }
});

test("a session's changes run one after another, from whichever client they come", async () => {
  await using scene = await openScene({ on: stage(), files: { counter: "|" } });
  const { workspace, proposer } = scene;
  const { id } = await proposer.openSession({ workspace });
  const clients = await Promise.all(Array.from({ length: 5 }, () => scene.connect("proposer")));
  // Each appends to what it finds: one lost update would show.
  const rounds = 8;
  await Promise.all(
    clients.flatMap((client, n) =>
      Array.from({ length: rounds }, () =>
        client.session(id).edit("counter", [{ oldText: "|", newText: `|${n}` }]),
      ),
    ),
  );
  const text = (await proposer.session(id).read("counter")).bytes.toString();
  expect(text).toHaveLength(1 + clients.length * rounds);
  for (const n of clients.keys()) expect(text.slice(1).split(String(n)).length - 1).toBe(rounds);
  const { patches } = await proposer.session(id).get();
  expect(patches.filter(({ state }) => state === "Pending")).toHaveLength(1);
});

test("one client's bad requests, and its sudden end, harm no other's work", async () => {
  await using scene = await openScene({ on: stage() });
  const { workspace, proposer } = scene;
  const bad = await scene.raw("proposer");
  const session = await proposer.openSession({ workspace });
  const staging = Array.from({ length: 20 }, (_, n) => session.write(`${n}.txt`, `${n}\n`));
  bad.write("{broken\n");
  bad.send([1, null, {}]);
  bad.send({ jsonrpc: "2.0", id: 1, method: "patch/stage", params: { session: session.id, changes: "no" } });
  bad.send({ jsonrpc: "2.0", id: 2, method: "session/discard", params: { session: session.id } });
  bad.destroy();
  await Promise.all(staging);
  const { session: own } = await session.get();
  expect(own.patches.pending + own.patches.discarded).toBe(20);
});
