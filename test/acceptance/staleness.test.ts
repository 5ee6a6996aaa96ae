/**
 * Staleness on real files: what moves a patch out of the way and back, what moves nothing, and that half a session is
 * never applied by accident.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, readFileSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { ChangeInput, IopipeEvent, Patch, SessionHandle } from "../../client/index.ts";
import { eventsUntil, openScene, type Scene, sharedStage } from "./scene.ts";

interface Staged {
  readonly session: SessionHandle;
  /** By path, as they stand now. */
  patch(path: string): Promise<Patch>;
  /** Waits for the session's next event of a type that has not been waited for. */
  next(type: IopipeEvent["type"]): Promise<IopipeEvent>;
  digest(): Promise<string>;
}

async function propose(scene: Scene, ...changes: ChangeInput[]): Promise<Staged> {
  const session = await scene.reviewer.openSession({ workspace: scene.workspace, title: "staleness" });
  const { session: staged } = await session.stage(changes);
  let since = staged.seq;
  return {
    session,
    patch: async (path) => {
      const found = (await session.get()).patches.findLast((patch) => patch.path === path);
      if (!found) throw new Error(`There is no patch of ${path}.`);
      return found;
    },
    next: async (type) => {
      const [event] = await eventsUntil(scene.reviewer, { session: session.id, since }, type);
      since = event.seq;
      return event;
    },
    digest: async () => (await session.diff()).digest ?? "",
  };
}

const edit = (path: string, content = "staged\n"): ChangeInput => ({ kind: "write", path, content });
const standing = ({ state, reason }: Patch): string =>
  reason === undefined ? state : `${state} (${reason})`;

const FILES = { "a.txt": "a\n", "b.txt": "b\n", "c.txt": "c\n" };
const stage = sharedStage();
const scenario = () => openScene({ files: FILES, on: stage() });

test("an edit discards the patch as stale, with an event; apply then answers Stale and writes nothing", async () => {
  await using scene = await scenario();
  const staged = await propose(scene, edit("a.txt"), edit("b.txt"));
  const digest = await staged.digest();
  scene.write("a.txt", "by hand\n");
  const event = await staged.next("patch/stale");
  expect(event.patch).toMatchObject({ path: "a.txt", state: "Discarded", reason: "stale" });
  const { session } = await staged.session.get();
  expect(session).toMatchObject({ state: "Pending", patches: { pending: 1, stale: 1, discarded: 0 } });

  const before = scene.tree();
  const refusal = await staged.session.apply(digest).catch((error) => error);
  expect(refusal).toMatchObject({
    kind: "Stale",
    data: { path: "a.txt", files: [{ path: "a.txt", expected: { size: 2 }, at: expect.any(String) }] },
  });
  expect(scene.tree()).toEqual(before);
  expect((await scene.reviewer.call("operation/list", { workspace: scene.workspace })).operations).toEqual(
    [],
  );
});

test("the same bytes coming back make it pending again, with an event, and it can be applied", async () => {
  await using scene = await scenario();
  const staged = await propose(scene, edit("a.txt"));
  const [digest, { id }] = [await staged.digest(), await staged.patch("a.txt")];
  scene.write("a.txt", "by hand\n");
  await staged.next("patch/stale");
  scene.write("a.txt", FILES["a.txt"]);
  expect((await staged.next("patch/pending")).patch).toMatchObject({ id, state: "Pending" });
  const { session } = await staged.session.get();
  expect(session).toMatchObject({ digest, patches: { pending: 1, stale: 0, discarded: 0 } });
  await staged.session.apply(digest);
  expect(scene.read("a.txt")).toBe("staged\n");
});

test("a file that is to take a directory's place is as stale as the session leaves something in it", async () => {
  await using scene = await scenario();
  scene.write("p/dir/x", "x\n");
  const staged = await propose(scene, { kind: "delete", path: "p/dir/x" }, edit("p/dir"));
  const removal = (await staged.patch("p/dir/x")).id;
  await staged.session.discard([removal]);
  expect((await staged.next("patch/stale")).patch).toMatchObject({ path: "p/dir", reason: "stale" });
  await staged.session.restore([removal]);
  expect((await staged.next("patch/pending")).patch).toMatchObject({ path: "p/dir/x" });
  expect((await staged.next("patch/pending")).patch).toMatchObject({ path: "p/dir", state: "Pending" });
  await staged.session.apply(await staged.digest());
  expect(scene.read("p/dir")).toBe("staged\n");
});

