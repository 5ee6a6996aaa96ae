/**
 * needsAttention from end to end: a promotion dies half-way, somebody edits one of its files before the restart, and what
 * the next daemon and the command line say of it until it is resolved.
 */
import { readdirSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { runInProcess } from "../fixture/in-process.ts";
import { applyOf, dyingAt, type Moment, promoteUntil } from "./dying.ts";
import { eventsUntil, openScene, type Scene } from "./scene.ts";

const FILES = { "a.txt": "old a\n", "b.txt": "old b\n", "c.txt": "old c\n" };

/** An apply dies at `moment`; then somebody does `meanwhile`, and the daemon starts again. */
async function dying(
  moment: Moment,
  meanwhile: (scene: Scene) => void,
): Promise<{ scene: Scene; session: string }> {
  const scene = await openScene({ files: FILES });
  const session = await scene.reviewer.openSession({ workspace: scene.workspace, title: "caught" });
  await session.stage(
    Object.keys(FILES).map((path) => ({ kind: "write", path, content: `new ${path}\n` }) as const),
  );
  const { digest = "" } = await session.diff();
  await scene.end();
  await promoteUntil(dyingAt(moment), scene, (store, tree) => applyOf(store, tree, session.id, digest));
  meanwhile(scene);
  await scene.start();
  return { scene, session: session.id };
}

/** With a.txt published, b.txt and c.txt not; then b.txt is edited. */
const caught = () =>
  dying({ since: "operations.decide", name: "rename", nth: 2 }, (scene) => {
    expect(scene.read("a.txt")).toBe("new a.txt\n");
    expect(scene.read("b.txt")).toBe("old b\n");
    writeFileSync(scene.at("b.txt"), "edited meanwhile\n");
  });

test("an edit between a crash and the restart: nothing of it is touched, and everybody is told", async () => {
  const { scene, session } = await caught();
  await using _ = scene;
  const ctl = (...args: string[]) => runInProcess(scene.home, args, { cwd: scene.root });
  const { reviewer, workspace } = scene;

  const { operations } = await reviewer.call("operation/list", { workspace });
  expect(operations).toMatchObject([{ state: "needsAttention", kind: "apply", session }]);
  const id = operations[0]?.id ?? "";
  const { operation } = await reviewer.call("operation/get", { operation: id });
  const outcomes = Object.fromEntries(operation.files.map(({ path, outcome }) => [path, outcome]));
  expect(outcomes["b.txt"]).toBe("foreign");
  expect(scene.read("b.txt")).toBe("edited meanwhile\n");
  for (const path of ["a.txt", "c.txt"])
    expect(scene.read(path)).toBe(outcomes[path] === "after" ? `new ${path}\n` : `old ${path[0]}\n`);
  const [told] = await eventsUntil(reviewer, { session, since: 0 }, "operation/needsAttention");
  expect(told.operation).toEqual(operation);
  const { patches } = await reviewer.call("session/get", { session });
  expect(patches.find(({ path }) => path === "b.txt")).toMatchObject({ state: "Discarded", reason: "stale" });
  expect(Object.keys(scene.tree()).filter((path) => path.includes(".iopipe-"))).toEqual([]);

  const log = await ctl("log");
  expect(log).toMatchObject({ code: 0 });
  expect(log.stdout).toMatch(/needsAttention {2}3 files/);
  expect(log.stderr).toContain(`needs attention: iopipectl show ${id.slice(0, 10)}`);
  const shown = await ctl("show", id.slice(0, 10));
  expect(shown.stdout).toContain("b.txt: foreign: neither, somebody has edited it; it was left as it is");
  expect(shown.stderr).toContain(`iopipectl show ${id.slice(0, 10)} b.txt --bytes before`);
  expect(shown.stderr).toContain(`iopipectl rpc operation/resolve '{"operation":"${id}"}'`);
  expect((await ctl("show", id, "b.txt", "--bytes", "before")).stdout).toBe("old b\n");
  expect((await ctl("show", id, "b.txt", "--bytes", "after")).stdout).toBe("new b.txt\n");
  const { diff } = await reviewer.call("operation/diff", {
    operation: id,
    against: "disk",
    paths: ["b.txt"],
  });
  expect(diff).toContain("edited meanwhile");

  const resolved = await ctl("rpc", "operation/resolve", JSON.stringify({ operation: id }));
  expect(resolved.code).toBe(0);
  expect((await ctl("log")).stderr).toBe("");
  await expect(reviewer.call("operation/resolve", { operation: id })).rejects.toMatchObject({
    kind: "IllegalState",
  });
  expect(scene.read("b.txt")).toBe("edited meanwhile\n");
});

test("a version that there is not, and one of a file that is not the operation's, are named", async () => {
  const { scene } = await caught();
  await using _ = scene;
  const ctl = (...args: string[]) => runInProcess(scene.home, args, { cwd: scene.root });
  const { operations } = await scene.reviewer.call("operation/list", { workspace: scene.workspace });
  const id = operations[0]?.id ?? "";
  const none = await ctl("show", id, "b.txt", "--bytes", "rescued");
  expect(none).toMatchObject({ code: 1, stdout: "" });
  expect(none.stderr).toContain("b.txt has no version rescued");
  expect(none.stderr).toContain("There is before and after.");
  expect(await ctl("show", id, "b.txt")).toMatchObject({ code: 2 });
  expect(await ctl("show", id, "b.txt", "--bytes", "newest")).toMatchObject({ code: 2 });
  expect(await ctl("show", id, "z.txt", "--bytes", "after")).toMatchObject({ code: 2 });
  expect(await ctl("show", id, "--bytes", "after")).toMatchObject({ code: 2 });
  const json = await ctl("show", id, "b.txt", "--bytes", "before", "--json");
  expect(JSON.parse(json.stdout)).toEqual({ data: Buffer.from("old b\n").toString("base64"), size: 6 });
});

test("a link's version is where it led, a created file has none before, and a terminal gets no control characters", async () => {
  await using scene = await openScene({ files: { "a.txt": "a\n" } });
  const session = await scene.reviewer.openSession({ workspace: scene.workspace });
  await session.stage([
    { kind: "symlink", path: "link", target: "a.txt" },
    { kind: "write", path: "odd.txt", content: "\u001b[2J\n" },
  ]);
  const { operation } = await session.apply((await session.diff()).digest as string);
  const show = (file: string, version: string, options: { terminal?: boolean; json?: boolean } = {}) =>
    runInProcess(
      scene.home,
      ["show", operation.id.slice(0, 12), file, "--bytes", version, ...(options.json ? ["--json"] : [])],
      { cwd: scene.root, terminal: options.terminal ?? false },
    );
  expect(await show("link", "after")).toMatchObject({ code: 0, stdout: "a.txt" });
  expect(JSON.parse((await show("link", "after", { json: true })).stdout)).toEqual({ target: "a.txt" });
  const none = await show("odd.txt", "before");
  expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining("There is after.") });
  expect((await show("odd.txt", "after")).stdout).toBe("\u001b[2J\n");
  expect((await show("odd.txt", "after", { terminal: true })).stdout).not.toContain("\u001b[2J");
});

