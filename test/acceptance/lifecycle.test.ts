/** What the daemon keeps and clears, by small limits: dry run, expiry, the budget, refs, kills in the middle, races. */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Connection } from "../../client/index.ts";
import type { Operation, Result } from "../../protocol/methods/index.ts";
import { runInProcess } from "../fixture/in-process.ts";
import { testHome } from "../fixture/server.ts";
import { eventsUntil, openScene, type Scene, type SceneOptions } from "./scene.ts";

type Limits = Readonly<Record<string, string>>;

/** A scene whose daemon clears only when it is asked to. */
async function sceneWith(limits: Limits, options: SceneOptions = {}): Promise<Scene> {
  const home = testHome();
  Object.assign(home.env, { IOPIPE_GC_EVERY: "0" }, limits);
  return openScene({ home, ...options });
}

const gc = (client: Connection, dryRun = false): Promise<Result<"daemon/gc">> =>
  client.call("daemon/gc", { dryRun });
const whats = ({ items }: Result<"daemon/gc">): string[] =>
  items.map(({ what, reason }) => `${what} ${reason}`);

async function apply({ reviewer, workspace }: Scene, path: string, content: string): Promise<Operation> {
  const session = await reviewer.openSession({ workspace, title: `write ${path}` });
  await session.write(path, content);
  return (await session.apply((await session.diff()).digest ?? "")).operation;
}

test("what is discarded can be restored until it is cleared, which a dry run tells and does not do", async () => {
  await using scene = await sceneWith({ IOPIPE_KEEP_DISCARDED: "1h" });
  const { workspace } = scene;
  const opened = await scene.reviewer.openSession({ workspace, title: "Dropped" });
  const { patches } = await opened.write("src/a.ts", "dropped\n");
  await opened.discard();
  await opened.restore();
  await opened.discard();
  expect(whats(await gc(scene.reviewer))).toEqual([]);
  await scene.end();
  Object.assign(scene.home.env, { IOPIPE_KEEP_DISCARDED: "2s" });
  await scene.start();
  // Longer ago than discarded patches are kept now, and than the session was used.
  await delay(2200);
  const planned = await gc(scene.reviewer, true);
  expect(whats(planned)).toEqual(["patch age", "session empty"]);
  expect(planned.items[0]).toMatchObject({ id: patches[0]?.id, path: "src/a.ts", workspace });
  expect((await scene.reviewer.call("patch/list", { workspace })).patches).toHaveLength(1);

  const { stdout } = await runInProcess(scene.home, ["gc", "--dry-run"]);
  expect(stdout).toMatch(/^patch {5}p\w{9} {2}src\/a\.ts {2}kept long enough {2}since \d{4}-/);
  expect(stdout).toContain("Would clear 1 patch, 1 session");
  await delay(2200);
  const cleared = await runInProcess(scene.home, ["gc"]);
  expect(cleared.stdout).toContain("Cleared 1 patch, 1 session: 0 B of content.");
  expect(cleared.stderr).toMatch(/Kept: undo data 30 days and up to 1 GiB, discarded patches 2 seconds/);
  const gone = scene.reviewer.call("session/get", { session: opened.id });
  await expect(gone).rejects.toMatchObject({ kind: "SessionNotFound" });
  const nothing = await runInProcess(scene.home, ["gc", "--json"]);
  expect(JSON.parse(nothing.stdout)).toMatchObject({ items: [], totals: {}, limits: { discardedMs: 2000 } });
});

test("beyond the budget the oldest undo goes, says so, and takes its hidden commit along; the newest never does", async () => {
  await using scene = await sceneWith({ IOPIPE_KEEP_UNDO_BYTES: "1B", IOPIPE_KEEP_UNNAMED: "0" });
  const { reviewer, root } = scene;
  const git = (...args: string[]) => execFileSync("git", args, { cwd: root, encoding: "utf8" });
  const session = await reviewer.openSession({ workspace: scene.workspace, title: "first" });
  await session.write("src/a.ts", "one\n");
  const { operation: first, ...answer } = await reviewer.call("session/apply", {
    session: session.id,
    expectedDigest: (await session.diff()).digest ?? "",
    safetyCommit: "hidden",
  });
  expect(answer.safetyCommit).toMatchObject({ ref: `refs/iopipe/${first.id}` });
  git("update-ref", "refs/iopipe/of00000000000000000000000", "HEAD");
  const last = await apply(scene, "src/b.ts", "two\n");
  expect(Date.parse(first.undoableUntil ?? "") - Date.parse(first.endedAt ?? "")).toBe(30 * 86_400_000);

  // Not before the names of its temporary files have left the journal, for good.
  await expect.poll(async () => whats(await gc(reviewer, true))).toContain("operation budget");
  const { items } = await gc(reviewer);
  expect(items.filter(({ what }) => what !== "blob").map(({ what, id }) => `${what} ${id}`)).toEqual([
    `operation ${first.id}`,
    `patch ${answer.applied[0]}`,
    `ref refs/iopipe/${first.id}`,
  ]);
  expect(git("for-each-ref", "--format=%(refname)", "refs/iopipe/")).toBe(
    "refs/iopipe/of00000000000000000000000\n",
  );
  const { operation } = await reviewer.call("operation/get", { operation: first.id });
  expect(operation).toMatchObject({ state: "committed", cleared: true, files: [{ path: "src/a.ts" }] });
  expect(operation).not.toHaveProperty("undoableUntil");
  const undo = { operation: first.id };
  await expect(reviewer.call("operation/undo", undo)).rejects.toMatchObject({
    kind: "IllegalState",
    message: expect.stringContaining("was cleared"),
    data: { hint: expect.stringContaining("IOPIPE_KEEP_UNDO") },
  });
  const { problems } = await reviewer.call("operation/undo", { ...undo, dryRun: true });
  expect(problems).toMatchObject([{ kind: "IllegalState", cleared: true }]);

  await expect(reviewer.call("operation/diff", undo)).rejects.toMatchObject({ kind: "IllegalState" });
  const shown = await runInProcess(scene.home, ["show", first.id], { cwd: root });
  expect(shown).toMatchObject({ code: 0, stdout: expect.stringContaining("cannot be undone any more") });

  await reviewer.call("operation/undo", { operation: last.id });
  expect(scene.read("src/b.ts")).toBe("export const b = 2;\n");
  expect(scene.read("src/a.ts")).toBe("one\n");
  // Not what was undone: its undo is the newest now, and can be undone.
  expect(whats(await gc(reviewer))).toEqual([]);
});