test("touch, the same bytes in another inode, and a mode that the patch does not change are nothing", async () => {
  await using scene = await scenario();
  const staged = await propose(scene, edit("a.txt"), edit("b.txt"), {
    kind: "delete",
    path: "c.txt",
  });
  const digest = await staged.digest();
  utimesSync(scene.at("a.txt"), 1, 1);
  scene.write("other", FILES["b.txt"]);
  renameSync(scene.at("other"), scene.at("b.txt"));
  chmodSync(scene.at("a.txt"), 0o600);
  chmodSync(scene.at("c.txt"), 0o444);
  await scene.reviewer.call("watch/sync", { workspace: scene.workspace });
  // One that does go stale, after them all: whatever would have, has by then.
  const last = await propose(scene, edit("last.txt"));
  scene.write("last.txt", "somebody was first\n");
  await last.next("patch/stale");
  const { session, patches } = await staged.session.get();
  expect(patches.map(standing)).toEqual(["Pending", "Pending", "Pending"]);
  expect(session.digest).toBe(digest);
  await staged.session.apply(digest);
  expect(scene.tree()).toEqual({
    "a.txt": "600 staged\n",
    "b.txt": "644 staged\n",
    "last.txt": "644 somebody was first\n",
  });
});

test("of a chmod only the mode goes stale, and the content that is there then is kept", async () => {
  await using scene = await scenario();
  const chmod = (path: string): ChangeInput => ({ kind: "chmod", path, mode: 0o755 });
  const staged = await propose(scene, chmod("a.txt"), chmod("b.txt"));
  scene.write("b.txt", "edited\n");
  chmodSync(scene.at("a.txt"), 0o640);
  expect((await staged.next("patch/stale")).patch).toMatchObject({ path: "a.txt" });
  chmodSync(scene.at("a.txt"), 0o644);
  await staged.next("patch/pending");
  await staged.session.apply(await staged.digest());
  expect(scene.tree()).toMatchObject({ "a.txt": "755 a\n", "b.txt": "755 edited\n" });
});

const STALE: Record<string, [ChangeInput, (scene: Scene) => void, (scene: Scene) => void]> = {
  "other line endings": [
    edit("a.txt"),
    (scene) => scene.write("a.txt", "a\r\n"),
    (scene) => scene.write("a.txt", "a\n"),
  ],
  "a lost final newline": [
    edit("a.txt"),
    (scene) => scene.write("a.txt", "a"),
    (scene) => scene.write("a.txt", "a\n"),
  ],
  "a deleted file": [edit("a.txt"), (scene) => scene.remove("a.txt"), (scene) => scene.write("a.txt", "a\n")],
  "an edit of what is to be deleted": [
    { kind: "delete", path: "a.txt" },
    (scene) => scene.write("a.txt", "by hand\n"),
    (scene) => scene.write("a.txt", "a\n"),
  ],
  "a file where one is to be created": [
    edit("new/n.txt"),
    (scene) => scene.write("new/n.txt", "somebody was first\n"),
    (scene) => scene.remove("new/n.txt"),
  ],
  "a directory where a file is to be created": [
    edit("n"),
    (scene) => scene.write("n/x", "x"),
    (scene) => scene.remove("n"),
  ],
  "a symlink in the file's place": [
    edit("a.txt"),
    (scene) => {
      rmSync(scene.at("a.txt"));
      symlinkSync("b.txt", scene.at("a.txt"));
    },
    (scene) => {
      rmSync(scene.at("a.txt"));
      scene.write("a.txt", "a\n");
    },
  ],
  "a file where something is to be renamed to": [
    { kind: "rename", path: "a.txt", to: "moved.txt" },
    (scene) => scene.write("moved.txt", "somebody was first\n"),
    (scene) => scene.remove("moved.txt"),
  ],
  "an edit of what is to be renamed": [
    { kind: "rename", path: "a.txt", to: "moved.txt" },
    (scene) => scene.write("a.txt", "by hand\n"),
    (scene) => scene.write("a.txt", "a\n"),
  ],
  "a renamed file": [
    edit("a.txt"),
    (scene) => renameSync(scene.at("a.txt"), scene.at("elsewhere.txt")),
    (scene) => renameSync(scene.at("elsewhere.txt"), scene.at("a.txt")),
  ],
};

