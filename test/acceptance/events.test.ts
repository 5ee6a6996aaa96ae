/**
 * What happens to sessions, patches and operations, as clients hear of it: numbered without a gap, replayable over a
 * restart, and waited for.
 */
import { expect, test } from "vitest";
import type { Connection, IopipeEvent } from "../../client/index.ts";
import type { Message, RawClient } from "../fixture/client.ts";
import { eventsUntil, openScene, type Scene, sharedStage } from "./scene.ts";

const stage = sharedStage();
const scenario = () => openScene({ on: stage() });

/** One change's whole life: opened, staged, submitted, decided, applied, undone. */
async function live({ reviewer, proposer, workspace }: Scene): Promise<string> {
  const session = await proposer.openSession({ workspace, title: "a life" });
  const { patches } = await session.write("src/a.ts", "export const a = 3;\n");
  await session.submit("done");
  const patch = patches[0]?.id ?? "";
  await reviewer.call("session/decide", {
    session: session.id,
    decisions: [{ patch, decision: "approved", note: "fine" }],
  });
  const { operation } = await reviewer.session(session.id).apply((await session.diff()).digest ?? "");
  await reviewer.call("operation/undo", { operation: operation.id });
  return session.id;
}

/** The events that are there already, oldest first. */
async function past(
  connection: Connection,
  wanted: { workspace?: string; session?: string; since: number },
  count: number,
): Promise<IopipeEvent[]> {
  const seen: IopipeEvent[] = [];
  for await (const event of connection.events(wanted)) if (seen.push(event) >= count) break;
  return seen;
}

const LIFE = [
  "session/opened",
  "patch/staged",
  "session/submitted",
  "session/decided",
  "operation/started",
  "operation/committed",
  "operation/started",
  "operation/committed",
];

test("a change's life is told step by step, each with the whole object as it was then, and by whom", async () => {
  await using scene = await scenario();
  const session = await live(scene);
  const events = await past(scene.reviewer, { session, since: 0 }, LIFE.length);
  expect(events.map(({ type }) => type)).toEqual(LIFE);
  const [opened, staged, submitted, decided, started, committed, undoing, undone] = events;
  expect(opened).toMatchObject({
    by: "test proposer",
    session: { id: session, title: "a life", seq: opened?.seq, patches: { pending: 0 } },
  });
  expect(staged).toMatchObject({ by: "test proposer", patch: { path: "src/a.ts", decision: "undecided" } });
  expect(submitted).toMatchObject({ session: { ready: true, message: "done", seq: submitted?.seq } });
  expect(decided).toMatchObject({ by: "test reviewer", patch: { decision: "approved", note: "fine" } });
  expect(started).toMatchObject({ operation: { state: "running", session, kind: "apply" } });
  expect(committed).toMatchObject({ by: "test reviewer", operation: { state: "committed" } });
  expect(undoing).toMatchObject({ operation: { kind: "undo", undoes: committed?.operation?.id } });
  expect(undone?.operation?.id).toBe(undoing?.operation?.id);
  const got = await scene.reviewer.call("session/get", { session });
  expect(got.session.seq).toBe(undone?.seq);
  for (const { at } of events) expect(new Date(at).toISOString()).toBe(at);
});

test("numbers have no gap, over a daemon's death too, and since replays from any of them", async () => {
  await using scene = await openScene({ killable: true });
  await live(scene);
  const middle = (await eventsUntil(scene.reviewer, { since: 0 }, "operation/committed"))[0].seq;
  await scene.end();
  await scene.start();
  await live(scene);
  const all = await past(scene.reviewer, { since: 0 }, 2 * LIFE.length);
  expect(all.map(({ seq }) => seq)).toEqual(Array.from({ length: 2 * LIFE.length }, (_, n) => n + 1));
  expect(all.map(({ type }) => type)).toEqual([...LIFE, ...LIFE]);
  const rest = await past(scene.reviewer, { since: middle }, 2 * LIFE.length - middle);
  const told = ({ subscription: _, ...event }: IopipeEvent) => event;
  expect(rest.map(told)).toEqual(all.slice(middle).map(told));
});

/** Asks for a subscription and gives every message up to the `count`th event, in the order that they came. */
async function subscribeRaw(client: RawClient, params: object, count: number): Promise<Message[]> {
  client.send({ jsonrpc: "2.0", id: "subscribe", method: "events/subscribe", params });
  const messages: Message[] = [];
  while (messages.length < count + 1) messages.push(await client.next());
  return messages;
}

test("a subscription's answer comes before its first event, whatever it has to replay", async () => {
  await using scene = await scenario();
  const session = await live(scene);
  const client = await scene.raw("reviewer");
  const [answer, ...events] = await subscribeRaw(client, { session, since: 0 }, LIFE.length);
  expect(answer).toMatchObject({ id: "subscribe", result: { seq: 0 } });
  expect(events.map(({ method, params }) => [method, params.type, params.subscription])).toEqual(
    LIFE.map((type) => ["events/event", type, answer.result.subscription]),
  );
});

