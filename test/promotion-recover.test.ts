/** Recovery where somebody was at the files between the kill and the restart, and what it makes of each state. */
import * as fs from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openTree } from "../daemon/disk/index.ts";
import {
  type PromotionRequest,
  planUndo,
  promote,
  recover,
  type Transition,
} from "../daemon/promotion/index.ts";
import type { OperationRow } from "../daemon/store/index.ts";
import { type House, openHouse, type Root, sha256 } from "./promotion/house.ts";
import { Crash, errno, type Fault, faulty, moving, portWith } from "./promotion/ports.ts";

let house: House;
beforeAll(() => {
  house = openHouse();
});
afterAll(() => house.close());

const debris = (root: Root) => Object.keys(root.snapshot()).filter((name) => name.includes(".iopipe-"));

/** Promotes until `when` says that the process is dead; from then on neither disk nor store can be written. */
async function killed(
  root: Root,
  transitions: Transition[],
  when: (call: string, name: string) => boolean,
  extra: Partial<PromotionRequest> = {},
) {
  let dead = false;
  const fault: Fault = {
    calls: 0,
    names: [],
    before: (_call, name, args) => {
      dead ||= when(name, String(["rename", "exchange", "link"].includes(name) ? args[3] : args[1]));
      if (dead) throw new Crash();
    },
  };
  const { tree, store } = faulty(root.path, house.store, fault);
  const request = { workspace: root.workspace, tree, kind: "apply" as const, transitions, ...extra };
  await promote(request, store).catch(() => undefined);
  expect(dead).toBe(true);
}

const changesOf = (root: Root, contents: Record<string, string | undefined>) =>
  Promise.all(Object.entries(contents).map(([path, content]) => house.change(root, path, content)));

async function recovered(root: Root): Promise<OperationRow> {
  const [row, more] = await house.recover(root);
  expect(more).toBeUndefined();
  expect(await house.recover(root)).toEqual([]);
  expect(debris(root)).toEqual([]);
  return row as OperationRow;
}

const outcomesOf = ({ phase, files }: OperationRow) => [phase, ...files.map(({ outcome }) => outcome)];

const beforeSwapOf = (path: string) => (call: string, name: string) => call === "exchange" && name === path;
const inCleanup = (call: string, name: string) => call === "unlink" && name.endsWith(".bak");

test.each([
  ["in place", (root: Root) => fs.writeFileSync(root.at("b"), "edited")],
  [
    "by rename",
    (root: Root) => {
      root.write({ "b.new": "edited" });
      fs.renameSync(root.at("b.new"), root.at("b"));
    },
  ],
])("edited %s before its swap: the others go back, the edit stays, a person is asked", async (_how, edit) => {
  const root = house.root({ a: "a", b: "b" });
  await killed(root, await changesOf(root, { a: "A", b: "B" }), beforeSwapOf("b"));
  expect(root.read("a")).toBe("A");
  edit(root);
  expect(outcomesOf(await recovered(root))).toEqual(["attention", "before", "foreign"]);
  expect(root.snapshot()).toEqual({ a: "644 a", b: "644 edited" });
});

test("edited in place after all swaps: it is done, and the edit stays", async () => {
  const root = house.root({ a: "a", b: "b" });
  await killed(root, await changesOf(root, { a: "A", b: "B" }), inCleanup);
  fs.appendFileSync(root.at("a"), " edited");
  expect(outcomesOf(await recovered(root))).toEqual(["applied", "after", "after"]);
  expect(root.snapshot()).toEqual({ a: "644 A edited", b: "644 B" });
});

test("edited by rename after all swaps: nobody can tell, so a person is asked", async () => {
  const root = house.root({ a: "a", b: "b" });
  await killed(root, await changesOf(root, { a: "A", b: "B" }), inCleanup);
  root.write({ "a.new": "edited" });
  fs.renameSync(root.at("a.new"), root.at("a"));
  const row = await recovered(root);
  expect(outcomesOf(row)).toEqual(["attention", "foreign", "after"]);
  expect(root.snapshot()).toEqual({ a: "644 edited", b: "644 B" });

  expect(house.store.operations.resolve(row.id).phase).toBe("resolved");
  expect(() => house.store.operations.resolve(row.id)).toThrow("does not need attention");
  const plan = await planUndo(house.store.operations.require(row.id), openTree(root.path));
  expect(plan.reverted).toEqual(["b"]);
});