test("who asks for events that are not kept any more is told so, and misses none that follow", async () => {
  await using scene = await sceneWith({ IOPIPE_KEEP_EVENTS: "0" });
  const { reviewer, workspace } = scene;
  const session = await reviewer.openSession({ workspace });
  await session.write("src/a.ts", "staged\n");
  await apply(scene, "src/b.ts", "applied\n");
  expect(await reviewer.call("events/subscribe", { since: 0 })).not.toHaveProperty("fresh");
  await expect.poll(async () => (await gc(reviewer)).totals.event?.count).toBeUndefined();

  const { seq: now } = await reviewer.call("events/subscribe", {});
  expect(await reviewer.call("events/subscribe", { workspace, since: now - 2 })).toHaveProperty(
    "fresh",
    true,
  );
  const { seq } = (await session.get()).session;
  expect(await session.wait({ since: 0, timeoutMs: 60_000 })).toMatchObject({ seq, timedOut: false });
  let isFresh = false;
  const onFresh = () => (isFresh = true);
  const following = reviewer.events({ workspace, since: 1, onFresh });
  await following.ready;
  await session.discard();
  const seen: number[] = [];
  for await (const event of following) {
    seen.push(event.seq);
    if (event.type === "patch/discarded") break;
  }
  expect({ isFresh, seen }).toEqual({ isFresh: true, seen: seen.map((_, n) => now + n) });
});

test("a session that its proposer has left expires, with an event; its patches can be restored, and then go", async () => {
  const limits = { IOPIPE_KEEP_ORPHANED: "2s", IOPIPE_KEEP_DISCARDED: "2s" };
  await using scene = await sceneWith(limits);
  const { reviewer, workspace } = scene;
  const leaving = await scene.connect("proposer");
  const left = await leaving.openSession({ workspace, title: "Left" });
  await left.write("src/a.ts", "left\n");
  const empty = await leaving.openSession({ workspace, title: "Never used" });
  const staying = await scene.proposer.openSession({ workspace, title: "Stays" });
  await staying.write("src/b.ts", "stays\n");
  leaving.close();
  await delay(2500);

  expect(whats(await gc(reviewer, true))).toEqual(["session orphaned", "session orphaned"]);
  expect((await reviewer.call("session/list", { state: "Pending" })).sessions).toHaveLength(3);
  await gc(reviewer);
  const [expired, discarded] = await eventsUntil(reviewer, { session: left.id, since: 0 }, "session/expired");
  expect(expired.seq).toBeGreaterThan(discarded?.seq as number);
  expect(expired).toMatchObject({ session: { id: left.id, state: "Discarded", patches: { discarded: 1 } } });
  expect(discarded).toMatchObject({ type: "patch/discarded", patch: { reason: "expired" } });
  const pending = (await reviewer.call("session/list", { state: "Pending" })).sessions;
  expect(pending.map(({ id }) => id)).toEqual([staying.id]);
  await expect(reviewer.call("session/get", { session: empty.id })).rejects.toThrow();

  await reviewer.call("session/restore", { session: left.id });
  // Whoever restores it uses it.
  expect(whats(await gc(reviewer))).toEqual([]);
  const again = await scene.connect("reviewer");
  await again.call("session/discard", { session: left.id });
  again.close();
});