test.each(Object.keys(STALE))(
  "%s makes the patch stale, and its end makes it pending again",
  async (name) => {
    const [change, disturb, putBack] = STALE[name] as (typeof STALE)[string];
    await using scene = await scenario();
    const staged = await propose(scene, change);
    disturb(scene);
    await staged.next("patch/stale");
    putBack(scene);
    await staged.next("patch/pending");
    expect((await staged.session.check()).wouldApply).toBe(true);
  },
);

test("apply sees for itself what the watcher has not told yet, and says so with one event", async () => {
  await using scene = await scenario();
  const staged = await propose(scene, edit("a.txt"), edit("b.txt"));
  const digest = await staged.digest();
  scene.write("a.txt", "by hand\n");
  await expect(staged.session.apply(digest)).rejects.toMatchObject({ kind: "Stale" });
  expect(standing(await staged.patch("a.txt"))).toBe("Discarded (stale)");
  await scene.reviewer.call("watch/sync", { workspace: scene.workspace });
  const all = await eventsUntil(scene.reviewer, { session: staged.session.id, since: 0 }, "patch/stale");
  expect(all.map(({ type }) => type).reverse()).toEqual([
    "session/opened",
    "patch/staged",
    "patch/staged",
    "patch/stale",
  ]);
  await staged.session.discard();
  await staged.next("patch/discarded");
  expect(scene.tree()).toMatchObject({ "a.txt": "644 by hand\n", "b.txt": "644 b\n" });
});

test("Stale comes before DigestMismatch, and both before ConfirmationRequired", async () => {
  await using scene = await scenario();
  const large = "x".repeat(1024 * 1024 + 1);
  const staged = await propose(scene, edit("a.txt"), edit("big.txt", large));
  const digest = await staged.digest();
  await staged.session.write("c.txt", "staged later\n");
  const actual = await staged.digest();
  await expect(staged.session.apply(digest)).rejects.toMatchObject({
    kind: "DigestMismatch",
    data: { expected: digest, actual },
  });
  scene.write("a.txt", "by hand\n");
  for (const expected of [digest, "0".repeat(64)])
    await expect(staged.session.apply(expected)).rejects.toMatchObject({ kind: "Stale" });
  // Now recorded, and still the first answer.
  await expect(staged.session.apply(digest)).rejects.toMatchObject({ kind: "Stale" });
  expect(scene.tree()).toMatchObject({ "a.txt": "644 by hand\n", "c.txt": "644 c\n" });
});

test("skip leaves the stale ones out and says which; named patches are applied without them", async () => {
  await using scene = await scenario();
  const staged = await propose(scene, edit("a.txt"), edit("b.txt"), edit("c.txt"));
  scene.write("a.txt", "by hand\n");
  await staged.next("patch/stale");
  const [a, b] = [await staged.patch("a.txt"), await staged.patch("b.txt")];

  const one = await scene.reviewer.call("session/apply", { session: staged.session.id, patches: [b.id] });
  expect([one.applied, one.skipped]).toEqual([[b.id], []]);
  await expect(
    scene.reviewer.call("session/apply", { session: staged.session.id, patches: [a.id] }),
  ).rejects.toMatchObject({ kind: "Stale", data: { path: "a.txt" } });

  await expect(staged.session.apply(await staged.digest())).rejects.toMatchObject({ kind: "Stale" });
  const rest = await staged.session.apply(await staged.digest(), { onStale: "skip" });
  expect(rest.operation.files.map(({ path }) => path)).toEqual(["c.txt"]);
  expect(rest.skipped).toEqual([{ patch: a.id, path: "a.txt", reason: "stale" }]);
  expect(rest.session).toMatchObject({ state: "Pending", patches: { applied: 2, stale: 1 } });
  expect(scene.tree()).toMatchObject({
    "a.txt": "644 by hand\n",
    "b.txt": "644 staged\n",
    "c.txt": "644 staged\n",
  });
});

