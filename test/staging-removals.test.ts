/** What a session removes makes room for what it puts there: directories become files and links, and the other way. */
import { mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import type { PatchRow } from "../daemon/store/index.ts";
import type { Change } from "../protocol/methods/index.ts";
import { makeScene, type Scene } from "./staging-scene.ts";

const write = (file: string): Change => ({ kind: "write", path: file, content: "new\n" });
const remove = (file: string): Change => ({ kind: "delete", path: file });
const rename = (file: string, to: string): Change => ({ kind: "rename", path: file, to });
const symlink = (file: string, target: string): Change => ({ kind: "symlink", path: file, target });

function scene(): Scene {
  const made = makeScene({ "d/x": "x\n", "d/e/y": "y\n", f: "f\n", "single/f": "the only one\n" });
  made.link("l", "d");
  return made;
}

const brief = ({ kind, path: to, from }: PatchRow): string =>
  from === undefined ? `${kind} ${to}` : `${kind} ${from} -> ${to}`;

const CASES: Readonly<Record<string, [Change[], string[]]>> = {
  "a file where a directory was": [
    [remove("d/x"), remove("d/e/y"), write("d")],
    ["create d", "delete d/e/y", "delete d/x"],
  ],
  "a link where a directory was": [
    [rename("d/x", "x"), remove("d/e/y"), symlink("d", "single")],
    ["delete d/e/y", "rename d/x -> x", "symlink d"],
  ],
  "a file in the place of its directory": [[rename("single/f", "single")], ["rename single/f -> single"]],
  "a file below a file": [[rename("f", "f/f")], ["rename f -> f/f"]],
  "a file below a link": [
    [remove("l"), write("l/x"), write("l/e/y")],
    ["create l/e/y", "create l/x", "delete l"],
  ],
  "a file below a link that moves": [
    [rename("l", "moved"), write("l/x")],
    ["create l/x", "rename l -> moved"],
  ],
};

test.each(Object.keys(CASES))("%s", async (name) => {
  const [changes, expected] = CASES[name] as [Change[], string[]];
  for (const calls of [[changes], changes.map((change) => [change])]) {
    const { stage, staging, session, tree, store, pending } = scene();
    for (const call of calls) await stage(...call);
    expect(pending().map(brief).sort()).toEqual(expected);
    const { problems, stale } = await staging.examine(session, tree);
    expect([problems, stale]).toEqual([[], []]);
    await staging.settleStale(tree, pending());
    expect(pending().map(brief).sort()).toEqual(expected);
    staging.discard(session, {});
    await staging.restore(session, tree, {});
    expect(pending().map(brief).sort()).toEqual(expected);
    expect(store.patches.ofSession(session.id, "Discarded")).toEqual([]);
  }
});

test.each<[string, (made: Scene) => void]>([
  ["a file", ({ write: put }) => put("d/kept", "")],
  ["a link", ({ link }) => link("d/kept", "x")],
  ["a file further down", ({ write: put }) => put("d/e/kept", "")],
  ["an empty directory, which nobody can remove", ({ root }) => mkdirSync(path.join(root, "d/kept"))],
])("a directory that keeps %s is in the way", async (_, keep) => {
  const made = scene();
  keep(made);
  await made.stage(remove("d/x"), remove("d/e/y"));
  await expect(made.stage(write("d"))).rejects.toMatchObject({ kind: "NotAFile", data: { path: "d" } });
});

test("a directory that is to be emptied is gone from what the session sees, and back with a file", async () => {
  const { stage, staging, session, tree } = scene();
  const names = async (): Promise<string[]> => {
    const { entries } = await staging.listFiles(session, tree, { session: session.id, recursive: true });
    return entries.map(({ path: at }) => at);
  };
  await stage(remove("d/x"), remove("d/e/y"));
  expect(await names()).toEqual(["f", "l", "single", "single/f"]);
  const list = staging.listFiles(session, tree, { session: session.id, path: "d" });
  await expect(list).rejects.toMatchObject({ kind: "FileNotFound" });
  await stage(write("d/e/z"));
  expect(await names()).toEqual(["d", "d/e", "d/e/z", "f", "l", "single", "single/f"]);
});

test("what comes into the directory meanwhile makes the file in its place stale, until it goes again", async () => {
  const made = scene();
  await made.stage(remove("single/f"), write("single"));
  const settled = async (): Promise<string[]> => {
    const patches = made.store.patches.ofSession(made.session.id);
    await made.staging.settleStale(made.tree, patches);
    return made.pending().map(brief).sort();
  };
  made.write("single/g", "somebody's\n");
  expect(await settled()).toEqual(["delete single/f"]);
  const { stale } = await made.staging.examine(made.session, made.tree);
  expect(stale.map(({ patch }) => patch.path)).toEqual(["single"]);
  rmSync(path.join(made.root, "single/g"));
  expect(await settled()).toEqual(["create single", "delete single/f"]);
});

test("one without the other is stale: the directory is still there", async () => {
  const { stage, staging, session, tree, pending } = scene();
  await stage(remove("single/f"), write("single"));
  const created = pending().find(({ kind }) => kind === "create") as PatchRow;
  const { stale } = await staging.examine(session, tree, [created.id]);
  expect(stale.map(({ patch }) => patch.path)).toEqual(["single"]);
});

test("an edit of what is to go leaves the directory, and the file in its place is skipped with it", async () => {
  const made = scene();
  await made.stage(remove("single/f"), write("single"));
  made.write("single/f", "edited\n");
  await made.staging.settleStale(made.tree, made.pending());
  expect(made.pending().map(brief)).toEqual(["create single"]);
  const { stale, transitions } = await made.staging.examine(made.session, made.tree);
  expect([stale.map(({ patch }) => patch.path).sort(), transitions]).toEqual([["single", "single/f"], []]);
});
