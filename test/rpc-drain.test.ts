import { expect, test } from "vitest";
import type { Call } from "../daemon/rpc/call.ts";
import { rawClient, startTestServer } from "./fixture/server.ts";

/** Of server.ts, for changes that run: whoever waits where there is nothing to wait for waits as long. */
const DEFAULT_GRACE_MS = 5000;

/** A wait that ends with its signal, and an apply that ends by hand. */
function work() {
  const apply = Promise.withResolvers<never>();
  const applying = Promise.withResolvers<void>();
  const waiting = Promise.withResolvers<void>();
  return {
    apply,
    begun: Promise.all([applying.promise, waiting.promise]),
    handlers: {
      "session/wait": (_: unknown, { signal }: Call) => {
        waiting.resolve();
        return new Promise<never>((_resolve, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason)),
        );
      },
      "patch/apply": () => {
        applying.resolve();
        return apply.promise;
      },
      "workspace/list": () => ({ workspaces: [] }),
    },
  };
}

test("a stopping server finishes changes, refuses what is new, and tells waiting reads why", async () => {
  const { handlers, apply, begun } = work();
  await using server = await startTestServer(handlers);
  const [client, idle] = [await server.connect(), await server.connect("proposer")];
  const answers = [
    client.request("patch/apply", { patch: "p" }),
    client.request("session/wait", { session: "s" }),
  ];
  await begun;

  const stopped = server.server.stop();
  expect((await answers[1])?.error).toMatchObject({
    code: 1080,
    data: { kind: "ShuttingDown", retryable: true },
  });
  expect((await client.request("workspace/list")).error.data.kind).toBe("ShuttingDown");
  await idle.closed;
  await expect(rawClient(server.home.locations.sockets.reviewer)).rejects.toMatchObject({ code: "ENOENT" });

  apply.resolve({ applied: ["p"] } as never);
  expect((await answers[0])?.result).toEqual({ applied: ["p"] });
  await stopped;
  await client.closed;
  await server.server.stop();
});

test("a change that does not end is waited for no longer than the grace", async () => {
  const { handlers, begun } = work();
  await using server = await startTestServer(handlers, { graceMs: 100 });
  const client = await server.connect();
  const answer = client.request("patch/apply", { patch: "p" });
  void client.request("session/wait", { session: "s" });
  await begun;
  const began = performance.now();
  await server.server.stop();
  expect(performance.now() - began).toBeGreaterThanOrEqual(95);
  expect(performance.now() - began).toBeLessThan(DEFAULT_GRACE_MS);
  expect(await answer).toBeUndefined();
});

test("a client that takes nothing does not hold up the end", async () => {
  await using server = await startTestServer({
    "blob/read": () => ({ data: "x".repeat(4 * 1024 * 1024), size: 1 }),
  });
  const mute = await server.connect();
  mute.socket.pause();
  void mute.request("blob/read", { blob: "0".repeat(64) });
  await (await server.connect()).request("blob/read", { blob: "0".repeat(64) });
  const began = performance.now();
  await server.server.stop();
  expect(performance.now() - began).toBeLessThan(DEFAULT_GRACE_MS);
});