test("a late edit in the file that was replaced is kept, named, written out and compared", async () => {
  const all = { since: "operations.decide", name: "syncDirectory", nth: 1 } as const;
  const { scene, session } = await dying(all, ({ root, at }) => {
    // What an editor that had the file open writes; the replaced file lies under a name of ours until it is swept.
    for (const name of readdirSync(root)) if (/^\.iopipe-.*/.test(name)) writeFileSync(at(name), "late\n");
  });
  await using _ = scene;
  const ctl = (...args: string[]) => runInProcess(scene.home, args, { cwd: scene.root });
  const { operations } = await scene.reviewer.call("operation/list", { workspace: scene.workspace });
  expect(operations).toMatchObject([{ state: "committed", session }]);
  const { files, id = "" } = operations[0] ?? { files: [] };
  expect(files.map(({ rescued }) => rescued)).toEqual(Array(3).fill(files[0]?.rescued));
  const shown = await ctl("show", id);
  expect(shown.stdout).toContain(`a.txt: a late edit is kept as blob ${files[0]?.rescued}`);
  expect(shown.stderr).toContain(`iopipectl show ${id.slice(0, 10)} a.txt --bytes rescued`);
  expect((await ctl("show", id, "a.txt", "--bytes", "rescued")).stdout).toBe("late\n");
  expect(scene.read("a.txt")).toBe("new a.txt\n");
});
