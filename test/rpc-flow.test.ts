import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { expect, test, vi } from "vitest";
import type { Handlers } from "../daemon/rpc/call.ts";
import { type Message, type RawClient, startTestServer } from "./fixture/server.ts";

const MiB = 1024 * 1024;

const readBlob = (bytes: number): Partial<Handlers> => ({
  "blob/read": () => ({ data: "x".repeat(bytes), size: bytes }),
  "workspace/list": () => ({ workspaces: [] }),
});
const BLOB = { blob: "0".repeat(64) };
const request = (id: unknown, method: string, params?: object) =>
  `${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`;

async function collect(client: RawClient): Promise<Message[]> {
  const all: Message[] = [];
  for (let one = await client.next(); one !== undefined; one = await client.next()) all.push(one);
  return all;
}

test("a client that half-closes gets an answer that takes its time, then the end", async () => {
  await using server = await startTestServer({
    "watch/sync": async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      return { clock: "c", verified: true };
    },
  });
  const client = await server.connect();
  client.write(request(1, "watch/sync", { workspace: "w" }).trimEnd());
  client.end();
  expect(await collect(client)).toEqual([{ jsonrpc: "2.0", id: 1, result: { clock: "c", verified: true } }]);
  await client.closed;
  await vi.waitFor(() => expect(server.server.connections).toBe(0), 20_000);
});

test("a shell's one-liner is a client", async () => {
  await using server = await startTestServer(readBlob(5));
  // A client in eight lines of another program, which half-closes as `printf … | nc -U` does.
  const script = `
    const s = require("net").connect({path: process.argv[1], allowHalfOpen: true});
    s.pipe(process.stdout);
    s.end(process.argv[2]);
    s.on("end", () => s.destroy());
  `;
  const { reviewer } = server.home.locations.sockets;
  const child = spawn(process.execPath, ["-e", script, reviewer, request("one", "blob/read", BLOB)]);
  expect(JSON.parse(await text(child.stdout))).toEqual({
    jsonrpc: "2.0",
    id: "one",
    result: { data: "xxxxx", size: 5 },
  });
});

test("one answer of any size is delivered", async () => {
  await using server = await startTestServer(readBlob(100 * MiB));
  const client = await server.connect();
  expect((await client.request("blob/read", BLOB)).result.data.length).toBe(100 * MiB);
});

test("a client that sends and never reads is not read on, and costs a bounded amount of memory", {
  timeout: 120_000,
}, async () => {
  let calls = 0;
  await using server = await startTestServer({
    ...readBlob(0),
    "blob/read": () => {
      calls += 1;
      return { data: "x".repeat(256 * 1024), size: 1 };
    },
  });
  const before = process.memoryUsage.rss();
  const mute = await server.connect();
  mute.socket.pause();
  const asked = 1200;
  for (let id = 0; id < asked; id++) mute.write(request(id, "blob/read", BLOB));
  // 300 MiB of answers are asked for; the daemon stops after some 8 MiB, and serves others meanwhile.
  await vi.waitFor(() => expect(server.server.queuedBytes).toBeGreaterThan(8 * MiB), 20_000);
  const other = await server.connect();
  for (let round = 0; round < 20; round++) await other.request("workspace/list");
  expect(calls).toBeLessThan(200);
  expect(server.server.queuedBytes).toBeLessThan(80 * MiB);
  expect(process.memoryUsage.rss() - before).toBeLessThan(250 * MiB);

  // It reads after all: everything is answered, in order.
  mute.socket.resume();
  for (let id = 0; id < asked; id++) expect((await mute.next()).id).toBe(id);
});