test("without since it begins now; it is told what it selects, until it is ended", async () => {
  await using scene = await scenario();
  await using other = await openScene({ on: stage() });
  await live(scene);
  const client = await scene.raw("reviewer");
  const subscribe = async (params: object) => (await client.request("events/subscribe", params)).result;
  const here = await subscribe({ workspace: scene.workspace });
  const one = await scene.reviewer.openSession({ workspace: scene.workspace, title: "one" });
  const two = await other.reviewer.openSession({ workspace: other.workspace, title: "two" });
  const mine = await subscribe({ session: two.id });
  expect(mine.seq).toBeGreaterThan(here.seq);
  await two.write("src/b.ts", "two\n");
  await one.write("src/b.ts", "one\n");
  await one.discard();

  const seen: string[] = [];
  while (!seen.at(-1)?.includes("discarded")) {
    const { params } = await client.next();
    seen.push(`${params.subscription === here.subscription ? "here" : "mine"} ${params.type}`);
  }
  expect(seen.filter((line) => line.startsWith("here"))).toEqual([
    "here session/opened",
    "here patch/staged",
    "here patch/discarded",
  ]);
  expect(seen.filter((line) => line.startsWith("mine"))).toEqual(["mine patch/staged"]);

  const stranger = await scene.raw("reviewer");
  const end = { subscription: here.subscription };
  expect((await stranger.request("events/unsubscribe", end)).error.data.kind).toBe("SubscriptionNotFound");
  expect((await client.request("events/unsubscribe", end)).result).toEqual({});
  expect((await client.request("events/unsubscribe", end)).error.data.kind).toBe("SubscriptionNotFound");
  await one.write("src/b.ts", "after the end\n");
  await two.write("src/b.ts", "after the end\n");
  expect((await client.next()).params).toMatchObject({
    subscription: mine.subscription,
    type: "patch/staged",
  });
});

test("a client that does not read misses nothing when it reads again", async () => {
  await using scene = await scenario();
  const client = await scene.raw("reviewer");
  const session = await scene.reviewer.openSession({ workspace: scene.workspace });
  const { seq } = (await session.get()).session;
  await client.request("events/subscribe", { session: session.id });
  client.socket.pause();
  const files = 300;
  const note = "n".repeat(2000);
  for (const round of [1, 2])
    await session.stage(
      Array.from({ length: files }, (_, n) => ({
        kind: "write" as const,
        path: `many/${n}.txt`,
        content: `round ${round}\n`,
        note,
      })),
    );
  client.socket.resume();
  const seen: number[] = [];
  while (seen.length < 2 * files) seen.push((await client.next()).params.seq);
  expect(seen).toEqual(Array.from({ length: 2 * files }, (_, n) => seq + 1 + n));
});

test("a wait answers at the session's first event after since, and at once where there was one", async () => {
  await using scene = await scenario();
  const { proposer, reviewer, workspace } = scene;
  const session = await proposer.openSession({ workspace });
  const other = await reviewer.openSession({ workspace });
  const from = (await session.get()).session.seq;
  // Sent first on one connection, so it waits before anything happens.
  const waiting = session.wait();
  const stagings = proposer.call("patch/stage", {
    session: session.id,
    changes: ["one", "two"].map((path) => ({ kind: "write", path, content: `${path}\n` })),
  });
  await other.write("src/a.ts", "nobody waits for this\n");
  const woken = await waiting;
  await stagings;
  expect(woken).toMatchObject({ timedOut: false, session: { id: session.id } });
  const events = await past(reviewer, { session: session.id, since: from }, 2);
  expect(events.map(({ type, seq }) => [type, seq === woken.seq])).toEqual([
    ["patch/staged", true],
    ["patch/staged", false],
  ]);

  const next = await session.wait({ since: woken.seq });
  expect(next).toMatchObject({ seq: events[1]?.seq, timedOut: false });
  expect(next.patches.map(({ path }) => path)).toEqual(["one", "two"]);
  expect(await session.wait({ since: next.seq, timeoutMs: 1 })).toMatchObject({
    seq: next.seq,
    timedOut: true,
  });
});

test("an agent that waits for a verdict gets it, with the reviewer's note", async () => {
  await using scene = await scenario();
  const { proposer, reviewer, workspace } = scene;
  const session = await proposer.openSession({ workspace });
  const patch = (await session.write("src/a.ts", "bad\n")).patches[0]?.id ?? "";
  const { seq } = (await session.submit()).session;
  const verdict = session.wait({ since: seq });
  const decisions = [{ patch, decision: "rejected" as const, note: "not like this" }];
  await reviewer.call("session/decide", { session: session.id, decisions });
  expect((await verdict).patches).toMatchObject([
    { state: "Discarded", reason: "rejected", decision: "rejected", note: "not like this" },
  ]);
});

test("a wait ends by its time limit, by its client's cancelling, and with its connection", async () => {
  await using scene = await scenario();
  const session = await scene.reviewer.openSession({ workspace: scene.workspace });
  const { seq } = (await session.get()).session;
  expect(await session.wait({ timeoutMs: 20 })).toMatchObject({ timedOut: true, seq, patches: [] });
  expect(await session.wait({ timeoutMs: 0 })).toMatchObject({ timedOut: true });

  const client = await scene.raw("reviewer");
  const params = { session: session.id };
  client.send({ jsonrpc: "2.0", id: "w", method: "session/wait", params });
  client.send({ jsonrpc: "2.0", method: "$/cancelRequest", params: { id: "w" } });
  expect(await client.next()).toMatchObject({
    id: "w",
    error: { code: -32800, data: { kind: "Cancelled" } },
  });

  const controller = new AbortController();
  const waiting = session.wait({}, { signal: controller.signal });
  controller.abort();
  await expect(waiting).rejects.toMatchObject({ kind: "Cancelled" });

  client.send({ jsonrpc: "2.0", id: "x", method: "session/wait", params });
  await client.request("daemon/status");
  client.destroy();
  await session.write("src/a.ts", "the daemon is well\n");
  expect((await session.get()).patches).toHaveLength(1);
});

test("a wait for a session that there is not says so", async () => {
  await using scene = await scenario();
  await expect(scene.reviewer.session("s0").wait({ timeoutMs: 1 })).rejects.toMatchObject({
    kind: "SessionNotFound",
    data: { session: "s0" },
  });
});
