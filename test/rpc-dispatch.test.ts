import { once } from "node:events";
import { expect, test, vi } from "vitest";
import { DiskError } from "../daemon/disk/errors.ts";
import type { Call, Handlers, Log } from "../daemon/rpc/call.ts";
import { IopipeError } from "../protocol/wire/index.ts";
import { startTestServer } from "./fixture/server.ts";

const errorOf = (kind: string, data: object = {}) => ({
  message: expect.any(String),
  code: expect.any(Number),
  data: expect.objectContaining({ kind, ...data }),
});

/** A handler that a test ends by hand. */
function heldHandler() {
  const held = Promise.withResolvers<never>();
  const begun = Promise.withResolvers<Call>();
  const handler = (_: unknown, call: Call): Promise<never> => {
    begun.resolve(call);
    return held.promise;
  };
  return {
    handler,
    begun: begun.promise,
    answer: (result: unknown) => held.resolve(result as never),
    fail: held.reject,
  };
}

test("checks come in order: method, role, params, then ids", async () => {
  const missing = () => Promise.reject(new IopipeError("WorkspaceNotFound", "No workspace w1 is open."));
  await using server = await startTestServer({ "workspace/close": missing });
  const [reviewer, proposer] = [await server.connect("reviewer"), await server.connect("proposer")];
  const wrong = { workspac: "w1" };
  expect((await proposer.request("workspace/clos", wrong)).error).toEqual(errorOf("MethodNotFound"));
  expect((await proposer.request("workspace/close", wrong)).error).toEqual(errorOf("NotPermitted"));
  expect((await reviewer.request("workspace/close", wrong)).error).toEqual(errorOf("InvalidParams"));
  expect((await reviewer.request("workspace/close", { workspace: "w1" })).error).toEqual(
    errorOf("WorkspaceNotFound"),
  );
});

test.each(["__proto__", "constructor", "toString", "$/cancelRequest", "x".repeat(1000)])(
  "%.20s is no method",
  async (method) => {
    await using server = await startTestServer({});
    expect((await (await server.connect()).request(method)).error).toEqual(errorOf("MethodNotFound"));
  },
);

test.each<[string, object, string, object]>([
  ["session/get", {}, "`session` is missing: expected string", { param: "session" }],
  ["session/get", { session: 5 }, "`session` has the wrong type: expected string", { param: "session" }],
  ["session/get", { session: null }, "`session` has the wrong type: expected string", { param: "session" }],
  ["session/get", { sesion: "s", _meta: {} }, "`sesion` is unknown", { param: "sesion" }],
  ["session/get", ["s1"], "params are given by name, in an object, not by position", {}],
  ["patch/stage", { session: "s", changes: [] }, "`changes` is too small: at least 1 items expected", {}],
  [
    "patch/stage",
    { session: "s", changes: [{ kind: "delete", path: "a" }, { kind: "x" }] },
    "`changes[1].kind` has an unknown value: expected one of write, edit, ",
    { index: 1 },
  ],
  [
    "patch/stage",
    { session: "s", changes: [{ kind: "delete", path: "a", pth: "a" }] },
    "`changes[0].pth` is unknown",
    { index: 0 },
  ],
  [
    "session/diff",
    { session: "s", format: "html" },
    "`format` has an unknown value: expected one of unified, hunks",
    {},
  ],
  ["session/diff", { session: "s", context: 1.5 }, "`context` has the wrong type: expected int", {}],
  ["session/diff", { session: "s", context: 1001 }, "`context` is too big: at most 1000 expected", {}],
  [
    "session/diff",
    { session: "s", progressToken: {} },
    "`progressToken` has the wrong type: expected string or number",
    {},
  ],
  [
    "session/open",
    { workspace: "w", title: "x".repeat(1001) },
    "`title` is too big: at most 1000 characters expected",
    {},
  ],
  ["blob/read", { blob: "ABC" }, "`blob` has the wrong form: expected /", {}],
])("%s refuses %j in words", async (method, params, message, data) => {
  await using server = await startTestServer({});
  const { error } = await (await server.connect()).request(method, params);
  expect(error).toEqual(errorOf("InvalidParams", data));
  expect(error.code).toBe(-32602);
  expect(error.message).toContain(`${method}: ${message}`);
  expect(error.message.length).toBeLessThan(300);
});

