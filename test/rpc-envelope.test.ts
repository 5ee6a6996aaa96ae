import { afterAll, beforeAll, expect, test } from "vitest";
import { MAX_BATCH, MAX_FRAME_BYTES } from "../protocol/wire/index.ts";
import { type Message, type RawClient, startTestServer, type TestServer } from "./fixture/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    "workspace/list": () => ({ workspaces: [] }),
    "workspace/close": () => ({}),
  });
});
afterAll(() => server[Symbol.asyncDispose]());

/** Sends `bytes`, then asks something harmless: the answers before that one. */
async function answersTo(bytes: string | Buffer, client?: RawClient): Promise<Message[]> {
  const asking = client ?? (await server.connect());
  asking.write(bytes);
  asking.write('\n{"jsonrpc":"2.0","id":"after","method":"workspace/list"}\n');
  const answers: Message[] = [];
  for (let one = await asking.next(); one?.id !== "after"; one = await asking.next()) {
    if (one === undefined) throw new Error("the connection was closed");
    answers.push(one);
  }
  return answers;
}

const refused = (code: number, kind: string, id: unknown = null) => ({
  jsonrpc: "2.0",
  id,
  error: {
    code,
    message: expect.any(String),
    data: expect.objectContaining({ kind, hint: expect.any(String) }),
  },
});
const invalid = (id: unknown) => refused(-32600, "InvalidRequest", id);
const INVALID = invalid(null);
const list = (id?: unknown) => ({
  jsonrpc: "2.0",
  ...(id !== undefined && { id }),
  method: "workspace/list",
});
const listed = (id: unknown) => ({ jsonrpc: "2.0", id, result: { workspaces: [] } });

test.each([
  ["{bad", refused(-32700, "ParseError")],
  ['{"a":1}}', refused(-32700, "ParseError")],
  ["null", INVALID],
  ["1", INVALID],
  ['"text"', INVALID],
  ["[]", INVALID],
  ["[1]", [INVALID]],
  ["[null,[],{}]", [INVALID, INVALID, INVALID]],
  ["{}", INVALID],
  ['{"jsonrpc":"1.0","id":1,"method":"workspace/list"}', invalid(1)],
  ['{"id":1,"method":"workspace/list"}', invalid(1)],
  ['{"jsonrpc":"2.0","id":1}', invalid(1)],
  ['{"jsonrpc":"2.0","id":1,"method":5}', invalid(1)],
  ['{"jsonrpc":"2.0","id":{},"method":"workspace/list"}', INVALID],
  ['{"jsonrpc":"2.0","id":[1],"method":"workspace/list"}', INVALID],
  ['{"jsonrpc":"2.0","id":true,"method":"workspace/list"}', INVALID],
  ['{"jsonrpc":"2.0","id":1e400,"method":"workspace/list"}', INVALID],
  ['{"jsonrpc":"2.0","id":12345678901234567890,"method":"workspace/list"}', INVALID],
  ['{"jsonrpc":"2.0","id":1,"method":"workspace/list","params":"text"}', invalid(1)],
  ['{"jsonrpc":"2.0","id":1,"method":"workspace/list","params":3}', invalid(1)],
  ['{"jsonrpc":"2.0","id":"seven","params":{}}', invalid("seven")],
  ['{"jsonrpc":"2.0","method":"workspace/list","params":3}', INVALID],
  ['[{"jsonrpc":"2.0","id":8,"method":5}]', [invalid(8)]],
  ['{"jsonrpc":"2.0","id":1,"method":"workspace/list","result":{}}', invalid(1)],
])("%s is refused, and the connection goes on", async (json, answer) => {
  // The first byte of a connection decides its framing; the messages under test may begin with anything.
  const client = await server.connect();
  client.send(list("first"));
  expect(await client.next()).toEqual(listed("first"));
  expect(await answersTo(json, client)).toEqual([answer]);
});

test("a call refused for its envelope settles, and the others on its connection go on", async () => {
  const client = await server.connect();
  const bad = client.request("workspace/list", 3 as unknown as object);
  const good = client.request("workspace/list");
  expect(await bad).toMatchObject({ error: { data: { kind: "InvalidRequest" } } });
  expect(await good).toMatchObject({ result: { workspaces: [] } });
});

test("a message that is not UTF-8 is a parse error, and the connection goes on", async () => {
  const broken = Buffer.concat([
    Buffer.from('{"jsonrpc":"2.0","id":"'),
    Buffer.from([0xff]),
    Buffer.from('"}'),
  ]);
  expect(await answersTo(broken)).toEqual([refused(-32700, "ParseError")]);
});