test("a file that somebody made again after its removal is theirs", async () => {
  const root = house.root({ a: "a", b: "b" });
  await killed(root, await changesOf(root, { a: undefined, b: undefined }), inCleanup);
  root.write({ a: "made again" });
  expect(outcomesOf(await recovered(root))).toEqual(["applied", "after", "after"]);
  expect(root.snapshot()).toEqual({ a: "644 made again" });
});

test("a file made again where the sweep has been: nobody can tell", async () => {
  const root = house.root({ a: "a", b: "b" });
  const changes = await changesOf(root, { a: undefined, b: undefined });
  await killed(root, changes, (call, name) => call === "unlink" && name.endsWith("-1.bak"));
  root.write({ a: "made again" });
  expect(outcomesOf(await recovered(root))).toEqual(["attention", "foreign", "after"]);
  expect(root.snapshot()).toEqual({ a: "644 made again" });
});

test("a file edited before its removal is kept, and its sibling comes back", async () => {
  const root = house.root({ a: "a", b: "b" });
  await killed(
    root,
    await changesOf(root, { a: undefined, b: undefined }),
    (call, name) => call === "rename" && name.endsWith("-1.bak"),
  );
  root.write({ b: "edited" });
  expect(outcomesOf(await recovered(root))).toEqual(["attention", "before", "foreign"]);
  expect(root.snapshot()).toEqual({ a: "644 a", b: "644 edited" });
});

test("a mode that is neither: nobody can tell", async () => {
  const root = house.root({ a: "a", run: { text: "x", mode: 0o644 } });
  const chmod = await house.change(root, "run", { text: "x", mode: 0o755 });
  await killed(root, [...(await changesOf(root, { a: "A" })), chmod], inCleanup);
  fs.chmodSync(root.at("run"), 0o600);
  expect(outcomesOf(await recovered(root))).toEqual(["attention", "after", "foreign"]);
  expect(root.snapshot()).toEqual({ a: "644 A", run: "600 x" });
});

test("temporary files that a power cut took are written anew from the store, with their owner", async () => {
  const root = house.root({ a: "a", l: "-> a", old: "r" });
  if (process.getuid?.() === 0) fs.chownSync(root.at("a"), 12, 34);
  const changes = [
    ...(await changesOf(root, { a: "A", n: "new", l: "-> b" })),
    ...(await house.rename(root, "old", "renamed")),
  ];
  await killed(root, changes, beforeSwapOf("a"));
  const [kept, ...lost] = debris(root).filter((name) => name.endsWith(".tmp"));
  for (const name of lost) fs.unlinkSync(root.at(name));
  fs.truncateSync(root.at(kept as string));
  expect((await recovered(root)).phase).toBe("applied");
  expect(root.snapshot()).toEqual({ a: "644 A", l: "-> b", n: "644 new", renamed: "644 r" });
  if (process.getuid?.() === 0) expect(fs.statSync(root.at("a"))).toMatchObject({ uid: 12, gid: 34 });
});

test("a backup that a power cut took is written anew from the store", async () => {
  const root = house.root({ a: "a", gone: { text: "gone", mode: 0o640 }, b: "b" });
  await killed(root, await changesOf(root, { gone: undefined, a: "A", b: "B" }), beforeSwapOf("b"));
  for (const name of debris(root)) if (name.endsWith(".bak")) fs.unlinkSync(root.at(name));
  root.write({ b: "edited" });
  expect(outcomesOf(await recovered(root))).toEqual(["attention", "before", "before", "foreign"]);
  expect(root.snapshot()).toEqual({ a: "644 a", b: "644 edited", gone: "640 gone" });
});

test("recovery itself meets an edit, or an error: what it had published goes back", async () => {
  for (const meet of ["edit", "error"]) {
    const root = house.root({ a: "a", b: "b" });
    await killed(root, await changesOf(root, { a: "A", b: "B" }), beforeSwapOf("a"));
    const port = portWith((real) => ({
      ...moving(real, (move, _name, newName) => {
        if (newName === "b" && meet === "error") throw errno("EIO");
        move();
        if (newName === "a" && meet === "edit" && root.read("a") === "A") root.write({ b: "edited" });
      }),
    }));
    const [row] = await house.recover(root, port);
    expect(row?.phase, meet).toBe(meet === "edit" ? "attention" : "aborted");
    expect(root.snapshot()).toEqual({ a: "644 a", b: meet === "edit" ? "644 edited" : "644 b" });
  }
});