test("_meta and progressToken are taken everywhere, and initialize takes anything", async () => {
  const initialize: Handlers["initialize"] = ({ client }, { peer }) => {
    peer.name = client?.name;
    return {} as never;
  };
  await using server = await startTestServer({
    initialize,
    "workspace/list": (_, { by }) => ({ workspaces: [], next: by ?? "nobody" }),
  });
  const client = await server.connect();
  const common = { _meta: { any: ["thing"] }, progressToken: 1 };
  expect((await client.request("workspace/list", common)).result.next).toBe("nobody");
  const lsp = {
    processId: 1,
    rootUri: null,
    capabilities: {},
    client: { name: "vim", pid: 3 },
    progressToken: {},
  };
  expect((await client.request("initialize", lsp)).result).toEqual({});
  expect((await client.request("workspace/list", common)).result.next).toBe("vim");
});

test("requests start in the order they came, and end in theirs", async () => {
  const started: string[] = [];
  const first = heldHandler();
  await using server = await startTestServer({
    "session/get": ({ session }, call) => {
      started.push(session);
      return session === "1" ? first.handler(session, call) : ({} as never);
    },
  });
  const client = await server.connect();
  const answers = ["1", "2", "3"].map((session) => client.request("session/get", { session }));
  await Promise.all(answers.slice(1));
  first.answer({});
  await answers[0];
  expect(started).toEqual(["1", "2", "3"]);
});

test("a cancelled request answers Cancelled, and others go on", async () => {
  const [one, other] = [heldHandler(), heldHandler()];
  await using server = await startTestServer({
    "session/wait": async (_, call) => {
      void one.handler(_, call);
      await once(new EventTarget() as never, "never", { signal: call.signal });
      return {} as never;
    },
    "watch/sync": other.handler,
  });
  const client = await server.connect();
  client.send({ jsonrpc: "2.0", id: "w", method: "session/wait", params: { session: "s" } });
  client.send({ jsonrpc: "2.0", id: "y", method: "watch/sync", params: { workspace: "w" } });
  client.send({ jsonrpc: "2.0", method: "$/cancelRequest", params: { id: "w" } });
  const answer = await client.next();
  expect(answer).toEqual({ jsonrpc: "2.0", id: "w", error: errorOf("Cancelled") });
  expect(answer.error.code).toBe(-32800);
  expect((await other.begun).signal.aborted).toBe(false);
  other.answer({ clock: "c", verified: true });
  expect((await client.next()).result).toEqual({ clock: "c", verified: true });
});

test("an operation that is past its decision answers its result although it was cancelled", async () => {
  const apply = heldHandler();
  await using server = await startTestServer({ "patch/apply": apply.handler });
  const client = await server.connect();
  client.send({ jsonrpc: "2.0", id: 7, method: "patch/apply", params: { patch: "p" } });
  client.send({ jsonrpc: "2.0", method: "$/cancelRequest", params: { id: 7 } });
  const { signal } = await apply.begun;
  await vi.waitFor(() => expect(signal.aborted).toBe(true), 20_000);
  apply.answer({ applied: ["p"] });
  expect((await client.next()).result).toEqual({ applied: ["p"] });
});