/** Rewrites the first bytes of `file` for `ms`, as fast as it can, then puts "end" there. */
const WRITER = `
  const { openSync, writeSync } = require("node:fs");
  const [file, ms] = process.argv.slice(1);
  const fd = openSync(file, "r+");
  for (const end = Date.now() + Number(ms); Date.now() < end; ) writeSync(fd, String(Math.random()), 0);
  writeSync(fd, "end", 0);
`;

test("a file that is written in a loop is no error, and is looked at again when it has settled", async () => {
  const content = "x".repeat(8 * 1024 * 1024);
  await using scene = await openScene({ files: { ...FILES, big: content } });
  const staged = await propose(scene, edit("big"), edit("a.txt"));
  const child = spawn(process.execPath, ["-e", WRITER, scene.at("big"), "1500"], { stdio: "inherit" });
  const ended = once(child, "exit");
  expect((await staged.next("patch/stale")).patch).toMatchObject({ path: "big" });
  expect((await ended)[0]).toBe(0);
  scene.write("big", content);
  await staged.next("patch/pending");
  const lines = readFileSync(scene.home.locations.logFile, "utf8").trim().split("\n");
  expect(lines.map((line) => JSON.parse(line)).filter(({ level }) => level >= 50)).toEqual([]);
});

test("restaging or discarding a stale patch settles it", async () => {
  await using scene = await scenario();
  const staged = await propose(scene, edit("a.txt"), edit("b.txt"));
  scene.write("a.txt", "by hand a\n");
  await staged.next("patch/stale");
  scene.write("b.txt", "by hand b\n");
  await staged.next("patch/stale");
  await staged.session.edit("a.txt", [{ oldText: "by hand", newText: "agreed on" }]);
  await staged.session.discard([(await staged.patch("b.txt")).id]);
  const { session, patches } = await staged.session.get();
  expect(session.patches).toMatchObject({ pending: 1, stale: 0, discarded: 2 });
  expect(patches.map(standing)).toEqual(["Discarded (superseded)", "Discarded (discarded)", "Pending"]);
  await staged.session.apply(session.digest);
  expect(scene.tree()).toMatchObject({ "a.txt": "644 agreed on a\n", "b.txt": "644 by hand b\n" });
});

test("of two sessions on one file the second is stale once the first is applied, and fits again once it is undone", async () => {
  await using scene = await scenario();
  const first = await propose(scene, edit("a.txt", "first\n"), edit("b.txt", "first\n"));
  const second = await propose(scene, edit("a.txt", "second\n"), edit("c.txt", "second\n"));
  const { operation } = await first.session.apply(await first.digest());
  await second.next("patch/stale");
  await expect(second.session.apply(await second.digest())).rejects.toMatchObject({
    kind: "Stale",
    data: { path: "a.txt" },
  });
  expect(scene.tree()).toMatchObject({ "a.txt": "644 first\n", "c.txt": "644 c\n" });
  await scene.reviewer.call("operation/undo", { operation: operation.id });
  await second.next("patch/pending");
  await second.session.apply(await second.digest());
  expect(scene.tree()).toMatchObject({
    "a.txt": "644 second\n",
    "b.txt": "644 b\n",
    "c.txt": "644 second\n",
  });
});

test("what was edited while no daemon ran is stale at its start, and what came back is pending", async () => {
  await using scene = await openScene({ files: FILES });
  const { session } = await propose(scene, edit("a.txt"), edit("b.txt"));
  const { seq } = (await session.get()).session;
  await scene.end();
  scene.write("a.txt", "by hand\n");
  await scene.start();
  const [stale] = await eventsUntil(scene.reviewer, { session: session.id, since: seq }, "patch/stale");
  expect(stale.patch).toMatchObject({ path: "a.txt", reason: "stale" });
  await scene.end();
  scene.write("a.txt", FILES["a.txt"]);
  await scene.start();
  const [back] = await eventsUntil(
    scene.reviewer,
    { session: session.id, since: stale.seq },
    "patch/pending",
  );
  expect(back.patch).toMatchObject({ path: "a.txt", state: "Pending" });
});