test("what is uploaded and staged while everything else is cleared survives", async () => {
  const limits = { IOPIPE_KEEP_DISCARDED: "0", IOPIPE_KEEP_UNDO: "0" };
  await using scene = await sceneWith(limits);
  const { workspace } = scene;
  const upload = async (content: Buffer): Promise<string> => {
    const { upload } = await scene.proposer.call("blob/write", { data: content.toString("base64") });
    return (await scene.proposer.call("blob/commit", { upload })).blob;
  };
  // What is uploaded is to be named within the limit: a second, or a multiple of what the machine takes for that.
  const began = performance.now();
  const blob = await upload(randomBytes(400_000));
  const first = await scene.proposer.openSession({ workspace });
  await first.stage([{ kind: "write", path: "first", blob }]);
  const unnamedMs = Math.round(Math.max(1000, 20 * (performance.now() - began)));
  await scene.end();
  Object.assign(scene.home.env, { IOPIPE_KEEP_UNNAMED: `${unnamedMs}ms` });
  await scene.start();
  const { reviewer } = scene;
  let isOver = false;
  const collecting = (async () => {
    for (; !isOver; await delay(1)) await gc(reviewer);
  })();
  const contents = Array.from({ length: 12 }, (_, n) => randomBytes(n % 2 ? 1000 : 400_000));
  const session = await scene.proposer.openSession({ workspace });
  for (let round = 0; round < 3; round++) {
    for (const [n, content] of contents.entries()) {
      const change = { kind: "write" as const, path: `f${(n + round) % contents.length}` };
      await session.stage([{ ...change, blob: await upload(content) }]);
    }
    await reviewer.call("session/apply", {
      session: session.id,
      expectedDigest: (await reviewer.call("session/get", { session: session.id })).session.digest,
    });
  }
  isOver = true;
  await collecting;
  for (const [n, content] of contents.entries())
    expect(readFileSync(scene.at(`f${(n + 2) % contents.length}`)).equals(content)).toBe(true);
  const { operations } = await reviewer.call("operation/list", { workspace });
  const standing = operations.filter(({ cleared }) => !cleared);
  expect(standing.length).toBeGreaterThan(0);
  await reviewer.call("operation/undo", { operation: operations[0]?.id ?? "" });
});

test("a pass killed at any moment harms nothing, and the next one ends it", {
  timeout: 240_000,
}, async () => {
  const limits = { IOPIPE_KEEP_UNNAMED: "0", IOPIPE_KEEP_DISCARDED: "0", IOPIPE_KEEP_UNDO: "0" };
  await using scene = await sceneWith(limits, { killable: true });
  const { workspace } = scene;
  const mine = await scene.reviewer.openSession({ workspace, title: "Mine" });
  await mine.write("large", randomBytes(500_000));
  await mine.write("src/a.ts", "mine\n");
  const { digest = "", diff } = await mine.diff();
  let isDone = 0;
  let round = 0;
  // More, where each pass was over before the kill came: the machine has other work.
  for (; round < 4 || (isDone === round && round < 12); round++) {
    for (let n = 0; n < 4; n++) await apply(scene, `f${n % 3}`, `${round} ${n}\n`.repeat(n % 2 ? 1 : 60_000));
    const dropped = await scene.reviewer.openSession({ workspace });
    await dropped.write("large", randomBytes(300_000));
    await dropped.discard();
    // Nothing is held by what was done a moment ago.
    await scene.end();
    await scene.start();
    const pass = gc(scene.reviewer).then(
      () => true,
      () => false,
    );
    await delay((round % 4) * 8);
    await scene.end();
    if (await pass) isDone++;
    await scene.start();
    const session = scene.reviewer.session(mine.id);
    expect(await session.diff()).toMatchObject({ digest, diff });
    const { operations } = await scene.reviewer.call("operation/list", { workspace, limit: 1000 });
    for (const one of operations.filter(({ cleared }) => !cleared))
      await scene.reviewer.call("operation/diff", { operation: one.id });
  }
  expect(isDone).toBeLessThan(round);
  await scene.end();
  await scene.start();
  await gc(scene.reviewer);
  expect((await gc(scene.reviewer, true)).items.filter(({ what }) => what !== "session")).toEqual([]);
  const { operations } = await scene.reviewer.call("operation/list", { workspace, limit: 1000 });
  expect(operations.filter(({ cleared }) => !cleared)).toHaveLength(1);
  await scene.reviewer.call("operation/undo", { operation: operations[0]?.id ?? "" });
  const { sessions } = await scene.reviewer.call("session/list", { state: "Pending" });
  expect(sessions.map(({ id }) => id)).toEqual([mine.id]);
  await scene.reviewer.call("session/apply", { session: mine.id, expectedDigest: digest });
});

test("by itself, now and then; and not while it is stopped in the middle", async () => {
  await using scene = await sceneWith({ IOPIPE_GC_EVERY: "100ms", IOPIPE_KEEP_DISCARDED: "0" });
  const { reviewer, workspace } = scene;
  const session = await reviewer.openSession({ workspace });
  await session.write("src/a.ts", "dropped\n");
  await session.discard();
  await expect.poll(async () => (await reviewer.call("patch/list", { workspace })).patches).toEqual([]);
  await scene.end();
  await scene.start();
  expect((await scene.reviewer.call("workspace/list", {})).workspaces).toHaveLength(1);
});
