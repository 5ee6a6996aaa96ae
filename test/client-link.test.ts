/** Calls over one connection: cancellation, progress, limits, and what happens when the daemon goes away in mid-call. */
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { connect, type IopipeError, isLost } from "../client/index.ts";
import { startTestServer, type TestHome, testHome } from "./fixture/server.ts";

const wait = (_: unknown, { signal }: { signal: AbortSignal }) =>
  new Promise<never>((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

/** A server that knows bytes: what no well-behaved daemon does. */
async function rawServer(home: TestHome, serve: (socket: Socket) => void) {
  mkdirSync(home.locations.runtimeDir, { recursive: true, mode: 0o700 });
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    serve(socket);
  });
  server.listen(home.locations.sockets.reviewer);
  await once(server, "listening");
  const cutOff = (): void => {
    for (const socket of sockets.splice(0)) socket.destroy();
  };
  return {
    cutOff,
    stopListening: () => void server.close(),
    async [Symbol.asyncDispose]() {
      cutOff();
      server.close();
    },
  };
}

test("an aborted call is cancelled at the daemon and fails with Cancelled", async () => {
  const asked = Promise.withResolvers<void>();
  await using server = await startTestServer({
    "session/check": (params, call) => {
      asked.resolve();
      return wait(params, call);
    },
  });
  const connection = await connect({ env: server.home.env, autostart: false });
  const abort = new AbortController();
  const call = connection.call("session/check", { session: "s1" }, { signal: abort.signal });
  await asked.promise;
  abort.abort();
  await expect(call).rejects.toMatchObject({ kind: "Cancelled" });
  await expect(
    connection.call("session/check", { session: "s1" }, { signal: abort.signal }),
  ).rejects.toMatchObject({ kind: "Cancelled" });
  connection.close();
});

test("progress of a call reaches its caller", async () => {
  await using server = await startTestServer({
    "session/check": async (_params, { progress }) => {
      progress("look", 1, 2);
      return { wouldApply: true, order: [], problems: [] };
    },
  });
  const connection = await connect({ env: server.home.env, autostart: false });
  const seen: unknown[] = [];
  await connection.call("session/check", { session: "s1" }, { onProgress: (value) => seen.push(value) });
  expect(seen).toEqual([expect.objectContaining({ phase: "look", done: 1, total: 2 })]);
  connection.close();
});

test("a call that would pass the frame limit is refused here, and the connection lives on", async () => {
  await using server = await startTestServer({
    "session/list": () => ({ sessions: [] }),
  });
  const connection = await connect({ env: server.home.env, autostart: false });
  const huge = { session: "s1", changes: [{ kind: "applyPatch" as const, text: "x".repeat(17 << 20) }] };
  await expect(connection.call("patch/stage", huge)).rejects.toMatchObject({ kind: "FrameTooLarge" });
  expect(await connection.call("session/list", {})).toEqual({ sessions: [] });
  connection.close();
});

test("when the daemon goes away in mid-call, reads are repeated on the next one and anything else fails as lost", async () => {
  await using home = testHome();
  let asked = "";
  const { promise: allAsked, resolve } = Promise.withResolvers<void>();
  await using mute = await rawServer(home, (socket) => {
    socket.on("data", (chunk) => {
      asked += chunk;
      if (["session/list", "workspace/policy", "session/submit"].every((name) => asked.includes(name)))
        resolve();
    });
  });
  const connection = await connect({ env: home.env, autostart: false });
  const reads = [
    connection.call("session/list", {}),
    // What safeWrite asks before it writes plainly.
    connection.call("workspace/policy", { workspace: "w1" }),
  ];
  const write = connection.call("session/submit", { session: "s1" }).catch((error: unknown) => error);
  await allAsked;
  mute.stopListening();
  const answers = { "session/list": () => ({ sessions: [] }), "workspace/policy": () => ({}) };
  await using _next = await startTestServer(answers, { home });
  mute.cutOff();
  const lost = await write;
  expect(isLost(lost)).toBe(true);
  expect((lost as IopipeError).data.retryable).toBe(true);
  expect(await Promise.all(reads)).toEqual([{ sessions: [] }, {}]);
  connection.close();
});

test("an error without an id fails every call under way", async () => {
  await using home = testHome();
  await using _server = await rawServer(home, (socket) => {
    socket.once("data", () => {
      socket.write('{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"It cannot be parsed."}}\n');
    });
  });
  const connection = await connect({ env: home.env, autostart: false });
  const calls = [connection.call("daemon/stop", {}), connection.call("session/submit", { session: "s1" })];
  for (const call of calls) await expect(call).rejects.toMatchObject({ kind: "ParseError" });
  connection.close();
});

test("an answer that is no JSON ends the connection; the call fails", async () => {
  await using home = testHome();
  await using _server = await rawServer(home, (socket) => {
    socket.once("data", () => socket.end("{no json}\n"));
  });
  const connection = await connect({ env: home.env, autostart: false });
  const error = await connection.call("session/submit", { session: "s1" }).catch((thrown: unknown) => thrown);
  expect(isLost(error)).toBe(false);
  expect(error).toMatchObject({ kind: "ParseError" });
  connection.close();
});
