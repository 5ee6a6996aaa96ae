/** The way of one patch, from staged to taken back, on a real repository: what each step answers and what is on disk. */
import { chmodSync, mkdirSync, symlinkSync } from "node:fs";
import { expect, test } from "vitest";
import type { Operation } from "../../client/index.ts";
import { MIXED_AFTER, MIXED_CHANGES, MIXED_FILES, prepareMixed } from "./mixed.ts";
import { snapshot } from "./repository.ts";
import { openScene, type Scene, sharedStage } from "./scene.ts";

const stage = sharedStage();

async function mixedScene(): Promise<Scene> {
  const scene = await openScene({ files: MIXED_FILES, on: stage() });
  prepareMixed(scene, chmodSync);
  return scene;
}

const log = async ({ reviewer, workspace }: Scene): Promise<Operation[]> =>
  (await reviewer.call("operation/list", { workspace })).operations;

const undo = async ({ reviewer }: Scene, operation: string): Promise<Operation> => {
  const undone = await reviewer.call("operation/undo", { operation });
  if (!undone.operation) throw new Error("The undo made no operation.");
  return undone.operation;
};

test("an agent's patch of eight files is staged, reviewed, applied, undone and redone", async () => {
  await using scene = await mixedScene();
  const { proposer, reviewer, workspace, git } = scene;
  const before = scene.tree();

  const opened = await proposer.openSession({ workspace, title: "Eight files", agent: "vitest" });
  const staged = await opened.stage(MIXED_CHANGES);
  expect(staged.warnings).toEqual([]);
  expect(staged.patches.map(({ kind, path, from }) => [kind, path, ...(from ? [from] : [])])).toEqual([
    ["update", "a/one.txt"],
    ["update", "b/two.txt"],
    ["create", "new/deep/x.txt"],
    ["create", "new/deep/y.sh"],
    ["delete", "gone/last.txt"],
    ["rename", "c/renamed.txt", "b/old.txt"],
    ["chmod", "a/run.sh"],
    ["symlink", "link"],
  ]);
  expect((await opened.submit("Please look")).session).toMatchObject({
    state: "Pending",
    ready: true,
    patches: { pending: 8, stale: 0, applied: 0, discarded: 0 },
  });
  expect(scene.tree()).toEqual(before);

  const session = reviewer.session(opened.id);
  const { diff, files, digest = "" } = await session.diff();
  git(["apply", "--check"], diff);
  expect(files.map(({ status, path }) => `${status} ${path}`)).toEqual([
    "update a/one.txt",
    "chmod a/run.sh",
    "update b/two.txt",
    "rename c/renamed.txt",
    "delete gone/last.txt",
    "symlink link",
    "create new/deep/x.txt",
    "create new/deep/y.sh",
  ]);
  expect(digest).toBe((await session.get()).session.digest);
  expect(await session.check()).toEqual({
    wouldApply: true,
    order: expect.arrayContaining(["a/one.txt", "b/old.txt", "c/renamed.txt", "new/deep/y.sh"]),
    problems: [],
  });

  const { operation, applied, skipped, session: after } = await session.apply(digest);
  expect([operation.kind, operation.state, applied.length, skipped]).toEqual(["apply", "committed", 8, []]);
  expect(operation).toMatchObject({ session: session.id, title: "Eight files", agent: "vitest" });
  expect(after).toMatchObject({ state: "Applied", patches: { pending: 0, applied: 8 } });
  expect(scene.tree()).toEqual(MIXED_AFTER);

  const undone = await undo(scene, operation.id);
  expect(undone).toMatchObject({ kind: "undo", state: "committed", undoes: operation.id });
  expect(scene.tree()).toEqual(before);
  expect((await session.get()).patches.map(({ state, reason }) => `${state} ${reason}`)).toEqual(
    Array(8).fill("Discarded undone"),
  );

  const redone = await undo(scene, undone.id);
  expect(scene.tree()).toEqual(MIXED_AFTER);
  expect((await session.get()).session).toMatchObject({ state: "Applied", patches: { applied: 8 } });

  await undo(scene, redone.id);
  expect(scene.tree()).toEqual(before);
  expect((await log(scene)).map(({ kind, undoes }) => [kind, undoes])).toEqual([
    ["undo", redone.id],
    ["undo", undone.id],
    ["undo", operation.id],
    ["apply", undefined],
  ]);
});

