/** The store on a real database in a directory of its own: its lock, its durability, its moves, its numbers. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { newId, openStore, type Store, StoreBusy, StoreUnusable, sha256 } from "../daemon/store/index.ts";
import { openWatchTable } from "../daemon/store/watch-table.ts";

let stateDir: string;
let store: Store;

beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), "iopipe-store-"));
  store = openStore(stateDir);
});

afterEach(() => {
  store.close();
  rmSync(stateDir, { recursive: true });
});

const databaseFile = () => join(stateDir, "iopipe.db");

function reopen(): void {
  store.close();
  store = openStore(stateDir);
}

function openSession(): { workspace: string; session: string } {
  const workspace = store.workspaces.open("/some/root").id;
  const session = newId("s");
  store.sessions.insert({ id: session, workspace, title: "t", role: "reviewer" });
  return { workspace, session };
}

function insertPatch(at: { workspace: string; session: string }, path = "a.txt") {
  return store.patches.insert({
    ...at,
    id: newId("p"),
    path,
    kind: "create",
    base: { exists: false },
    after: { exists: true, type: "file", hash: "0".repeat(64), size: 1, mode: 0o644 },
    added: 1,
    removed: 0,
    binary: false,
    fullReplace: false,
    breakHardLinks: false,
    findings: {},
  });
}

describe("the database", () => {
  test("is held by one process: a second is told so", async () => {
    const script = `import("${new URL("../daemon/store/index.ts", import.meta.url)}").then(({ openStore }) => {
      try { openStore(${JSON.stringify(stateDir)}); } catch (error) { console.log(error.name); }
    })`;
    const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    let said = "";
    child.stdout.on("data", (chunk) => {
      said += chunk;
    });
    await once(child, "exit");
    expect(said.trim()).toBe("StoreBusy");
    expect(new StoreBusy("x")).toBeInstanceOf(Error);
  });

  test("is private to its owner", () => {
    expect(statSync(databaseFile()).mode & 0o777).toBe(0o600);
  });

  test("commits durably: WAL with synchronous=FULL, also after a write", () => {
    store.counters.raise("x", 1);
    store.close();
    const db = new Sqlite(databaseFile());
    expect(db.pragma("journal_mode", { simple: true })).toBe("wal");
    db.close();
    store = openStore(stateDir);
  });

  test.each([
    ["of a newer schema", "user_version = 999", /Use the newer iopipe/],
    ["of another program", "application_id = 5", /not iopipe's/],
  ])("%s is refused and left alone", (_, pragma, message) => {
    store.close();
    const db = new Sqlite(databaseFile());
    db.pragma(pragma);
    db.close();
    expect(() => openStore(stateDir)).toThrow(message);
    expect(() => openStore(stateDir)).toThrow(StoreUnusable);
    rmSync(databaseFile());
    store = openStore(stateDir);
  });

  test("that is damaged is refused with what to do", () => {
    store.close();
    writeFileSync(databaseFile(), "not a database, but long enough to be read as one".repeat(100));
    expect(() => openStore(stateDir)).toThrow(/is damaged .* move the file away/);
    rmSync(databaseFile());
    store = openStore(stateDir);
  });
});

describe("an essential transaction", () => {
  const full = () => Object.assign(new Error("full"), { name: "SqliteError", code: "SQLITE_FULL" });
  const ballast = () => statSync(join(stateDir, "ballast")).size;

  test("that finds no room is run once more without the ballast, which is made again", () => {
    const whole = ballast();
    expect(whole).toBeGreaterThan(0);
    const { workspace } = openSession();
    const sizes: number[] = [];
    const heard: string[] = [];
    store.events.listen(({ type }) => void heard.push(type));
    store.essential(() => {
      sizes.push(ballast());
      store.events.append({ type: "session/opened", workspace }, () => ({}));
      if (sizes.length === 1) throw full();
    });
    expect(sizes).toEqual([whole, 0]);
    expect(heard).toEqual(["session/opened"]);
    expect(store.events.last()).toBe(1);
    expect(ballast()).toBe(whole);
  });

  test("is given up when there is no room without the ballast either", () => {
    const raise = (): never => {
      throw full();
    };
    expect(() => store.essential(raise)).toThrow("full");
    expect(ballast()).toBe(0);
    store.counters.raise("x", 1);
    expect(ballast()).toBeGreaterThan(0);
  });

  test.each([
    ["any other error", new Error("ours")],
    ["an I/O error", Object.assign(new Error("ours"), { name: "SqliteError", code: "SQLITE_IOERR_FSYNC" })],
  ])("%s is not repeated", (_, error) => {
    let runs = 0;
    const work = (): never => {
      runs += 1;
      throw error;
    };
    expect(() => store.essential(work)).toThrow("ours");
    expect(runs).toBe(1);
  });

  test("inside another one joins it", () => {
    const whole = ballast();
    expect(() =>
      store.transaction(() =>
        store.essential(() => {
          throw full();
        }),
      ),
    ).toThrow("full");
    expect(ballast()).toBe(whole);
  });
});

test("the watch table too is its owner's alone, also where an older one was not", () => {
  const file = join(stateDir, "watch.db");
  writeFileSync(file, "", { mode: 0o644 });
  openWatchTable(file).close();
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

describe("blobs", () => {
  const large = Buffer.alloc(300 * 1024, "x");

  test("small ones lie in the database, large ones in a file, and both survive a restart", async () => {
    const [small, big] = await store.blobs.putAll([Buffer.from("hello"), large]);
    reopen();
    expect((await store.blobs.read(small as string)).toString()).toBe("hello");
    expect(await store.blobs.read(big as string)).toEqual(large);
    expect(store.blobs.readSync(big as string)).toEqual(large);
    expect(readdirSync(join(stateDir, "blobs"), { recursive: true })).toContain(
      join((big as string).slice(0, 2), big as string),
    );
    expect(store.blobs.locate(small as string)).toHaveProperty("bytes");
    expect(store.blobs.locate(big as string)).toHaveProperty("path");
  });

  test("are read in ranges, cut at their end", async () => {
    const [small, big] = await store.blobs.putAll([Buffer.from("hello"), large]);
    expect((await store.blobs.read(small as string, 1, 3)).toString()).toBe("ell");
    expect((await store.blobs.read(big as string, large.length - 2, 100)).length).toBe(2);
    expect((await store.blobs.read(big as string, large.length + 5, 1)).length).toBe(0);
  });

  test("that are not there are BlobNotFound", async () => {
    await expect(store.blobs.read("0".repeat(64))).rejects.toMatchObject({ kind: "BlobNotFound" });
    expect(store.blobs.has("0".repeat(64))).toBe(false);
    expect(store.blobs.size("0".repeat(64))).toBeUndefined();
  });

  test("the same bytes are one blob", async () => {
    expect(await store.blobs.put(large)).toBe(await store.blobs.put(Buffer.from(large)));
    expect(await sha256(large)).toBe(await store.blobs.put(large));
  });
});

describe("uploads", () => {
  test("become a blob, chunk by chunk", async () => {
    const upload = store.uploads.begin();
    const sizes = await Promise.all([
      store.uploads.append(upload, 0, Buffer.from("abc")),
      store.uploads.append(upload, 3, Buffer.from("def")),
    ]);
    expect(sizes).toEqual([3, 6]);
    const { blob, size } = await store.uploads.end(upload, undefined);
    expect(size).toBe(6);
    expect((await store.blobs.read(blob)).toString()).toBe("abcdef");
  });

  test("a chunk that does not follow is refused, and the upload goes on", async () => {
    const upload = store.uploads.begin();
    await expect(store.uploads.append(upload, 7, Buffer.from("x"))).rejects.toMatchObject({
      kind: "IllegalState",
      data: { size: 0 },
    });
    await store.uploads.append(upload, 0, Buffer.from("x"));
    await expect(store.uploads.end(upload, "0".repeat(64))).rejects.toMatchObject({ kind: "Conflict" });
    await store.uploads.end(upload, await sha256(Buffer.from("x")));
    await expect(store.uploads.end(upload, undefined)).rejects.toMatchObject({ kind: "BlobNotFound" });
  });

  test("nothing is added to a blob by a chunk that comes with the end", async () => {
    const upload = store.uploads.begin();
    await store.uploads.append(upload, 0, Buffer.from("abc"));
    const end = store.uploads.end(upload, undefined);
    const late = store.uploads.append(upload, 3, Buffer.from("def"));
    await expect(late).rejects.toMatchObject({ kind: "BlobNotFound" });
    const { blob, size } = await end;
    expect([size, store.blobs.readSync(blob).toString()]).toEqual([3, "abc"]);
  });

  test("dropped as soon as begun leaves no file", async () => {
    await store.uploads.drop(store.uploads.begin());
    expect(readdirSync(join(stateDir, "uploads"))).toEqual([]);
  });

  test("that were left are swept at the next start", async () => {
    await store.uploads.append(store.uploads.begin(), 0, Buffer.from("x"));
    const dropped = store.uploads.begin();
    await store.uploads.drop(dropped);
    await store.uploads.drop(dropped);
    expect(readdirSync(join(stateDir, "uploads"))).toHaveLength(1);
    reopen();
    expect(readdirSync(join(stateDir, "uploads"))).toHaveLength(0);
  });
});

describe("patches", () => {
  test("move only as the table says", () => {
    const { id } = insertPatch(openSession());
    expect(() => store.patches.move(id, { state: "Discarded", reason: "undone" })).toThrow(/cannot become/);
    store.patches.move(id, { state: "Applied", operation: "o1" });
    expect(() => store.patches.move(id, { state: "Pending" })).toThrow(
      /is Applied and cannot become Pending/,
    );
    store.patches.move(id, { state: "Discarded", reason: "undone" });
    expect(store.patches.move(id, { state: "Applied" })).toMatchObject({ state: "Applied", operation: "o1" });
  });

  test("one pending a path and session", () => {
    const at = openSession();
    insertPatch(at);
    expect(() => insertPatch(at)).toThrow(/UNIQUE/);
  });

  test("are counted by what they are, and found where they lie", () => {
    const at = openSession();
    const [a, b, c] = [insertPatch(at, "a"), insertPatch(at, "b"), insertPatch(at, "c")];
    store.patches.move(a.id, { state: "Discarded", reason: "stale" });
    store.patches.move(b.id, { state: "Discarded", reason: "rejected" });
    expect(store.sessions.counts(at.session)).toEqual({
      pending: 1,
      stale: 1,
      applied: 0,
      discarded: 1,
      rejected: 1,
    });
    expect(store.patches.unsettledPaths(at.workspace).sort()).toEqual(["a", "c"]);
    expect(store.patches.unsettledAt(at.workspace, ["a", "none"]).map(({ id }) => id)).toEqual([a.id]);
    expect(store.patches.holding(at.session, "c").map(({ id }) => id)).toEqual([c.id]);
    expect(store.patches.holding(at.session, "a")).toEqual([]);
    const page = { limit: 10 };
    expect(store.patches.list({ workspace: at.workspace, sessions: new Set() }, page)).toEqual([]);
    expect(store.patches.list({ workspace: at.workspace }, { limit: 1, before: c.n })).toMatchObject([
      { id: b.id },
    ]);
    expect(store.patches.holdBlob(new Set([at.session]), "0".repeat(64))).toBe(true);
    expect(store.patches.holdBlob(new Set(["other"]), "0".repeat(64))).toBe(false);
    store.patches.remove(c.id);
    expect(() => store.patches.require(c.id)).toThrow(/There is no patch/);
  });

  test("that want to be settled are found without a look at all the others that are kept", () => {
    const at = openSession();
    insertPatch(at, "pending");
    const medianMs = () => {
      const times = Array.from({ length: 101 }, () => {
        const began = performance.now();
        expect(store.patches.unsettledPaths(at.workspace)).toEqual(["pending"]);
        return performance.now() - began;
      });
      return times.sort((a, b) => a - b)[50] as number;
    };
    const alone = medianMs();
    store.transaction(() => {
      for (let n = 0; n < 10_000; n++)
        store.patches.move(insertPatch(at, `f${n}`).id, { state: "Discarded", reason: "rejected" });
    });
    // Looking at them all takes more than a hundred times as long.
    expect(medianMs()).toBeLessThan(20 * alone);
  });
});

test("a session's state is what its patches are, for one and in lists", () => {
  const at = openSession();
  const states = () =>
    (["Pending", "Applied", "Discarded"] as const).filter(
      (state) => store.sessions.list({ state }, { limit: 10 }).length > 0,
    );
  const is = (state: string, pending: number) => {
    expect(store.sessions.stateOf(at.session)).toBe(state);
    expect(states()).toEqual([state]);
    expect(store.sessions.pending()).toBe(pending);
  };
  is("Pending", 1);
  const { id } = insertPatch(at);
  store.patches.move(id, { state: "Discarded", reason: "stale" });
  is("Pending", 1);
  store.patches.move(id, { state: "Pending" });
  store.patches.move(id, { state: "Applied", operation: "o1" });
  is("Applied", 0);
  store.patches.move(id, { state: "Discarded", reason: "undone" });
  is("Discarded", 0);
});

describe("events", () => {
  const event = (at: { workspace: string; session: string }) => ({ type: "session/opened" as const, ...at });

  test("are numbered, kept over a restart, and announced after their commit", () => {
    const at = openSession();
    const heard: number[] = [];
    const stop = store.events.listen(({ seq }) => heard.push(seq));
    store.transaction(() => {
      store.transaction(() => store.events.append(event(at), () => ({ n: 1 })));
      store.events.append(event(at), () => ({ seq: store.sessions.require(at.session).seq }));
      expect(heard).toEqual([]);
    });
    expect(heard).toEqual([1, 2]);
    stop();
    reopen();
    expect(store.events.since(0, at, 10).map(({ body }) => body)).toEqual([{ n: 1 }, { seq: 2 }]);
    expect(store.events.since(1, {}, 10)).toHaveLength(1);
    expect(store.events.since(0, { sessions: new Set() }, 10)).toEqual([]);
    expect(store.events.since(0, { workspace: "other" }, 10)).toEqual([]);
    expect(store.events.since(0, { session: "other" }, 10)).toEqual([]);
    expect(store.events.last()).toBe(2);
  });

  test("of a transaction that fails are not announced, and leave nothing", () => {
    const at = openSession();
    const heard: number[] = [];
    store.events.listen(({ seq }) => heard.push(seq));
    const failing = () =>
      store.transaction(() => {
        store.events.append(event(at), () => ({}));
        throw new Error("no");
      });
    expect(failing).toThrow("no");
    expect(heard).toEqual([]);
    expect(store.events.last()).toBe(0);
  });
});

test("sessions are found by their key and role, newest first", () => {
  const { workspace } = openSession();
  const ids = [newId("s"), newId("s")] as const;
  for (const id of ids) {
    store.sessions.insert({ id, workspace, title: "t", agent: "a", key: "k", role: "proposer" });
  }
  expect(store.sessions.pendingByKey(workspace, "k", "proposer")?.id).toBe(ids[1]);
  expect(store.sessions.pendingByKey(workspace, "k", "reviewer")).toBeUndefined();
  const { id } = insertPatch({ workspace, session: ids[1] as string });
  store.patches.move(id, { state: "Applied", operation: "o1" });
  expect(store.sessions.pendingByKey(workspace, "k", "proposer")?.id).toBe(ids[0]);
  expect(store.sessions.byKey(workspace, "k", "proposer")?.id).toBe(ids[0]);
  store.patches.move(insertPatch({ workspace, session: ids[0] }).id, { state: "Applied", operation: "o2" });
  expect(store.sessions.pendingByKey(workspace, "k", "proposer")).toBeUndefined();
  expect(store.sessions.byKey(workspace, "k", "proposer")?.id).toBe(ids[1]);
  expect(store.sessions.byKey(workspace, "k", "reviewer")).toBeUndefined();
  store.sessions.submit(ids[0], "look");
  expect(store.sessions.get(ids[0])).toMatchObject({ ready: true, message: "look", agent: "a" });
  store.sessions.reopen(ids[0]);
  expect(store.sessions.get(ids[0])).not.toHaveProperty("message");
  expect(() => store.sessions.require("s0")).toThrow(/There is no session s0/);
});

test("a workspace keeps its id when it is closed and opened again", () => {
  const { id } = store.workspaces.open("/r");
  store.workspaces.close(id);
  expect(store.workspaces.opened()).toEqual([]);
  expect(store.workspaces.byRoot("/r")).toMatchObject({ id, open: false });
  expect(store.workspaces.open("/r").id).toBe(id);
  expect(store.workspaces.get(id)?.open).toBe(true);
});

test("a high-water mark only rises, and survives a restart", () => {
  store.counters.raise("clock", 10);
  store.counters.raise("clock", 4);
  reopen();
  expect(store.counters.get("clock")).toBe(10);
  expect(store.counters.get("unknown")).toBe(0);
});
