/**
 * Watching end to end: what a client is told of changes, its own and other people's, over barriers and restarts.
 * The watch's own parts have tests of their own (watch*.test.ts).
 */
import { chmodSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { expect, test } from "vitest";
import type { FileChange } from "../../client/index.ts";
import { runInProcess } from "../fixture/in-process.ts";
import { MIXED_CHANGES, MIXED_FILES, prepareMixed } from "./mixed.ts";
import { openScene, type Scene, sharedStage } from "./scene.ts";

const stage = sharedStage();
const scenario = (files?: Record<string, string>) =>
  openScene({ on: stage(), ...(files !== undefined && { files }) });

const sync = async ({ reviewer, workspace }: Scene): Promise<string> => {
  const { clock, verified } = await reviewer.call("watch/sync", { workspace });
  expect(verified).toBe(true);
  return clock;
};

const since = ({ reviewer, workspace }: Scene, clock?: string) =>
  reviewer.call("watch/since", { workspace, ...(clock !== undefined && { clock }) });

/** "created a", "modified b content", …, sorted by path. */
const told = (changes: readonly FileChange[]): string[] =>
  changes
    .toSorted((one, other) => (one.path < other.path ? -1 : 1))
    .map(({ kind, path, changed = [] }) => [kind, path, ...changed].join(" "));

/** How an apply of the mixed patch is told. */
const MIXED_TOLD = [
  "modified a/one.txt content",
  "modified a/run.sh mode",
  "deleted b/old.txt",
  "modified b/two.txt content",
  "created c/renamed.txt",
  "deleted gone/last.txt",
  "created link",
  "created new/deep/x.txt",
  "created new/deep/y.sh",
];

test("what changed while the daemon was dead is in since, with the clock from before", async () => {
  await using scene = await openScene({
    files: { a: "a\n", b: "b\n", c: "c\n", same: "same\n" },
    killable: true,
  });
  const clock = await sync(scene);
  scene.write("a", "changed before the end\n");
  const later = await sync(scene);
  await scene.end();
  scene.write("b", "changed while it was dead\n");
  scene.write("new/n", "new\n");
  scene.remove("c");
  await scene.start();

  const missed = await since(scene, later);
  expect([missed.fresh, missed.more]).toEqual([false, false]);
  expect(told(missed.changes)).toEqual(["modified b content", "deleted c", "created new/n"]);
  expect(new Set(missed.changes.map(({ origin }) => origin))).toEqual(new Set(["external"]));
  const all = await since(scene, clock);
  expect(told(all.changes)).toEqual(["modified a content", ...told(missed.changes)]);
  // Numbers go on above those of the daemon before.
  const before = all.changes.find(({ path }) => path === "a")?.seq ?? 0;
  for (const { seq } of missed.changes) expect(seq).toBeGreaterThan(before);
  expect((await since(scene, missed.clock)).changes).toEqual([]);
});

test("own writes carry their operation, and are told once, to since and to a subscription", async () => {
  await using scene = await scenario(MIXED_FILES);
  prepareMixed(scene, chmodSync);
  const { reviewer, workspace } = scene;
  const clock = await sync(scene);
  const client = await scene.raw("proposer");
  const { subscription } = (await client.request("watch/subscribe", { workspace })).result;
  const session = await reviewer.openSession({ workspace });
  await session.stage(MIXED_CHANGES);
  const { operation } = await session.apply((await session.diff()).digest ?? "");
  await sync(scene);
  const { operation: undone } = await reviewer.call("operation/undo", { operation: operation.id });
  await sync(scene);
  scene.write("the-last-change", "by hand\n");
  const end = await sync(scene);

  // Everything that the subscription had to say, up to a change that came after all echoes.
  const seen: FileChange[] = [];
  while (!seen.some(({ path }) => path === "the-last-change")) {
    const { method, params } = await client.next();
    expect([method, params.subscription, params.fresh]).toEqual(["watch/changes", subscription, false]);
    seen.push(...params.changes);
  }
  const by = (id: string | undefined) => seen.filter((change) => change.operation === id);
  expect(by(undefined).map(({ path, origin }) => [path, origin])).toEqual([["the-last-change", "external"]]);
  expect(by(operation.id).every(({ origin }) => origin === "iopipe")).toBe(true);
  const paths = MIXED_TOLD.map((line) => line.split(" ")[1]).sort();
  for (const id of [operation.id, undone?.id ?? ""])
    expect(
      by(id)
        .map(({ path }) => path)
        .sort(),
      id,
    ).toEqual(paths);

  // To a clock from before all of it, what came and went is nothing.
  const { changes } = await since(scene, clock);
  expect(changes.map(({ path }) => path).sort()).toEqual(
    ["a/one.txt", "a/run.sh", "b/old.txt", "b/two.txt", "gone/last.txt", "the-last-change"].sort(),
  );
  expect((await since(scene, end)).changes).toEqual([]);
});

test("since tells an apply as what it did to each path, with its operation", async () => {
  await using scene = await scenario(MIXED_FILES);
  prepareMixed(scene, chmodSync);
  const clock = await sync(scene);
  const session = await scene.reviewer.openSession({ workspace: scene.workspace });
  await session.stage(MIXED_CHANGES);
  const { operation } = await session.apply((await session.diff()).digest ?? "");
  // Before any barrier: the table knows of own writes at once.
  const { changes, clock: after } = await since(scene, clock);
  expect(told(changes)).toEqual(MIXED_TOLD);
  expect(changes.map((change) => [change.origin, change.operation])).toEqual(
    changes.map(() => ["iopipe", operation.id]),
  );
  // And their echoes are nothing.
  await sync(scene);
  expect((await since(scene, after)).changes).toEqual([]);
  scene.write("a/one.txt", "somebody else\n");
  await sync(scene);
  expect((await since(scene, after)).changes).toMatchObject([{ path: "a/one.txt", origin: "external" }]);
});

test("a barrier proves that everything before it is told", async () => {
  await using scene = await scenario();
  let clock = await sync(scene);
  for (let n = 0; n < 20; n++) {
    mkdirSync(scene.at(`d${n}/deep`), { recursive: true });
    scene.write(`d${n}/deep/f`, `${n}\n`);
    scene.write("src/a.ts", `export const a = ${n};\n// round\n`);
    if (n > 0) renameSync(scene.at(`d${n - 1}`), scene.at(`moved${n - 1}`));
    await sync(scene);
    const page = await since(scene, clock);
    expect(told(page.changes), `round ${n}`).toEqual(
      [
        `created d${n}/deep/f`,
        ...(n > 0 ? [`deleted d${n - 1}/deep/f`, `created moved${n - 1}/deep/f`] : []),
        "modified src/a.ts content",
      ].sort((one, other) => ((one.split(" ")[1] ?? "") < (other.split(" ")[1] ?? "") ? -1 : 1)),
    );
    clock = page.clock;
  }
});

test("a clock that is unknown, another workspace's or none lists afresh all that exists", async () => {
  await using scene = await scenario({ a: "a\n", "d/b": "b\n" });
  await using other = await scenario({ o: "o\n" });
  const [clock, foreign] = [await sync(scene), await sync(other)];
  for (const unknown of [undefined, "", "nonsense", foreign, clock.replace(/\d+$/, "999999")]) {
    const { fresh, changes, more } = await since(scene, unknown);
    expect([fresh, more], String(unknown)).toEqual([true, false]);
    expect(told(changes)).toEqual(["created a", "created d/b"]);
  }
  const client = await scene.raw("reviewer");
  const subscribed = await client.request("watch/subscribe", {
    workspace: scene.workspace,
    since: "nonsense",
  });
  expect(subscribed.result).toMatchObject({ fresh: true, clock });
});

test("a subscription from a clock begins with what it missed, after its answer", async () => {
  await using scene = await scenario();
  const clock = await sync(scene);
  scene.write("src/a.ts", "missed\n");
  await sync(scene);
  const client = await scene.raw("reviewer");
  const params = { workspace: scene.workspace, since: clock, include: ["src/**"], exclude: ["**/*.md"] };
  client.send({ jsonrpc: "2.0", id: "s", method: "watch/subscribe", params });
  const answer = await client.next();
  expect(answer).toMatchObject({ id: "s", result: { fresh: false } });
  const first = await client.next();
  expect(first.params).toMatchObject({
    subscription: answer.result.subscription,
    changes: [{ path: "src/a.ts", kind: "modified" }],
  });
  for (const file of ["elsewhere", "src/notes.md", "src/new.ts"]) {
    scene.write(file, "new\n");
    await sync(scene);
  }
  expect((await client.next()).params.changes).toMatchObject([{ path: "src/new.ts", kind: "created" }]);
  const end = { subscription: answer.result.subscription };
  expect((await client.request("watch/unsubscribe", end)).result).toEqual({});
  expect((await client.request("watch/unsubscribe", end)).error.data.kind).toBe("SubscriptionNotFound");
});

test("git's own work is never told, what it does to files is, and what it ignores is folded", async () => {
  await using scene = await scenario({ a: "a\n", ".gitignore": "/ignored/\n" });
  const clock = await sync(scene);
  scene.write("b", "b\n");
  scene.git(["add", "b"]);
  scene.git(["commit", "--quiet", "--message", "b"]);
  scene.git(["checkout", "--quiet", "-b", "branch", "HEAD~1"]);
  scene.write("ignored/x", "x\n");
  scene.write("ignored/y", "y\n");
  scene.write("a", "changed\n");
  await sync(scene);
  const { changes } = await since(scene, clock);
  expect(changes.filter(({ folded }) => folded === undefined).map(({ path }) => path)).toEqual(["a"]);
  expect(changes.filter(({ folded }) => folded !== undefined)).toMatchObject([
    { path: "ignored", kind: "modified", priority: "LOW" },
  ]);
});

test("a file with a pending patch is HIGH while it is pending", async () => {
  await using scene = await scenario({ a: "a\n", b: "b\n" });
  const { reviewer, workspace } = scene;
  const clock = await sync(scene);
  const session = await reviewer.openSession({ workspace });
  await session.write("a", "staged\n");
  for (const file of ["a", "b"]) scene.write(file, "by hand\n");
  await sync(scene);
  const priorities = async () =>
    Object.fromEntries((await since(scene, clock)).changes.map(({ path, priority }) => [path, priority]));
  expect(await priorities()).toEqual({ a: "HIGH", b: "MED" });
  await session.discard();
  await session.write("b", "staged\n");
  await expect.poll(priorities).toEqual({ a: "MED", b: "HIGH" });
  await session.apply((await session.diff()).digest ?? "");
  await expect.poll(priorities).toEqual({ a: "MED", b: "MED" });
});

test("a root that is gone is said to be gone, keeps its sessions, and goes on when it is back", async () => {
  await using scene = await scenario({ a: "a\n" });
  const { reviewer, workspace, root } = scene;
  await sync(scene);
  const session = await reviewer.openSession({ workspace });
  await session.write("a", "staged\n");
  const digest = (await session.diff()).digest ?? "";
  renameSync(root, `${root}-away`);
  await expect(session.apply(digest)).rejects.toMatchObject({ kind: "RootGone" });
  await expect(session.write("b", "b\n")).rejects.toMatchObject({ kind: "RootGone" });
  await expect(reviewer.call("workspace/open", { root })).rejects.toMatchObject({ kind: "RootGone" });
  expect((await session.diff()).digest).toBe(digest);
  renameSync(`${root}-away`, root);
  expect((await session.apply(digest)).operation.state).toBe("committed");
  rmSync(scene.at("a"));
});

test("a workspace's own rules of watching survive a restart of the daemon, and are judged by at once", async () => {
  await using scene = await openScene({
    files: { "src/a": "a\n", "gen/b": "b\n", c: "c\n" },
    killable: true,
  });
  const { root } = scene;
  const rules = { ignore: ["/new/"], high: ["src"] };
  await scene.reviewer.call("workspace/open", { root, watch: rules });
  await scene.end();
  await scene.start();
  scene.write("new/x", "x\n");
  await sync(scene);
  const { changes } = await since(scene);
  expect(Object.fromEntries(changes.map(({ path, priority }) => [path, priority]))).toEqual({
    "src/a": "HIGH",
    "gen/b": "MED",
    c: "MED",
    new: "LOW",
  });
  const { workspaces } = await scene.reviewer.call("workspace/list", {});
  expect(workspaces[0]?.watch.rules).toEqual(rules);
});

test("a glob or a line that can match nothing is refused by name, and what was there before stays", async () => {
  await using scene = await scenario();
  const { reviewer, root, workspace } = scene;
  const long = `[${"x".repeat(500)}`;
  await reviewer.call("workspace/open", { root, watch: { high: ["src"], ignore: ["# [", "!a[b]"] } });
  const refused = async (call: Promise<unknown>, param: string, glob: string) =>
    await expect(call, param).rejects.toMatchObject({
      kind: "InvalidParams",
      message: expect.stringContaining(`\`${param}\`, ${JSON.stringify(glob)}`),
      data: { param, index: Number(/\d+/.exec(param)) },
    });
  const open = (watch: object) => reviewer.call("workspace/open", { root, watch });
  await refused(open({ high: ["["] }), "watch.high[0]", "[");
  await refused(open({ med: ["ok", "a\\"] }), "watch.med[1]", "a\\");
  await refused(open({ low: [long] }), "watch.low[0]", `${long.slice(0, 100)}…`);
  await refused(open({ ignore: ["*.log", "!/a[b/"] }), "watch.ignore[1]", "!/a[b/");
  await refused(reviewer.call("watch/since", { workspace, include: ["["] }), "include[0]", "[");
  await refused(reviewer.call("watch/subscribe", { workspace, exclude: ["["] }), "exclude[0]", "[");
  const lanes = { low: ["[[:nope:]]"] };
  await refused(reviewer.call("watch/subscribe", { workspace, lanes }), "lanes.low[0]", "[[:nope:]]");
  const { workspaces } = await reviewer.call("workspace/list", {});
  expect(workspaces.find(({ id }) => id === workspace)?.watch.rules).toMatchObject({ high: ["src"] });

  const told = await runInProcess(scene.home, ["open", root, "--high", "["]);
  expect(told).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/"\[", matches nothing: a set.*\n.*backslash/),
  });
});

test("a cursor that no page can have given is refused by every list that has cursors of its own", async () => {
  await using scene = await scenario({ a: "a\n" });
  const { reviewer, workspace } = scene;
  const lists = [
    (after: string) => reviewer.call("session/list", { after }),
    (after: string) => reviewer.call("session/list", { workspace, state: "Pending", after }),
    (after: string) => reviewer.call("patch/list", { workspace, after }),
    (after: string) => reviewer.call("operation/list", { workspace, after }),
    (after: string) => reviewer.call("workspace/list", { after }),
  ];
  for (const [n, list] of lists.entries())
    for (const after of ["bogus", "0", "", "-1", "01", "9".repeat(200)])
      await expect(list(after), `${n} ${after}`).rejects.toMatchObject({
        kind: "InvalidParams",
        message: expect.stringContaining(`"${after.slice(0, 100)}`),
        data: { param: "after" },
      });
});