test("a batch can cancel its own members", async () => {
  await using server = await startTestServer({
    "session/wait": (_, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
  });
  const client = await server.connect();
  client.send([
    { jsonrpc: "2.0", id: 1, method: "session/wait", params: { session: "s" } },
    { jsonrpc: "2.0", method: "$/cancelRequest", params: { id: 1 } },
  ]);
  expect(await client.next()).toEqual([{ jsonrpc: "2.0", id: 1, error: errorOf("Cancelled") }]);
});

test("a connection's end aborts its reads, and lets its changes run", async () => {
  const [wait, apply] = [heldHandler(), heldHandler()];
  await using server = await startTestServer({ "session/wait": wait.handler, "patch/apply": apply.handler });
  const client = await server.connect();
  void client.request("session/wait", { session: "s" });
  void client.request("patch/apply", { patch: "p" });
  const [read, change] = [await wait.begun, await apply.begun];
  let left = false;
  read.peer.onClose(() => {
    left = true;
  });
  client.destroy();
  await vi.waitFor(() => expect(read.signal.aborted).toBe(true), 20_000);
  expect(left).toBe(true);
  expect(change.signal.aborted).toBe(false);
  wait.fail(new Error("aborted"));
  apply.answer({});
});

test("progress comes when asked for, at most ten a second, with an estimate", async () => {
  await using server = await startTestServer({
    "watch/sync": async (_, { progress }) => {
      for (let done = 0; done <= 100; done++) {
        progress("crawl", done, 100);
        await new Promise((resolve) => setTimeout(resolve, 3));
      }
      return { clock: "c", verified: true };
    },
  });
  const client = await server.connect();
  await client.request("watch/sync", { workspace: "w" });
  const began = performance.now();
  await client.request("watch/sync", { workspace: "w", progressToken: "t" });
  const seconds = (performance.now() - began) / 1000;
  client.end();
  const got = [];
  for (let one = await client.next(); one; one = await client.next()) got.push(one);
  expect(got[0]).toEqual({
    jsonrpc: "2.0",
    method: "$/progress",
    params: { token: "t", value: { phase: "crawl", done: 0, total: 100 } },
  });
  expect(got.length).toBeGreaterThan(1);
  expect(got.length).toBeLessThanOrEqual(seconds * 10 + 1);
  expect(got[1].params.value.etaMs).toBeGreaterThan(0);
});

test("a subscription's answer comes before its first notification", async () => {
  await using server = await startTestServer({
    "watch/subscribe": async (_, { peer }) => {
      const subscription = "sub1";
      peer.subscriptions.set(subscription, () => {});
      for (const clock of ["1", "2"])
        void peer.notify("watch/changes", { subscription, clock, fresh: false, changes: [] });
      await new Promise(setImmediate);
      return { subscription, clock: "0", fresh: false };
    },
  });
  const client = await server.connect();
  client.send({ jsonrpc: "2.0", id: 1, method: "watch/subscribe", params: { workspace: "w" } });
  expect((await client.next()).result.clock).toBe("0");
  expect((await client.next()).params.clock).toBe("1");
  expect((await client.next()).params.clock).toBe("2");
});

test("subscriptions end with their connection", async () => {
  const ended = vi.fn();
  await using server = await startTestServer({
    "events/subscribe": (_, { peer }) => {
      peer.subscriptions.set("sub1", ended);
      peer.onClose(() => {
        throw new Error("a listener's own trouble");
      });
      return { subscription: "sub1", seq: 0 };
    },
  });
  const client = await server.connect();
  await client.request("events/subscribe");
  client.destroy();
  await vi.waitFor(() => expect(ended).toHaveBeenCalledOnce(), 20_000);
});

const errno = (code: string, number: number, path?: string) =>
  Object.assign(new Error(`${code}: secret, open '${path}'`), { code, errno: number, syscall: "open", path });

test.each<[string, unknown, string, object]>([
  ["ENOSPC", errno("ENOSPC", -28, "a/b"), "DiskFull", { path: "a/b" }],
  ["EDQUOT", errno("EDQUOT", -122), "DiskFull", {}],
  ["an EDQUOT without a name", errno("Unknown system error -122", -122), "DiskFull", {}],
  ["EACCES", errno("EACCES", -13, "a"), "AccessDenied", { path: "a" }],
  ["EPERM", errno("EPERM", -1, "a"), "AccessDenied", { path: "a" }],
  ["EROFS", errno("EROFS", -30, "/abs"), "ReadOnly", {}],
  ["ENAMETOOLONG", errno("ENAMETOOLONG", -36, "a"), "NameTooLong", { path: "a" }],
  ["EMFILE", errno("EMFILE", -24), "Busy", { retryable: true }],
  ["EIO", errno("EIO", -5, "a"), "IoFailed", { path: "a", errno: "EIO" }],
  [
    "a full database",
    Object.assign(new Error("x"), { name: "SqliteError", code: "SQLITE_FULL" }),
    "DiskFull",
    {},
  ],
  [
    "a busy database",
    Object.assign(new Error("x"), { name: "SqliteError", code: "SQLITE_BUSY_SNAPSHOT" }),
    "Busy",
    {},
  ],
  [
    "a broken query",
    Object.assign(new Error("x"), { name: "SqliteError", code: "SQLITE_ERROR" }),
    "InternalError",
    {},
  ],
  ["a path error", new DiskError("PathEscape", "../x", "'../x' leads out."), "PathEscape", { path: "../x" }],
  [
    "a wrong argument",
    Object.assign(new TypeError("x"), { code: "ERR_INVALID_ARG_TYPE" }),
    "InternalError",
    {},
  ],
  ["a string", "secret", "InternalError", {}],
])("%s becomes an error of the table", async (_, thrown, kind, data) => {
  await using server = await startTestServer({
    "workspace/list": () => {
      throw thrown;
    },
  });
  const { error } = await (await server.connect()).request("workspace/list");
  expect(error).toEqual(errorOf(kind, data));
  expect(JSON.stringify(error)).not.toContain("secret");
});

test("a defect is logged under the request, and the caller sees nothing of it", async () => {
  const lines: object[] = [];
  const log = recording(lines);
  const defect = new Error(`secret at ${import.meta.filename}`);
  await using server = await startTestServer({ "workspace/list": () => Promise.reject(defect) }, { log });
  const client = await server.connect();
  client.send({ jsonrpc: "2.0", id: "my-id", method: "workspace/list" });
  expect(JSON.stringify((await client.next()).error)).not.toMatch(/secret|rpc-dispatch/);
  expect(lines).toContainEqual(
    expect.objectContaining({ id: "my-id", method: "workspace/list", request: "1.1", err: defect }),
  );
});

function recording(lines: object[], bound: object = {}): Log {
  const add = (fields: object, message: string) => void lines.push({ ...bound, ...fields, message });
  return {
    debug: add,
    info: add,
    warn: add,
    error: add,
    child: (more) => recording(lines, { ...bound, ...more }),
  };
}

test("with checkResults an error that its method does not list is a defect", async () => {
  const handlers: Partial<Handlers> = {
    "workspace/list": () => {
      throw new IopipeError("Stale", "It is stale.");
    },
  };
  await using strict = await startTestServer(handlers, { checkResults: true });
  expect((await (await strict.connect()).request("workspace/list")).error).toMatchObject(
    errorOf("InternalError"),
  );
  await using usual = await startTestServer(handlers);
  expect((await (await usual.connect()).request("workspace/list")).error).toMatchObject(errorOf("Stale"));
});

test("with checkResults a result that its schema does not allow is a defect", async () => {
  const handlers = { "workspace/list": () => ({ workspaces: [{ id: 5 }] }) as never };
  await using strict = await startTestServer(handlers, { checkResults: true });
  expect((await (await strict.connect()).request("workspace/list")).error).toEqual(errorOf("InternalError"));
  await using lax = await startTestServer(handlers);
  expect((await (await lax.connect()).request("workspace/list")).result.workspaces).toHaveLength(1);
});

test("an answer that cannot be encoded is a defect, alone and in a batch", async () => {
  await using server = await startTestServer({ "workspace/list": () => ({ workspaces: [10n] }) as never });
  const client = await server.connect();
  expect((await client.request("workspace/list")).error).toEqual(errorOf("InternalError"));
  client.send([{ jsonrpc: "2.0", id: "b", method: "workspace/list" }]);
  expect((await client.next())[0].error).toEqual(errorOf("InternalError"));
});