test("a way back that fails is gone on with by the next recovery", async () => {
  const root = house.root({ a: "a", b: "b" });
  const troubles: unknown[] = [];
  const port = portWith((real) => ({
    ...moving(real, (move, name, newName) => {
      if (newName === "b" || name.endsWith(".bak")) throw errno("EIO");
      move();
    }),
  }));
  const trouble = (error: unknown) => void troubles.push(error);
  const changes = await changesOf(root, { a: "A", b: "B" });
  const failed = await house
    .apply(root, changes, { tree: openTree(root.path, [], port), trouble })
    .catch((error) => error);
  expect(failed).toMatchObject({ kind: "IoFailed", data: { unfinished: true, path: "b" } });
  expect(troubles).toMatchObject([{ code: "EIO", path: "a" }]);
  await expect(house.recover(root, port)).rejects.toMatchObject({ code: "EIO" });
  const row = await recovered(root);
  expect(row).toMatchObject({ phase: "aborted", error: expect.stringContaining("EIO") });
  expect(root.snapshot()).toEqual({ a: "644 a", b: "644 b" });
});

test.each(["applied", "aborted", "attention"])(
  "files of ours that cannot be removed stay in the journal of an operation that is %s",
  async (phase) => {
    const root = house.root({ a: "a", b: "b" });
    const port = portWith((real) => ({
      createFile: async (dir, name) => {
        if (phase === "aborted" && name.endsWith("1.tmp")) throw errno("ENOSPC");
        return real.createFile(dir, name);
      },
      ...moving(real, (move, _name, newName) => {
        if (phase === "attention" && newName === "b") {
          fs.writeFileSync(root.at("a"), "edited");
          throw errno("EIO");
        }
        move();
      }),
      unlink: (dir, name) => {
        if (name.startsWith(".iopipe-")) throw errno("EPERM");
        real.unlink(dir, name);
      },
    }));
    const changes = await changesOf(root, { a: "A", b: "B" });
    await house.apply(root, changes, { tree: openTree(root.path, [], port) }).catch(() => undefined);
    const [open] = house.store.operations.openJournals(root.workspace);
    expect(open?.phase).toBe(phase);
    expect(debris(root).length).toBeGreaterThan(0);
    expect(await house.recover(root, port)).toMatchObject([{ phase }]);
    expect((await recovered(root)).phase).toBe(phase);
  },
);

test("a late edit found only when sweeping again is rescued all the same", async () => {
  const root = house.root({ a: "a" });
  const port = portWith(() => ({
    unlink: () => {
      throw errno("EPERM");
    },
  }));
  const row = await house.apply(root, await changesOf(root, { a: "A" }), {
    tree: openTree(root.path, [], port),
  });
  const [backup] = debris(root).filter((name) => name.endsWith(".bak"));
  fs.writeFileSync(root.at(backup as string), "late");
  expect((await recovered(root)).files).toMatchObject([{ rescued: sha256("late"), outcome: "after" }]);
  expect(row.phase).toBe("applied");
});

test("a record that cannot be written after all is done is not the caller's failure", async () => {
  const root = house.root({ a: "a" });
  const troubles: unknown[] = [];
  const close = () => {
    throw Object.assign(new Error("full"), { name: "SqliteError", code: "SQLITE_FULL" });
  };
  const store = { ...house.store, operations: { ...house.store.operations, close } };
  const request = {
    ...{ workspace: root.workspace, tree: openTree(root.path), kind: "apply" as const },
    ...{
      transitions: await changesOf(root, { a: "A" }),
      trouble: (error: unknown) => void troubles.push(error),
    },
  };
  expect((await promote(request, store)).phase).toBe("applied");
  expect(troubles).toMatchObject([{ code: "SQLITE_FULL" }]);
  expect((await recovered(root)).phase).toBe("applied");
});

test("what was not swept while the root was absent is swept when it is back", async () => {
  const root = house.root({ a: "a" });
  await house.apply(root, await changesOf(root, { a: "A" }));
  fs.renameSync(root.path, `${root.path}.away`);
  expect(await house.recover(root)).toEqual([]);
  fs.renameSync(`${root.path}.away`, root.path);
  expect(await house.recover(root)).toMatchObject([{ phase: "applied" }]);
  expect(house.store.operations.isOpen(root.workspace)).toBe(false);
});