test("git's own apply of the diff gives the tree that iopipe's apply gives", async () => {
  await using scene = await mixedScene();
  const { reviewer, workspace, git, root } = scene;
  const session = await reviewer.openSession({ workspace });
  await session.stage(MIXED_CHANGES);
  const { diff, digest = "" } = await session.diff();
  const clone = `${root}-clone`;
  git(["clone", "--quiet", root, clone]);
  git(["-C", clone, "apply", "--index"], diff);
  await session.apply(digest);
  git(["add", "--all"]);
  expect(git(["write-tree"])).toBe(git(["-C", clone, "write-tree"]));
});

test("staging, reading, diffing and checking change no byte, no time and nothing of git's", async () => {
  await using scene = await mixedScene();
  const { proposer, workspace, root } = scene;
  await proposer.call("watch/sync", { workspace });
  const before = snapshot(root, { times: true });
  const session = await proposer.openSession({ workspace });
  await session.stage(MIXED_CHANGES);
  await session.write("a/one.txt", "staged again\n");
  await session.read("a/one.txt");
  await session.list("", { recursive: true });
  await session.diff();
  await session.check();
  await session.submit();
  await session.discard();
  await session.restore();
  await proposer.call("watch/sync", { workspace });
  expect(snapshot(root, { times: true })).toEqual(before);
});

test("a session reads, lists and edits what it has staged; nobody else does", async () => {
  await using scene = await mixedScene();
  const { proposer, workspace } = scene;
  const session = await proposer.openSession({ workspace });
  const other = await proposer.openSession({ workspace });
  await session.stage(MIXED_CHANGES);

  const text = async (path: string) => (await session.read(path)).bytes.toString();
  expect(await text("a/one.txt")).toBe("ONE\n");
  expect(await text("link")).toBe("ONE\n");
  expect(await text("c/renamed.txt")).toBe("the old name\nof a file\n");
  expect(await text("new/deep/x.txt")).toBe("no final newline");
  expect(await text("untouched.txt")).toBe("stays\n");
  expect((await session.read("a/run.sh")).image.mode).toBe(0o755);
  for (const path of ["gone/last.txt", "b/old.txt"])
    await expect(session.read(path)).rejects.toMatchObject({ kind: "FileNotFound", data: { path } });
  expect((await other.read("a/one.txt")).bytes.toString()).toBe("one\n");

  const entries = await session.list(undefined, { recursive: true });
  expect(
    entries.filter(({ type }) => type !== "directory").map(({ path, origin }) => [path, origin]),
  ).toEqual(
    expect.arrayContaining([
      ["a/one.txt", "staged"],
      ["c/renamed.txt", "staged"],
      ["link", "staged"],
      ["new/deep/x.txt", "staged"],
      ["untouched.txt", "disk"],
    ]),
  );
  const listed = entries.map(({ path }) => path);
  for (const path of ["gone/last.txt", "b/old.txt"]) expect(listed).not.toContain(path);

  // What is staged next goes on from there, through the staged link too.
  await session.edit("link", [{ oldText: "ONE", newText: "1" }]);
  await session.edit("c/renamed.txt", [{ oldText: "old name", newText: "new name" }]);
  const { patches } = await session.get();
  expect(await text("a/one.txt")).toBe("1\n");
  expect(patches.filter(({ state }) => state === "Pending")).toHaveLength(8);
  expect(patches.filter(({ reason }) => reason === "superseded").map(({ path }) => path)).toEqual([
    "a/one.txt",
    "c/renamed.txt",
  ]);
});

test("an operation tells what it changed, and how its result differs from the disk since", async () => {
  await using scene = await mixedScene();
  const { reviewer, workspace, git } = scene;
  const session = await reviewer.openSession({ workspace });
  await session.stage(MIXED_CHANGES);
  const shown = await session.diff();
  const { operation } = await session.apply(shown.digest ?? "");

  const { diff, files } = await reviewer.call("operation/diff", { operation: operation.id });
  expect(diff).toBe(shown.diff);
  git(["apply", "--check", "--reverse"], diff);
  expect(files.map(({ path }) => path)).toEqual(shown.files.map(({ path }) => path));
  const against = () => reviewer.call("operation/diff", { operation: operation.id, against: "disk" });
  expect(await against()).toEqual({ diff: "", files: [] });

  scene.write("a/one.txt", "ONE\nand a line by hand\n");
  const later = await against();
  expect(later.files).toMatchObject([{ path: "a/one.txt", status: "update", added: 1, removed: 0 }]);
  expect(later.diff).toContain("+and a line by hand\n");

  // What has the name of a file, or of a directory above it, hides nothing of the others.
  scene.remove("new");
  symlinkSync("a", scene.at("new"));
  scene.remove("c/renamed.txt");
  mkdirSync(scene.at("c/renamed.txt"));
  expect((await against()).files.map(({ path, status }) => `${status} ${path}`).sort()).toEqual([
    "delete c/renamed.txt",
    "delete new/deep/x.txt",
    "delete new/deep/y.sh",
    "update a/one.txt",
  ]);

  const one = { operation: operation.id, paths: ["b/two.txt"], format: "hunks" as const };
  const hunks = await reviewer.call("operation/diff", one);
  expect(hunks).toMatchObject({ diff: "", files: [{ path: "b/two.txt", hunks: [{ oldStart: 1 }] }] });
  expect(await reviewer.call("operation/get", { operation: operation.id })).toEqual({ operation });
  for (const path of ["b/old.txt", "c/renamed.txt"])
    expect((await reviewer.call("operation/list", { workspace, path })).operations).toEqual([operation]);
});