test("a client that lets answers pile up beyond the cap is cut off", async () => {
  const waiting = Promise.withResolvers<void>();
  await using server = await startTestServer({
    ...readBlob(0),
    "blob/read": async () => {
      await waiting.promise;
      return { data: "x".repeat(MiB), size: 1 };
    },
  });
  const mute = await server.connect();
  mute.socket.pause();
  for (let id = 0; id < 200; id++) mute.write(request(id, "blob/read", BLOB));
  const other = await server.connect();
  await other.request("workspace/list");
  waiting.resolve();
  await vi.waitFor(() => expect(server.server.connections).toBe(1), 10_000);
  expect((await other.request("workspace/list")).result).toEqual({ workspaces: [] });
});

test("at most 256 requests of a connection run at once, and all are answered", async () => {
  let running = 0;
  let most = 0;
  // The first ones wait for each other, however slowly they come in.
  const full = Promise.withResolvers<void>();
  await using server = await startTestServer({
    "workspace/list": async () => {
      running += 1;
      most = Math.max(most, running);
      if (running === 256) full.resolve();
      await full.promise;
      await new Promise((resolve) => setTimeout(resolve, 5));
      running -= 1;
      return { workspaces: [] };
    },
  });
  const client = await server.connect();
  const answers = Array.from({ length: 1000 }, () => client.request("workspace/list"));
  await Promise.all(answers);
  expect(most).toBe(256);
});

test("a notification waits for a client that does not read", async () => {
  let taken = false;
  await using server = await startTestServer({
    ...readBlob(1),
    "watch/sync": (_, { peer }) => {
      const value = { phase: "x".repeat(4 * MiB), done: 0, total: 1 };
      void peer.notify("$/progress", { token: 1, value }).then(() => {
        taken = true;
      });
      return { clock: "c", verified: true };
    },
  });
  const client = await server.connect();
  client.socket.pause();
  client.write(request(1, "watch/sync", { workspace: "w" }));
  await vi.waitFor(() => expect(server.server.queuedBytes).toBeGreaterThan(4 * MiB), 20_000);
  await (await server.connect()).request("workspace/list");
  expect(taken).toBe(false);
  client.socket.resume();
  expect((await client.next()).params.token).toBe(1);
  expect((await client.next()).result.clock).toBe("c");
  await vi.waitFor(() => expect(taken).toBe(true), 20_000);
});

test("a client that leaves with answers unread harms nobody", async () => {
  await using server = await startTestServer(readBlob(4 * MiB));
  const other = await server.connect();
  for (let round = 0; round < 20; round++) {
    const rude = await server.connect();
    for (let id = 0; id < 5; id++) rude.write(request(id, "blob/read", BLOB));
    await rude.next();
    // Closing a Unix socket with bytes unread resets the other end.
    rude.socket.pause();
    rude.destroy();
  }
  expect((await other.request("workspace/list")).result).toEqual({ workspaces: [] });
  await vi.waitFor(() => expect(server.server.connections).toBe(1), 20_000);
});

test("a flood of one client delays another's request by no more than its turn", async () => {
  let calls = 0;
  await using server = await startTestServer({
    ...readBlob(0),
    "blob/read": () => {
      calls += 1;
      return { data: "x".repeat(1000), size: 1 };
    },
  });
  const flood = await server.connect();
  const asked = 20_000;
  for (let id = 0; id < asked; id++) flood.write(request(id, "blob/read", BLOB));
  const other = await server.connect();
  const before = calls;
  await other.request("workspace/list");
  // Some turns of 10 ms each, on any machine, while the flood would take them all.
  expect(calls - before).toBeLessThan(asked / 4);
  flood.destroy();
});

test("answers to a batch that come to too much are refused one by one", async () => {
  await using server = await startTestServer(readBlob(10 * MiB));
  const client = await server.connect();
  client.send(
    Array.from({ length: 10 }, (_, id) => ({ jsonrpc: "2.0", id, method: "blob/read", params: BLOB })),
  );
  const answers: Message[] = await client.next();
  expect(answers.filter(({ result }) => result)).toHaveLength(6);
  expect(answers.filter(({ error }) => error?.data.kind === "TooLarge")).toHaveLength(4);
});
