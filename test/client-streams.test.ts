/** Changes and events as async iterators: from a cursor, across restarts of the daemon, with gaps said, ended cleanly. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import {
  type Connection,
  connect,
  type FileChanges,
  type IopipeEvent,
  type Subscription,
} from "../client/index.ts";
import { kill, startingHome } from "./fixture/cli.ts";
import { startTestDaemon } from "./fixture/daemon.ts";
import { type TestHome, testHome } from "./fixture/server.ts";

function makeTree(home: TestHome): string {
  const root = path.join(home.directory, "tree");
  mkdirSync(root);
  writeFileSync(path.join(root, "a.txt"), "one\n");
  return root;
}

/** Reads on until a batch names `name`; gives that batch. */
async function until(changes: Subscription<FileChanges>, name: string): Promise<FileChanges> {
  for (;;) {
    const { value } = await changes.next();
    if (value === undefined) throw new Error(`the stream ended before ${name}`);
    if (value.changes.some((change) => change.path === name)) return value;
  }
}

async function opened(home: TestHome, root: string): Promise<Connection> {
  const connection = await connect({ env: home.env });
  await connection.call("workspace/open", { root });
  await connection.call("watch/sync", { workspace: root });
  return connection;
}

test("changes from now on, and from a clock", async () => {
  await using daemon = await startTestDaemon();
  const root = makeTree(daemon.home);
  const connection = await opened(daemon.home, root);
  const changes = connection.changes(root);
  await changes.ready;
  writeFileSync(path.join(root, "b.txt"), "b\n");
  const batch = await until(changes, "b.txt");
  expect(batch.fresh).toBe(false);
  writeFileSync(path.join(root, "c.txt"), "c\n");
  await until(changes, "c.txt");
  expect(await changes.return()).toEqual({ done: true, value: undefined });
  expect(await changes.next()).toEqual({ done: true, value: undefined });

  const later = connection.changes(root, {
    since: batch.clock,
    include: ["**/*.txt"],
    priorities: ["HIGH", "MED"],
  });
  await until(later, "c.txt");
  await later.return();
  connection.close();
});

test("a clock that nobody knows gives one fresh batch with all that exists", async () => {
  await using daemon = await startTestDaemon();
  const root = makeTree(daemon.home);
  const connection = await opened(daemon.home, root);
  const changes = connection.changes(root, { since: "not a clock" });
  const { value } = await changes.next();
  expect(value).toMatchObject({ fresh: true });
  expect(value?.changes.map((change) => change.path)).toEqual(["a.txt"]);
  writeFileSync(path.join(root, "b.txt"), "b\n");
  expect((await until(changes, "b.txt")).fresh).toBe(false);
  const none = connection.changes(root, { since: "not a clock", priorities: ["HIGH"] });
  expect((await none.next()).value?.changes.filter(({ priority }) => priority !== "HIGH")).toEqual([]);
  await Promise.all([changes.return(), none.return()]);
  connection.close();
});

test("changes go on at their cursor after kill -9 of the daemon, with what happened meanwhile", async () => {
  await using home = startingHome();
  const root = makeTree(home);
  const connection = await opened(home, root);
  const changes = connection.changes(root);
  await changes.ready;
  writeFileSync(path.join(root, "before.txt"), "");
  await until(changes, "before.txt");
  const { pid } = await connection.call("daemon/status", {});
  await kill(pid);
  writeFileSync(path.join(root, "meanwhile.txt"), "");
  expect((await until(changes, "meanwhile.txt")).fresh).toBe(false);
  writeFileSync(path.join(root, "after.txt"), "");
  await until(changes, "after.txt");
  await changes.return();
  connection.close();
});

test("a daemon that was stopped on purpose is waited for, not started", async () => {
  await using home = testHome();
  const root = makeTree(home);
  const first = await startTestDaemon({ home });
  const connection = await opened(home, root);
  const changes = connection.changes(root);
  await changes.ready;
  await first[Symbol.asyncDispose]();
  writeFileSync(path.join(root, "meanwhile.txt"), "");
  const batch = until(changes, "meanwhile.txt");
  await using _second = await startTestDaemon({ home });
  expect((await batch).fresh).toBe(false);
  await changes.return();
  connection.close();
});

test("a stream ends when its signal is aborted or its connection closed, and fails for an unknown workspace", async () => {
  await using daemon = await startTestDaemon();
  const root = makeTree(daemon.home);
  const connection = await opened(daemon.home, root);
  const abort = new AbortController();
  const aborted = connection.changes(root, { signal: abort.signal });
  const closed = connection.changes(root);
  await Promise.all([aborted.ready, closed.ready]);
  const pending = [aborted.next(), closed.next()];
  abort.abort();
  expect(await pending[0]).toEqual({ done: true, value: undefined });
  const unknown = connection.changes("/no/such/root");
  await expect(unknown.ready).rejects.toMatchObject({ kind: "WorkspaceNotFound" });
  await expect(unknown.next()).rejects.toMatchObject({ kind: "WorkspaceNotFound" });
  connection.close();
  expect(await pending[1]).toEqual({ done: true, value: undefined });
});

test("events come in order, from a number on too, and a slow reader misses none", async () => {
  await using daemon = await startTestDaemon();
  const root = makeTree(daemon.home);
  const connection = await opened(daemon.home, root);
  const events = connection.events({ workspace: root });
  await events.ready;
  const session = await connection.openSession({ workspace: root });
  // More than a client keeps unread: the stream is taken up again from its cursor.
  for (let n = 0; n < 300; n++) await session.write("a.txt", `content ${n}\n`);
  const seen: IopipeEvent[] = [];
  while (seen.filter(({ type }) => type === "patch/staged").length < 300) {
    const { value } = await events.next();
    if (value !== undefined) seen.push(value);
  }
  expect(seen[0]).toMatchObject({ type: "session/opened", session: { id: session.id } });
  const numbers = seen.map(({ seq }) => seq);
  expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  const again = connection.events({ session: session.id, since: numbers.at(-2) ?? 0 });
  expect((await again.next()).value?.seq).toBe(numbers.at(-1));
  await Promise.all([events.return(), again.return()]);
  connection.close();
});