test("a repeated apply answers the same operation while its patches are applied by it", async () => {
  await using scene = await openScene({ files: FILES });
  const staged = await propose(scene, edit("a.txt"), edit("b.txt"));
  const [digest, ids] = [await staged.digest(), (await staged.session.get()).patches.map(({ id }) => id)];
  const session = staged.session.id;
  const first = await staged.session.apply(digest);
  expect(await staged.session.apply(digest)).toEqual(first);
  expect(await scene.reviewer.call("session/apply", { session, patches: ids })).toEqual(first);
  expect(await scene.reviewer.call("patch/apply", { patch: ids[0] ?? "" })).toEqual(first);
  const other = (await propose(scene, edit("c.txt"))).session.id;
  const foreign = scene.reviewer.call("session/apply", { session: other, patches: ids });
  await expect(foreign).rejects.toMatchObject({ kind: "PatchNotFound" });
  await scene.end();
  await scene.start();
  const again = { session, expectedDigest: digest };
  expect(await scene.reviewer.call("session/apply", again)).toEqual(first);

  // Undone, it is another apply, of what is no longer pending; restored, it is a new operation.
  await scene.reviewer.call("operation/undo", { operation: first.operation.id });
  await expect(scene.reviewer.call("session/apply", again)).rejects.toMatchObject({ kind: "DigestMismatch" });
  await scene.reviewer.call("session/restore", { session });
  const second = await scene.reviewer.call("session/apply", again);
  expect(second.operation.id).not.toBe(first.operation.id);
  expect(second.applied).toEqual(ids);
});

test("a file edited while an apply prepares refuses it all, and its patch is stale at once", async () => {
  const names = Array.from({ length: 200 }, (_, n) => `f${String(n).padStart(3, "0")}`);
  const last = names.at(-1) as string;
  await using scene = await openScene({ files: Object.fromEntries(names.map((name) => [name, "old\n"])) });
  const staged = await propose(scene, ...names.map((name) => edit(name)));
  const digest = await staged.digest();
  const applied = staged.session.apply(digest).catch((error) => error);
  await staged.next("operation/started");
  scene.write(last, "by hand\n");
  expect(await applied).toMatchObject({ kind: "Stale", data: { path: last } });
  expect(standing(await staged.patch(last))).toBe("Discarded (stale)");
  expect(scene.tree()[names[0] as string]).toContain("old");
});

test("an apply names what it wants: a digest, or patches", async () => {
  await using scene = await scenario();
  const staged = await propose(scene, edit("a.txt"));
  await expect(scene.reviewer.call("session/apply", { session: staged.session.id })).rejects.toMatchObject({
    kind: "InvalidParams",
  });
  const other = await propose(scene, edit("b.txt"));
  await expect(
    scene.reviewer.call("session/apply", {
      session: staged.session.id,
      patches: [(await other.patch("b.txt")).id],
    }),
  ).rejects.toMatchObject({ kind: "PatchNotFound" });
  const empty = await scene.reviewer.openSession({ workspace: scene.workspace });
  await expect(empty.apply((await empty.diff()).digest ?? "")).rejects.toMatchObject({
    kind: "IllegalState",
  });
  expect(scene.tree()).toMatchObject({ "a.txt": "644 a\n", "b.txt": "644 b\n" });
});

test("a file over 1 MiB wants to be confirmed, and nothing is written before", async () => {
  await using scene = await scenario();
  const limit = 1024 * 1024;
  writeFileSync(scene.at("old-big.txt"), "o".repeat(limit + 1));
  const staged = await propose(
    scene,
    edit("big.txt", "x".repeat(limit + 1)),
    edit("old-big.txt", "small now\n"),
    edit("limit.txt", "y".repeat(limit)),
  );
  expect((await staged.session.diff()).files.map(({ path, fullReplace }) => [path, fullReplace])).toEqual([
    ["big.txt", true],
    ["limit.txt", false],
    ["old-big.txt", true],
  ]);
  const check = await staged.session.check();
  expect(check.wouldApply).toBe(false);
  expect(check.problems.map(({ kind, path }) => `${kind} ${path}`)).toEqual([
    "ConfirmationRequired big.txt",
    "ConfirmationRequired old-big.txt",
  ]);
  const digest = await staged.digest();
  await expect(staged.session.apply(digest)).rejects.toMatchObject({
    kind: "ConfirmationRequired",
    data: { path: "big.txt" },
  });
  expect(Object.keys(scene.tree())).not.toContain("limit.txt");
  await staged.session.apply(digest, { confirmFullReplace: true });
  expect(scene.read("big.txt")).toHaveLength(limit + 1);
  expect(scene.read("old-big.txt")).toBe("small now\n");
});
