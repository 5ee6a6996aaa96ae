/** Sessions through the client library: staging in every simple form, reading back, applying, content of any size. */
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Connection, connect, type SessionHandle } from "../client/index.ts";
import { startTestDaemon, type TestDaemon } from "./fixture/daemon.ts";

let daemon: TestDaemon;
let connection: Connection;
let root: string;
let session: SessionHandle;
let serial = 0;

beforeAll(async () => {
  daemon = await startTestDaemon();
  connection = await connect({ env: daemon.home.env, client: { name: "test", version: "1" } });
});
afterAll(async () => {
  connection.close();
  await daemon[Symbol.asyncDispose]();
});
beforeEach(async () => {
  root = path.join(daemon.home.directory, `tree${++serial}`);
  mkdirSync(root);
  writeFileSync(path.join(root, "a.txt"), "one\ntwo\n");
  await connection.call("workspace/open", { root });
  session = await connection.openSession({ workspace: root, title: "a test", agent: "vitest" });
});

test("write, edit, delete, rename, chmod and symlink are staged, read back, applied", async () => {
  for (const name of ["gone", "old", "tool"]) writeFileSync(path.join(root, name), `${name}\n`);
  await session.write("new.txt", "new\n", { createOnly: true, note: "why not" });
  await session.edit("a.txt", [{ oldText: "two", newText: "2" }]);
  await session.delete("gone");
  await session.rename("old", "moved");
  await session.chmod("tool", 0o755);
  await session.symlink("link", "a.txt");
  expect((await session.read("a.txt")).bytes.toString()).toBe("one\n2\n");
  expect((await session.list()).map((entry) => entry.path).sort()).toEqual([
    "a.txt",
    "link",
    "moved",
    "new.txt",
    "tool",
  ]);
  const { digest, files } = await session.diff();
  expect(files).toHaveLength(6);
  expect((await session.check()).wouldApply).toBe(true);
  expect((await session.submit("please look")).session.ready).toBe(true);
  const { operation } = await session.apply(digest ?? "");
  expect(operation.state).toBe("committed");
  expect(readFileSync(path.join(root, "moved"), "utf8")).toBe("old\n");
  expect(statSync(path.join(root, "tool")).mode & 0o777).toBe(0o755);
  expect(readlinkSync(path.join(root, "link"))).toBe("a.txt");
});

test("several changes of one call are all staged or none", async () => {
  const failed = session.stage([
    { kind: "write", path: "x", content: "x" },
    { kind: "delete", path: "not there" },
  ]);
  await expect(failed).rejects.toMatchObject({ kind: "FileNotFound", data: { index: 1 } });
  expect((await session.get()).patches).toEqual([]);
});

test("bytes of any size go there and back unchanged: inline as base64, beyond some MiB as blobs", async () => {
  const small = Buffer.from([0, 0xff, 0xfe, 10]);
  const large = randomBytes(7 * 1024 * 1024 + 1);
  await session.stage([
    { kind: "write", path: "small", content: small },
    { kind: "write", path: "large", content: new Uint8Array(large) },
    { kind: "write", path: "empty", content: "" },
  ]);
  expect((await session.read("small")).bytes.equals(small)).toBe(true);
  expect((await session.read("large")).bytes.equals(large)).toBe(true);
  expect((await session.read("empty")).bytes).toHaveLength(0);
  const { session: state } = await session.get();
  await session.apply(state.digest, { confirmFullReplace: true });
  expect(readFileSync(path.join(root, "large")).equals(large)).toBe(true);
});

test("text that a frame could not hold goes there too: control characters take six bytes each", async () => {
  const content = "\u0001".repeat(3 * 1024 * 1024);
  await session.stage([
    { kind: "write", path: "one", content },
    { kind: "write", path: "two", content: `${content.slice(0, 700_000)}2` },
    { kind: "write", path: "three", content: `${content.slice(0, 700_000)}3` },
  ]);
  expect((await session.read("one")).bytes.equals(Buffer.from(content))).toBe(true);
  expect((await session.read("three")).bytes.at(-1)).toBe("3".charCodeAt(0));
});

test("progress of an upload is told", async () => {
  const seen: number[] = [];
  const content = randomBytes(5 * 1024 * 1024);
  await session.stage([{ kind: "write", path: "up", content }], {
    onProgress: ({ phase, done }) => phase === "upload" && seen.push(done),
  });
  expect(seen).toEqual([1, 2, 3, 4, 5].map((n) => n * 1024 * 1024));
});

test("a directory of many files is listed page by page", async () => {
  mkdirSync(path.join(root, "many"));
  for (let n = 0; n < 1500; n++) writeFileSync(path.join(root, "many", `f${n}`), "");
  const names = new Set((await session.list("many")).map((entry) => entry.path));
  expect(names.size).toBe(1500);
  expect((await session.list(undefined, { recursive: true })).length).toBeGreaterThanOrEqual(1501);
});

test("wait answers at the next event; discard and restore", async () => {
  const { patches, session: state } = await session.write("a.txt", "other\n");
  const waiting = session.wait({ since: state.seq, timeoutMs: 10_000 });
  await session.discard([patches[0]?.id ?? ""]);
  expect((await waiting).timedOut).toBe(false);
  expect((await session.restore()).session.patches.pending).toBe(1);
});

test("the same key gives the same session", async () => {
  const key = `key ${serial}`;
  const first = await connection.openSession({ workspace: root, key });
  expect((await connection.openSession({ workspace: root, key })).id).toBe(first.id);
});
