/**
 * A file that another program replaces, by a rename of its own, in the moment between a promotion's last look and its
 * swap: the other program has the last word, and nothing of it is lost. On real files, with the moment made certain.
 */
import * as fs from "node:fs";
import * as koffi from "koffi";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTree } from "../daemon/disk/index.ts";
import { portOf } from "../daemon/disk/platform.ts";
import { orMissing } from "../daemon/disk/syscalls.linux.ts";
import { promote } from "../daemon/promotion/index.ts";
import { type House, openHouse, type Root, sha256 } from "./promotion/house.ts";
import { Crash, errno, type Fault, faulty, moving, portWith } from "./promotion/ports.ts";

let house: House;
beforeAll(() => {
  house = openHouse();
});
afterAll(() => house.close());

/** Saves as many an editor does. */
function save(root: Root, path: string, content: string): void {
  fs.writeFileSync(root.at(`${path}.saving`), content);
  fs.renameSync(root.at(`${path}.saving`), root.at(path));
}

/** Does `deeds` in turn, each just before one of the swaps of `f`. */
function beforeSwaps(root: Root, ...deeds: (() => void)[]) {
  const port = portWith((real) =>
    moving(real, (move, _name, newName) => {
      if (newName === "f") deeds.shift()?.();
      move();
    }),
  );
  return { tree: openTree(root.path, [], port) };
}

async function replacing(...editors: ((root: Root) => void)[]) {
  const root = house.root({ a: "a", f: "old" });
  const changes = [await house.change(root, "a", "A"), await house.change(root, "f", "new")];
  const deeds = editors.map((editor) => () => editor(root));
  const error = await house.apply(root, changes, beforeSwaps(root, ...deeds)).catch((caught) => caught);
  const [operation] = house.store.operations.list({ workspace: root.workspace }, { limit: 1 });
  return { root, error, operation };
}

const saves = (content: string) => (root: Root) => save(root, "f", content);

test("what was saved in that moment stays, and the rest is taken back", async () => {
  const { root, error, operation } = await replacing(saves("theirs"));
  expect(error.kind).toBe("Stale");
  expect(operation?.phase).toBe("aborted");
  expect(root.snapshot()).toEqual({ a: "644 a", f: "644 theirs" });
});

test("an editor that saves again and again has the last word; what it displaced is kept", async () => {
  const { root, error, operation } = await replacing(saves("first"), saves("second"), saves("third"));
  expect(error.kind).toBe("Stale");
  expect(root.snapshot()).toEqual({ a: "644 a", f: "644 third" });
  expect(operation?.files.find(({ path }) => path === "f")?.rescued).toBe(sha256("second"));
});

test("a file that is removed in that moment is not made again", async () => {
  const { root, error } = await replacing((one) => fs.unlinkSync(one.at("f")));
  expect(error.kind).toBe("Stale");
  expect(root.snapshot()).toEqual({ a: "644 a" });
});

test("a directory that takes its place stays", async () => {
  const { root, error } = await replacing((one) => {
    fs.unlinkSync(one.at("f"));
    fs.mkdirSync(one.at("f"));
    one.write({ "f/g": "theirs" });
  });
  expect(error.kind).toBe("Stale");
  expect(root.snapshot()).toEqual({ a: "644 a", "f/": "755", "f/g": "644 theirs" });
});

test("what was saved while a file is being taken back stays too", async () => {
  const root = house.root({ f: "old", z: "z" });
  const changes = [await house.change(root, "f", "new"), await house.change(root, "z", "Z")];
  let taken = 0;
  const port = portWith((real) =>
    moving(real, (move, _name, newName) => {
      if (newName === "z") throw errno("EIO");
      if (newName === "f" && ++taken === 2) save(root, "f", "theirs");
      move();
    }),
  );
  const operation = await house.apply(root, changes, { tree: openTree(root.path, [], port) });
  expect(operation.phase).toBe("attention");
  expect(root.snapshot()).toEqual({ f: "644 theirs", z: "644 z" });
});

/** Dies right after `theirs` was displaced: it has our name, and ours is in its place. */
async function killedWithDisplaced(theirs: (root: Root) => void): Promise<Root> {
  const root = house.root({ a: "a", f: "old" });
  const changes = [await house.change(root, "a", "A"), await house.change(root, "f", "new")];
  let dead = false;
  const fault: Fault = {
    calls: 0,
    names: [],
    before: (_call, name) => {
      if (dead) throw new Crash();
      if (name !== "exchange" || root.read("a") === "a") return;
      theirs(root);
      dead = true;
    },
  };
  const { tree, store } = faulty(root.path, house.store, fault);
  const request = { workspace: root.workspace, tree, kind: "apply" as const, transitions: changes };
  await promote(request, store).catch(() => undefined);
  expect([dead, root.read("f")]).toEqual([true, "new"]);
  return root;
}