test("operations are swept together; while that is not durable they stay in the journal", async () => {
  const root = house.root({ a: "a", "d/b": "b" });
  for (const change of [{ a: "A" }, { "d/b": "B" }, { a: "again" }])
    await house.apply(root, await changesOf(root, change));
  expect(debris(root)).toEqual([]);
  const synced: string[] = [];
  const failing = portWith(() => ({ syncDirectory: () => Promise.reject(errno("EIO")) }));
  const troubles: string[] = [];
  await recover({
    ...{ workspace: root.workspace, tree: openTree(root.path, [], failing), store: house.store },
    trouble: (_, operation) => troubles.push(operation),
  });
  const open = house.store.operations.openJournals(root.workspace);
  expect(open).toHaveLength(3);
  expect(troubles).toEqual([open[0]?.id]);
  const port = portWith((real) => ({
    syncDirectory: (dir) => {
      synced.push(dir.path);
      return real.syncDirectory(dir);
    },
  }));
  expect(await house.recover(root, port)).toHaveLength(3);
  expect(synced.toSorted()).toEqual(["", "d"]);
  expect(house.store.operations.isOpen(root.workspace)).toBe(false);
});

test.each([
  ["SQLITE_FULL", "DiskFull"],
  ["SQLITE_IOERR_FSYNC", "IoFailed"],
  ["SQLITE_BUSY_SNAPSHOT", "Busy"],
  ["SQLITE_READONLY_DBMOVED", "ReadOnly"],
])("a decision that answers %s is none", async (code, kind) => {
  const root = house.root({ a: "a" });
  const decide = () => {
    throw Object.assign(new Error("no"), { name: "SqliteError", code });
  };
  const store = { ...house.store, operations: { ...house.store.operations, decide } };
  const request = {
    workspace: root.workspace,
    tree: openTree(root.path),
    kind: "apply" as const,
    transitions: await changesOf(root, { a: "A" }),
  };
  await expect(promote(request, store)).rejects.toMatchObject({ kind });
  expect(root.snapshot()).toEqual({ a: "644 a" });
  expect(house.store.operations.openJournals(root.workspace)).toEqual([]);
});

test("an absent root keeps its journal open and delays nobody; one that cannot be opened says so", async () => {
  const root = house.root({ a: "a" });
  await killed(root, await changesOf(root, { a: "A" }), beforeSwapOf("a"));
  fs.renameSync(root.path, `${root.path}.away`);
  expect(await house.recover(root)).toEqual([]);
  expect(house.store.operations.openJournals(root.workspace)).toHaveLength(1);
  fs.renameSync(`${root.path}.away`, root.path);
  const port = portWith(() => ({
    openRoot: () => {
      throw errno("EACCES");
    },
  }));
  await expect(house.recover(root, port)).rejects.toMatchObject({ code: "EACCES" });
  const told: unknown[] = [];
  const published = (path: string) => void told.push(path);
  await recover({ workspace: root.workspace, tree: openTree(root.path), store: house.store, published });
  expect(told).toEqual(["a"]);
  expect(root.snapshot()).toEqual({ a: "644 A" });
});

test("a directory that somebody has removed meanwhile stays removed, and nothing is half done", async () => {
  const root = house.root({ a: "a", "d/other": "o" });
  await killed(root, await changesOf(root, { a: "A", "d/new": "n" }), beforeSwapOf("a"));
  fs.rmSync(root.at("d"), { recursive: true });
  expect(outcomesOf(await recovered(root))).toEqual(["aborted", "before", "before"]);
  expect(root.snapshot()).toEqual({ a: "644 a" });
});

test("directories that come and go are recovered with their modes", async () => {
  for (const at of ["a", "b"]) {
    const root = house.root({ "d/x": "x", a: "a", b: "b" });
    fs.chmodSync(root.at("d"), 0o2750);
    const before = root.snapshot();
    const changes = await changesOf(root, { "d/x": undefined, "n/m/f": "f", a: "A", b: "B" });
    await killed(root, changes, beforeSwapOf(at), { makeDirectories: [{ path: "n/m", mode: 0o711 }] });
    if (at === "a") {
      expect((await recovered(root)).phase).toBe("applied");
      expect(root.snapshot()).toEqual({
        a: "644 A",
        b: "644 B",
        "n/": "755",
        "n/m/": "711",
        "n/m/f": "644 f",
      });
    } else {
      root.write({ b: "edited" });
      expect((await recovered(root)).phase).toBe("attention");
      expect(root.snapshot()).toEqual({ ...before, b: "644 edited" });
    }
  }
});
