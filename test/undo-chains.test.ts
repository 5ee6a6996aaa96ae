/** Undoing undos, whole and by path: what is said to stand, and which directories come and go with it. */
import * as fs from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openTree } from "../daemon/disk/index.ts";
import { planUndo } from "../daemon/promotion/index.ts";
import type { OperationRow } from "../daemon/store/index.ts";
import { type House, openHouse, type Root } from "./promotion/house.ts";

let house: House;
beforeAll(() => {
  house = openHouse();
});
afterAll(() => house.close());

const apply = async (root: Root, contents: Record<string, string | undefined>): Promise<OperationRow> => {
  const changes = Object.entries(contents).map(([path, content]) => house.change(root, path, content));
  return house.apply(root, await Promise.all(changes));
};

/** By path, which operation has undone it. */
const undoneBy = ({ id }: OperationRow) =>
  Object.fromEntries(house.store.operations.require(id).files.map(({ path, undoneBy: by }) => [path, by]));

const plan = (root: Root, { id }: OperationRow, paths?: string[]) =>
  planUndo(house.store.operations.require(id), openTree(root.path), paths, house.store.operations.family(id));

test("each undo turns around what all of the chain before it are said to be, path by path", async () => {
  const root = house.root({ a: "a", b: "b" });
  const first = await apply(root, { a: "A", b: "B" });
  const undo = await house.undo(root, first);
  const redo = await house.undo(root, undo, ["a"]);
  expect([first, undo, redo].map(undoneBy)).toEqual([
    { a: undefined, b: undo.id },
    { a: redo.id, b: undefined },
    { a: undefined },
  ]);
  const again = await house.undo(root, redo);
  expect([first, undo, redo, again].map(undoneBy)).toEqual([
    { a: again.id, b: undo.id },
    { a: undefined, b: undefined },
    { a: again.id },
    { a: undefined },
  ]);
  expect((await plan(root, first)).modified.map(({ reason }) => reason)).toEqual(["undone", "undone"]);
  // The older of two undos of the same.
  const last = await house.undo(root, undo);
  expect([first, undo, redo, again].map(undoneBy)).toEqual([
    { a: undefined, b: undefined },
    { a: last.id, b: last.id },
    { a: undefined },
    { a: last.id },
  ]);
  expect(root.snapshot()).toEqual({ a: "644 A", b: "644 B" });
});

test("a directory that one undo made goes again with the last file that another put into it", async () => {
  const root = house.root({ "gone/a": "a", "gone/b": "b" });
  fs.chmodSync(root.at("gone"), 0o750);
  const before = root.snapshot();
  const first = await apply(root, { "gone/a": undefined, "gone/b": undefined });
  const [a, b] = [await house.undo(root, first, ["gone/a"]), await house.undo(root, first, ["gone/b"])];
  expect(root.snapshot()).toEqual(before);
  await house.undo(root, a);
  expect(Object.keys(root.snapshot())).toEqual(["gone/", "gone/b"]);
  const redone = await house.undo(root, b);
  expect(root.snapshot()).toEqual({});
  await house.undo(root, redone);
  expect(root.snapshot()).toEqual({ "gone/": "750", "gone/b": "644 b" });
});

test("a directory comes back with its mode, whichever undo removed it", async () => {
  const root = house.root();
  const first = await apply(root, { "new/a": "a", "new/b": "b" });
  fs.chmodSync(root.at("new"), 0o700);
  const a = await house.undo(root, first, ["new/a"]);
  await house.undo(root, first, ["new/b"]);
  expect(root.snapshot()).toEqual({});
  await house.undo(root, a);
  expect(root.snapshot()).toEqual({ "new/": "700", "new/a": "644 a" });
});

test("a directory that somebody made again meanwhile stays", async () => {
  const root = house.root();
  const first = await apply(root, { "new/a": "a" });
  const undo = await house.undo(root, first);
  fs.mkdirSync(root.at("new"));
  await house.undo(root, undo);
  await house.undo(root, first);
  expect(root.snapshot()).toEqual({ "new/": "755" });
});

test("a file whose place a directory took comes back together with what lies in that, or not at all", async () => {
  const root = house.root({ a: "a" });
  const swap = () => apply(root, { a: undefined, "a/b": "b", "a/c": "c" });
  const one = await swap();
  expect((await plan(root, one, ["a"])).reverted.sort()).toEqual(["a", "a/b", "a/c"]);
  expect((await plan(root, one, ["a/b"])).reverted).toEqual(["a/b"]);
  await house.undo(root, one, ["a"]);
  expect(root.snapshot()).toEqual({ a: "644 a" });

  const two = await swap();
  root.write({ "a/c": "edited" });
  const { modified, reverted } = await plan(root, two);
  expect(modified.map(({ path, reason }) => [path, reason]).sort()).toEqual([
    ["a", "place"],
    ["a/c", "modified"],
  ]);
  await house.undo(root, two, reverted);
  expect(root.snapshot()).toEqual({ "a/": "755", "a/c": "644 edited" });
});

test("a directory whose place a file took comes back together with that file's end, or not at all", async () => {
  const root = house.root({ "d/x": "x", "d/y": "y" });
  const one = await apply(root, { d: "file", "d/x": undefined, "d/y": undefined });
  expect((await plan(root, one, ["d/x"])).reverted.sort()).toEqual(["d", "d/x"]);
  root.write({ d: "edited" });
  const { modified, reverted } = await plan(root, one);
  expect(reverted).toEqual([]);
  expect(modified.map(({ path, reason }) => [path, reason]).sort()).toEqual([
    ["d", "modified"],
    ["d/x", "place"],
    ["d/y", "place"],
  ]);
  root.write({ d: "file" });
  await house.undo(root, one, ["d/x"]);
  await house.undo(root, one, ["d/y"]);
  expect(root.snapshot()).toEqual({ "d/": "755", "d/x": "644 x", "d/y": "644 y" });
});