test("undo refuses to overwrite a later edit, leaves it out when told to, and says both beforehand", async () => {
  await using scene = await mixedScene();
  const { reviewer, workspace } = scene;
  const session = await reviewer.openSession({ workspace });
  await session.stage(MIXED_CHANGES);
  const { operation } = await session.apply((await session.diff()).digest ?? "");
  scene.write("a/one.txt", "ONE\nby hand\n");
  const edited = scene.tree();
  const call = (more: object) => reviewer.call("operation/undo", { operation: operation.id, ...more });

  await expect(call({})).rejects.toMatchObject({
    kind: "ModifiedSince",
    data: { path: "a/one.txt", files: [{ path: "a/one.txt" }] },
  });
  const dry = await call({ dryRun: true });
  expect(dry.operation).toBeUndefined();
  expect(dry.skipped.map(({ path }) => path)).toEqual(["a/one.txt"]);
  expect(scene.tree()).toEqual(edited);

  const { operation: undone, ...report } = await call({ onModified: "skip" });
  expect(report).toEqual({ reverted: dry.reverted, skipped: dry.skipped });
  expect(undone?.files.map(({ path }) => path)).not.toContain("a/one.txt");
  expect(scene.read("a/one.txt")).toBe("ONE\nby hand\n");
  expect(scene.git(["status", "--porcelain"])).toBe(" M a/one.txt\n");
});

test("one path of an operation is taken back, and the rest later", async () => {
  await using scene = await mixedScene();
  const { reviewer, workspace } = scene;
  const before = scene.tree();
  const session = await reviewer.openSession({ workspace });
  await session.stage(MIXED_CHANGES);
  const { operation } = await session.apply((await session.diff()).digest ?? "");
  const one = await reviewer.call("operation/undo", { operation: operation.id, paths: ["b/two.txt"] });
  expect(one.reverted).toEqual(["b/two.txt"]);
  expect(scene.tree()).toEqual({ ...MIXED_AFTER, "b/two.txt": before["b/two.txt"] });
  await expect(
    reviewer.call("operation/undo", { operation: operation.id, paths: ["b/two.txt"] }),
  ).rejects.toMatchObject({ kind: "IllegalState" });
  await undo(scene, operation.id);
  expect(scene.tree()).toEqual(before);
  await expect(undo(scene, operation.id)).rejects.toMatchObject({ kind: "IllegalState" });
});

test("bytes are bytes: NUL, invalid UTF-8, BOM, CR and no final newline come through, and back", async () => {
  await using scene = await openScene({ files: { "plain.txt": "x\n" }, on: stage() });
  const { reviewer, workspace } = scene;
  const contents: Record<string, Buffer> = {
    "binary.bin": Buffer.from(Array.from({ length: 3000 }, (_, n) => (n * 7) % 256)),
    "latin1.txt": Buffer.from("caf\xe9\n", "latin1"),
    "bom.txt": Buffer.from("\ufeffwith a BOM\r\n"),
    "mac.txt": Buffer.from("a\rb\rc"),
    "ünï cödé/日本語 \t.txt": Buffer.from("a name to quote\n"),
    "empty.txt": Buffer.alloc(0),
  };
  const before = scene.tree();
  const session = await reviewer.openSession({ workspace });
  await session.stage(
    Object.entries(contents).map(([path, content]) => ({ kind: "write" as const, path, content })),
  );
  for (const [path, content] of Object.entries(contents))
    expect((await session.read(path)).bytes.equals(content), path).toBe(true);
  const { diff, digest = "" } = await session.diff();
  scene.git(["apply", "--check"], diff);
  const { operation } = await session.apply(digest);
  const after = snapshot(scene.root, { without: [".git"] });
  for (const [path, content] of Object.entries(contents))
    expect(after[path], path).toBe(`644 ${content.toString("latin1")}`);
  await undo(scene, operation.id);
  expect(scene.tree()).toEqual(before);
});