const THEIRS: Readonly<Record<string, readonly [put: (root: Root) => void, shown: Record<string, string>]>> =
  {
    "a file": [saves("theirs"), { f: "644 theirs" }],
    "a link": [
      (root) => {
        fs.symlinkSync("theirs", root.at("f.saving"));
        fs.renameSync(root.at("f.saving"), root.at("f"));
      },
      { f: "-> theirs" },
    ],
    "a directory": [
      (root) => {
        fs.unlinkSync(root.at("f"));
        root.write({ "f/g": "theirs" });
      },
      { "f/": "755", "f/g": "644 theirs" },
    ],
  };

describe.each(Object.entries(THEIRS))("killed with %s of theirs displaced", (_what, [put, shown]) => {
  test("it is back after the restart, and the rest as before", async () => {
    const root = await killedWithDisplaced(put);
    const [operation] = await house.recover(root);
    expect(operation).toMatchObject({ phase: "attention" });
    expect(operation?.files.map(({ path, outcome }) => [path, outcome])).toEqual([
      ["a", "before"],
      ["f", "foreign"],
    ]);
    expect(root.snapshot()).toEqual({ a: "644 a", ...shown });
  });
});

test("killed with their file displaced, and they save again before the restart: what was displaced is kept as a blob", async () => {
  const root = await killedWithDisplaced(saves("theirs"));
  save(root, "f", "later");
  const [operation] = await house.recover(root);
  expect(operation?.files.find(({ path }) => path === "f")?.rescued).toBe(sha256("theirs"));
  expect((await house.store.blobs.read(sha256("theirs"))).toString()).toBe("theirs");
  expect(root.read("f")).toBe("later");
});

test("what could not be put back at once is put back on the way back", async () => {
  const root = house.root({ f: "old" });
  const change = await house.change(root, "f", "new");
  let swaps = 0;
  const port = portWith((real) => ({
    exchange: (...names) => {
      if (++swaps === 1) save(root, "f", "theirs");
      if (swaps === 2) throw errno("EIO");
      return real.exchange(...names);
    },
  }));
  const operation = await house.apply(root, [change], { tree: openTree(root.path, [], port) });
  expect(operation).toMatchObject({ phase: "attention", files: [{ path: "f", outcome: "foreign" }] });
  expect(root.snapshot()).toEqual({ f: "644 theirs" });
});

test("where names cannot be exchanged, files are replaced, and undone, all the same", async () => {
  const root = house.root({ f: "old", d: "doomed" });
  const tree = openTree(
    root.path,
    [],
    portWith(() => ({ exchange: () => false })),
  );
  const changes = [await house.change(root, "f", "new"), await house.change(root, "d", undefined)];
  const operation = await house.apply(root, changes, { tree });
  expect(root.snapshot()).toEqual({ f: "644 new" });
  await house.undo(root, operation, undefined, { tree });
  expect(root.snapshot()).toEqual({ f: "644 old", d: "644 doomed" });
});

test("an error of the exchange is the promotion's", async () => {
  const root = house.root({ f: "old" });
  const tree = openTree(
    root.path,
    [],
    portWith(() => ({
      exchange: () => {
        throw errno("EPERM", "renameat2");
      },
    })),
  );
  const change = await house.change(root, "f", "new");
  await expect(house.apply(root, [change], { tree })).rejects.toMatchObject({ kind: "AccessDenied" });
  expect(root.snapshot()).toEqual({ f: "644 old" });
});

test("a C library without the call is as a kernel without it", () => {
  const call = orMissing<[]>(koffi, () => {
    throw new Error("Cannot find function 'renameat2' in shared library");
  });
  expect(call()).toBe(-1);
  expect(koffi.errno()).toBe(koffi.os.errno.ENOSYS);
});

test("what the kernel refuses to exchange is said, and nothing has changed", () => {
  const root = house.root({ "d/e/f": "" });
  const port = portOf("linux");
  const top = port.openRoot(root.path);
  const inner = port.openDirectory(top, "d");
  expect(port.exchange(top, "d", inner, "e")).toBe(false);
  expect(() => port.exchange(top, "absent", inner, "e")).toThrow(
    expect.objectContaining({ code: "ENOENT", syscall: "renameat2" }),
  );
  expect(root.snapshot()).toEqual({ "d/": "755", "d/e/": "755", "d/e/f": "644 " });
  for (const dir of [inner, top]) port.closeDirectory(dir);
});
