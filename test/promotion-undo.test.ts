/** Undo: what can be taken back, what is refused, and what becomes of the patches. */
import * as fs from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openTree, type Port } from "../daemon/disk/index.ts";
import { planUndo, rehearse, type Transition, type UndoPlan } from "../daemon/promotion/index.ts";
import type { OperationRow } from "../daemon/store/index.ts";
import { type House, openHouse, type Root } from "./promotion/house.ts";
import { errno, portWith } from "./promotion/ports.ts";

let house: House;
beforeAll(() => {
  house = openHouse();
});
afterAll(() => house.close());

const planFor = (root: Root, { id }: OperationRow, paths?: string[], port?: Port): Promise<UndoPlan> =>
  planUndo(house.store.operations.require(id), openTree(root.path, [], port), paths);

const apply = async (root: Root, contents: Record<string, string | undefined>) =>
  house.apply(
    root,
    await Promise.all(Object.entries(contents).map(([path, content]) => house.change(root, path, content))),
  );

test("a later edit is never overwritten; the rest can be undone", async () => {
  const root = house.root({ a: "a", b: "b", c: "c", d: "d" });
  const operation = await apply(root, { a: "A", b: "B", c: "C", d: undefined, n: "new", l: "-> a" });
  fs.writeFileSync(root.at("a"), "edited");
  fs.unlinkSync(root.at("b"));
  fs.mkdirSync(root.at("b"));
  root.write({ d: "made again" });
  const plan = await planFor(root, operation);
  expect(plan.modified.map(({ path, reason }) => [path, reason])).toEqual([
    ["d", "modified"],
    ["a", "modified"],
    ["b", "modified"],
  ]);
  expect(plan.modified[0]).toMatchObject({
    expected: { exists: false },
    actual: { exists: true, type: "file" },
  });
  expect(plan.reverted).toEqual(["c", "n", "l"]);
  await house.undo(root, operation, plan.reverted);
  expect(root.snapshot()).toEqual({ a: "644 edited", "b/": "755", c: "644 c", d: "644 made again" });
});

test("undone paths are marked, refused twice, and free again when the undo is undone", async () => {
  const root = house.root({ a: "a", b: "b" });
  const operation = await apply(root, { a: "A", b: "B" });
  const first = await house.undo(root, operation, ["a"]);
  const rows = () => house.store.operations.require(operation.id).files.map(({ undoneBy }) => undoneBy);
  expect(rows()).toEqual([first.id, undefined]);
  expect((await planFor(root, operation)).modified).toMatchObject([{ path: "a", reason: "undone" }]);
  await house.undo(root, first);
  expect(rows()).toEqual([undefined, undefined]);
  await house.undo(root, operation);
  expect(root.snapshot()).toEqual({ a: "644 a", b: "644 b" });
});

test("a rehearsal refuses what the promotion would, for content that is not kept too, and writes nothing", async () => {
  const root = house.root({ a: "a", run: "x" });
  const rehearsed = (...transitions: Transition[]): Promise<string[]> =>
    rehearse(
      { workspace: root.workspace, tree: openTree(root.path), kind: "undo", transitions },
      house.store,
    );
  const change = await house.change(root, "a", "A");
  const mode = await house.change(root, "run", { text: "x", mode: 0o755 });
  const gone = { ...change.after, hash: "0".repeat(64) };
  expect(await rehearsed(change, mode)).toEqual(["a", "run"]);
  await expect(rehearsed({ ...change, after: gone })).rejects.toMatchObject({
    kind: "BlobNotFound",
    data: { path: "a", blob: gone.hash },
  });
  root.write({ a: "edited" });
  await expect(rehearsed(change, mode)).rejects.toMatchObject({ kind: "Stale" });
  expect(root.snapshot()).toEqual({ a: "644 edited", run: "644 x" });
  expect(house.store.operations.list({ workspace: root.workspace }, { limit: 1 })).toEqual([]);
});

test("the two paths of a rename go together", async () => {
  const root = house.root({ a: "a", other: "o" });
  const operation = await house.apply(root, [
    ...(await house.rename(root, "a", "b")),
    await house.change(root, "other", "O"),
  ]);
  expect((await planFor(root, operation, ["b"])).reverted.sort()).toEqual(["a", "b"]);
  root.write({ a: "taken" });
  const plan = await planFor(root, operation);
  expect(plan.modified.map(({ path, reason }) => [path, reason])).toEqual([
    ["a", "modified"],
    ["b", "rename"],
  ]);
  expect(plan.reverted).toEqual(["other"]);
});

test("a path that no patch stands behind is undone on its own", async () => {
  const root = house.root({ a: "a", b: "b" });
  const changes = await Promise.all(
    ["a", "b"].map((path) => house.change(root, path, "new", { patch: undefined })),
  );
  await house.undo(root, await house.apply(root, changes), ["a"]);
  expect(root.snapshot()).toEqual({ a: "644 a", b: "644 new" });
});

test("what did not happen cannot be undone", async () => {
  const root = house.root({ a: "a" });
  const change = await house.change(root, "a", "A");
  root.write({ a: "edited" });
  const progress = (phase: string) => {
    if (phase === "prepare") fs.writeFileSync(root.at("a"), "edited");
  };
  fs.writeFileSync(root.at("a"), "a");
  await house.apply(root, [change], { progress }).catch(() => undefined);
  const [aborted] = house.store.operations.list({ workspace: root.workspace }, { limit: 1 });
  await expect(planFor(root, aborted as OperationRow)).rejects.toMatchObject({ kind: "IllegalState" });
  const applied = await apply(root, { a: "A" });
  await expect(planFor(root, applied, ["none"])).rejects.toMatchObject({ kind: "IllegalState" });
  const port = portWith(() => ({
    openFile: async () => {
      throw errno("EIO");
    },
  }));
  await expect(planFor(root, applied, undefined, port)).rejects.toMatchObject({ code: "EIO" });
  fs.rmSync(root.path, { recursive: true });
  await expect(planFor(root, applied)).rejects.toMatchObject({ kind: "RootGone" });
});

test("an undo removes only directories that the operation made, and only while they are empty", async () => {
  const root = house.root();
  fs.mkdirSync(root.at("was/empty"), { recursive: true });
  const operation = await apply(root, { "was/empty/f": "f", "new/f": "f", "new2/f": "f" });
  root.write({ "new2/theirs": "t" });
  await house.undo(root, operation);
  expect(Object.keys(root.snapshot())).toEqual(["new2/", "new2/theirs", "was/", "was/empty/"]);
});

test("a path that now leads through a link is modified", async () => {
  const root = house.root({ "d/a": "a" });
  const operation = await apply(root, { "d/a": "A" });
  fs.renameSync(root.at("d"), root.at("e"));
  fs.symlinkSync("e", root.at("d"));
  expect((await planFor(root, operation)).modified).toMatchObject([
    { path: "d/a", reason: "modified", actual: undefined },
  ]);
});