test.each([[0], [-1], [1.5], ["a string"], [""], ["1"], [null]])(
  "the id %j comes back as it is",
  async (id) => {
    expect(await answersTo(JSON.stringify(list(id)))).toEqual([listed(id)]);
  },
);

test("null params count as none", async () => {
  expect(await answersTo('{"jsonrpc":"2.0","id":1,"method":"workspace/list","params":null}')).toEqual([
    listed(1),
  ]);
});

test("notifications get no answer, not even an error", async () => {
  const silent = ["workspace/list", "no/such", "workspace/close", "$/unknown", "$/cancelRequest"];
  const messages = silent.map((method) =>
    JSON.stringify({ jsonrpc: "2.0", method, params: { nonsense: 1 } }),
  );
  expect(await answersTo(messages.join("\n"))).toEqual([]);
});

test("an answer gets no answer", async () => {
  const answers = [
    '{"jsonrpc":"2.0","id":1,"result":{}}',
    '{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":""}}',
  ];
  expect(await answersTo(answers.join("\n"))).toEqual([]);
});

test("a batch is answered by one array, whatever is in it", async () => {
  expect(await answersTo(JSON.stringify([list(1)]))).toEqual([[listed(1)]]);
  expect(await answersTo(JSON.stringify([list(1), 1, list(), list("x")]))).toEqual([
    [listed(1), INVALID, listed("x")],
  ]);
});

test("a batch of notifications gets nothing", async () => {
  expect(await answersTo(JSON.stringify([list(), { jsonrpc: "2.0", method: "$/x" }]))).toEqual([]);
});

test("a batch may be as large as the limit and no larger", async () => {
  const full = Array.from({ length: MAX_BATCH }, (_, id) => list(id));
  expect((await answersTo(JSON.stringify(full)))[0]).toHaveLength(MAX_BATCH);
  expect(await answersTo(JSON.stringify([...full, list("more")]))).toEqual([INVALID]);
});

test("a client of Content-Length frames is answered in them", async () => {
  const client = await server.connect("reviewer", { framing: "headers" });
  expect(await client.request("workspace/list")).toEqual(listed(1));
  client.send([list("a")]);
  expect(await client.next()).toEqual([listed("a")]);
  client.write("Content-Length: 4\r\n\r\n{bad");
  expect(await client.next()).toEqual(refused(-32700, "ParseError"));
  expect(await client.request("workspace/list")).toEqual(listed(2));
});

test.each(["lines", "headers"] as const)(
  "a request in %s is read however its bytes arrive",
  async (framing) => {
    const client = await server.connect("reviewer", { framing });
    client.socket.setNoDelay(true);
    const json = JSON.stringify(list("Grüße 👋"));
    const bytes = Buffer.from(
      framing === "lines" ? `${json}\n` : `Content-Length: ${Buffer.byteLength(json)}\r\n\r\n${json}`,
    );
    for (const byte of bytes) {
      client.write(Buffer.of(byte));
      await new Promise(setImmediate);
    }
    expect(await client.next()).toEqual(listed("Grüße 👋"));
  },
);

test("what is neither framing gets one parse error and the end", async () => {
  const client = await server.connect();
  client.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  expect(await client.next()).toEqual(refused(-32700, "ParseError"));
  expect(await client.next()).toBeUndefined();
  await client.closed;
});

test("a frame of 17 MiB gets FrameTooLarge and the end, and nobody else notices", async () => {
  const bystander = await server.connect();
  const client = await server.connect();
  client.write(
    Buffer.concat([Buffer.from("{"), Buffer.alloc(MAX_FRAME_BYTES + 1024 * 1024, "x"), Buffer.from("\n")]),
  );
  client.send(list(1));
  expect(await client.next()).toEqual(refused(1050, "FrameTooLarge"));
  expect(await client.next()).toBeUndefined();
  expect(await bystander.request("workspace/list")).toEqual(listed(1));
});

test("an announced frame of 99999999999 bytes gets FrameTooLarge and the end", async () => {
  const client = await server.connect();
  client.write("Content-Length: 99999999999\r\n\r\n");
  // The refused client's framing is known by then, so the raw client must read headers.
  const bytes: Buffer[] = [];
  client.socket.removeAllListeners("data");
  client.socket.on("data", (chunk: Buffer) => bytes.push(chunk));
  await client.closed;
  expect(Buffer.concat(bytes).toString()).toMatch(/^Content-Length: \d+\r\n\r\n\{.*"code":1050/);
});

test("a frame of just under 16 MiB is served", async () => {
  const client = await server.connect();
  const pad = "x".repeat(MAX_FRAME_BYTES - 200);
  client.send({ ...list("large"), params: { _meta: pad } });
  expect(await client.next()).toEqual(listed("large"));
});
