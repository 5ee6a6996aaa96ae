/**
 * Rebasing on a real daemon: two agents on one file, whichever is applied first, and what each is told; every other way in
 * which a base can move.
 */
import { chmodSync, mkdirSync, renameSync, rmdirSync, rmSync, symlinkSync, unlinkSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { ChangeInput, Connection, SessionHandle } from "../../client/index.ts";
import { snapshot } from "./repository.ts";
import { eventsUntil, openScene, type Scene, sharedStage } from "./scene.ts";

const LINES = "one\ntwo\nthree\nfour\nfive\nsix\nseven\n";
const stage = sharedStage();
const scenario = (files: Record<string, string> = { "f.txt": LINES }) => openScene({ files, on: stage() });

const edit = (oldText: string, newText: string, path = "f.txt"): ChangeInput => ({
  kind: "edit",
  path,
  edits: [{ oldText, newText }],
});

/** An agent with a connection and a session of its own. */
async function agent(scene: Scene, ...changes: ChangeInput[]) {
  const connection = await scene.connect("proposer");
  const session = await connection.openSession({ workspace: scene.workspace });
  const { session: staged } = await session.stage(changes);
  return { connection, session, seq: staged.seq };
}

type Agent = Awaited<ReturnType<typeof agent>>;

/** The reviewer looks at what is pending, and applies it. */
async function review(scene: Scene, { session }: Agent): Promise<string> {
  const shown = await scene.reviewer.call("session/diff", { session: session.id });
  await scene.reviewer.call("session/apply", { session: session.id, expectedDigest: shown.digest ?? "" });
  return shown.diff;
}

const toldStale = ({ connection, session, seq }: Agent) =>
  eventsUntil(connection, { session: session.id, since: seq }, "patch/stale");

async function textOf(connection: Connection, blob = ""): Promise<string> {
  return Buffer.from((await connection.call("blob/read", { blob })).data, "base64").toString();
}

const standing = async (session: SessionHandle) =>
  (await session.get()).patches.map(({ path, state, reason }) => [path, state, reason]);

describe.each([
  ["the first is applied first", 0],
  ["the second is applied first", 1],
])("two agents on one file; %s", (_, first) => {
  async function both(...changes: [ChangeInput, ChangeInput]) {
    const scene = await scenario();
    const agents = [await agent(scene, changes[0]), await agent(scene, changes[1])] as const;
    const [sooner, later] = [agents[first] as Agent, agents[1 - first] as Agent];
    await review(scene, sooner);
    return { scene, later };
  }

  test("disjoint: the other is told stale, rebases in one call, and both changes are there", async () => {
    const { scene, later } = await both(edit("two", "TWO"), edit("six", "SIX"));
    await using _ = scene;
    const [{ patch }] = await toldStale(later);
    expect(patch).toMatchObject({ state: "Discarded", reason: "stale" });
    const { digest } = (await later.session.get()).session;
    const { session, merged, conflicted } = await later.session.rebase();
    expect({ merged, conflicted }).toEqual({ merged: ["f.txt"], conflicted: [] });
    expect(session).toMatchObject({ state: "Pending", patches: { pending: 1, stale: 0, discarded: 1 } });
    // It was made on another base: what was shown before applies nothing now.
    expect(session.digest).not.toBe(digest);
    const shown = await review(scene, later);
    expect(shown).toMatch(first === 0 ? /-six\n\+SIX\n/ : /-two\n\+TWO\n/);
    expect(shown.match(/^[-+][a-zA-Z]/gm)).toHaveLength(2);
    expect(scene.read("f.txt")).toBe(LINES.replace("two", "TWO").replace("six", "SIX"));
  });

  test.each([
    ["adjacent", edit("two", "TWO"), edit("three", "THREE"), { start: 2, end: 3 }],
    ["overlapping", edit("two\nthree", "2\n3"), edit("three\nfour", "III\nIV"), { start: 2, end: 4 }],
    ["insertions in one place", edit("two\n", "two\nA\n"), edit("two\n", "two\nB\n"), { start: 3, end: 2 }],
  ])("%s: the other is given all three sides, keeps its patch, and settles it", async (_, a, b, lines) => {
    const { scene, later } = await both(a, b);
    await using __ = scene;
    await toldStale(later);
    const { session, merged, conflicted } = await later.session.rebase();
    expect(merged).toEqual([]);
    expect(conflicted).toMatchObject([{ path: "f.txt", reason: "overlap", regions: [{ base: lines }] }]);
    expect(session.patches).toEqual({ pending: 0, stale: 1, applied: 0, discarded: 0 });
    const [{ base, ours, theirs } = {}] = conflicted;
    expect(await textOf(later.connection, base)).toBe(LINES);
    const onDisk = scene.read("f.txt");
    expect(await textOf(later.connection, theirs)).toBe(onDisk);
    const stale = (await later.session.get()).patches[0];
    expect(ours).toBe(stale?.after.hash);
    // Again the same: nothing was lost by asking.
    expect((await later.session.rebase()).conflicted).toEqual(conflicted);
    expect(scene.read("f.txt")).toBe(onDisk);

    const content = `${onDisk}${await textOf(later.connection, ours)}`;
    await later.session.stage([{ kind: "write", path: "f.txt", content, baseHash: theirs ?? "" }]);
    expect((await later.session.get()).session.patches).toMatchObject({ pending: 1, stale: 0 });
    await review(scene, later);
    expect(scene.read("f.txt")).toBe(content);
  });

  test("the same change: nothing is left to do, and an event says so", async () => {
    const { scene, later } = await both(edit("two", "TWO"), edit("two", "TWO"));
    await using _ = scene;
    await toldStale(later);
    const { session, merged } = await later.session.rebase();
    expect(merged).toEqual(["f.txt"]);
    expect(session).toMatchObject({ state: "Discarded", patches: { pending: 0, stale: 0 } });
    const wanted = { session: later.session.id, since: later.seq };
    const [{ patch }] = await eventsUntil(later.connection, wanted, "patch/discarded");
    expect(patch).toMatchObject({ path: "f.txt", reason: "superseded" });
  });
});

const CHANGES = [edit("one", "ONE"), edit("four\n", "four\nfour and a half\n"), edit("seven\n", "")];

test.each([
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
])("three agents, applied in the order %i, %i, %i: the same file, with all changes", async (...order) => {
  await using scene = await scenario();
  const agents: Agent[] = [];
  for (const change of CHANGES) agents.push(await agent(scene, change));
  for (const n of order) {
    const one = agents[n] as Agent;
    const { conflicted } = await one.session.rebase();
    expect(conflicted).toEqual([]);
    await review(scene, one);
  }
  expect(scene.read("f.txt")).toBe("ONE\ntwo\nthree\nfour\nfour and a half\nfive\nsix\n");
});

test("a base that moved before anybody told is seen by the rebase itself; what stands is left alone", async () => {
  await using scene = await scenario({ "f.txt": LINES, "g.txt": LINES });
  const one = await agent(scene, edit("two", "TWO"), edit("two", "TWO", "g.txt"));
  const before = (await one.session.get()).patches.find(({ path }) => path === "g.txt");
  scene.write("f.txt", LINES.replace("six", "6"));
  expect((await one.session.rebase()).merged).toEqual(["f.txt"]);
  const { patches } = await one.session.get();
  expect(patches.find(({ path }) => path === "g.txt")).toEqual(before);
  expect((await one.session.rebase()).merged).toEqual([]);
  await review(scene, one);
  expect(scene.read("f.txt")).toBe(LINES.replace("two", "TWO").replace("six", "6"));
});

test("only the paths that are named are rebased; a decision and the readiness are not taken over", async () => {
  await using scene = await scenario({ "f.txt": LINES, "g.txt": LINES });
  const one = await agent(scene, edit("two", "TWO"), edit("two", "TWO", "g.txt"));
  await one.session.submit("look");
  const [patch] = (await one.session.get()).patches;
  const decisions = [{ patch: patch?.id ?? "", decision: "approved" as const }];
  await scene.reviewer.call("session/decide", { session: one.session.id, decisions });
  for (const path of ["f.txt", "g.txt"]) scene.write(path, LINES.replace("six", "6"));
  const { session, merged } = await one.session.rebase(["f.txt", "none"]);
  expect(merged).toEqual(["f.txt"]);
  expect(session.ready).toBe(false);
  const { patches } = await one.session.get();
  const of = (path: string) => patches.filter((each) => each.path === path);
  expect(of("f.txt")).toMatchObject([
    { id: patch?.id, state: "Discarded", reason: "superseded", decision: "approved" },
    { state: "Pending", decision: "undecided" },
  ]);
  expect(of("g.txt")).toHaveLength(1);
});

test("bytes are bytes: CRLF, a byte order mark and no final newline come through, as does the disk's mode", async () => {
  const text = "\ufeffone\r\ntwo\r\nthree\r\nfour\r\nfive";
  await using scene = await scenario({ "f.txt": text });
  const one = await agent(scene, edit("two", "TWO"));
  scene.write("f.txt", text.replace("five", "FIVE"));
  chmodSync(scene.at("f.txt"), 0o755);
  expect((await one.session.rebase()).merged).toEqual(["f.txt"]);
  await review(scene, one);
  expect(scene.read("f.txt")).toBe(text.replace("two", "TWO").replace("five", "FIVE"));
  expect(scene.tree()["f.txt"]).toMatch(/^755 /);
});

test("another agent may not read what a conflict named to this one", async () => {
  await using scene = await scenario();
  const one = await agent(scene, edit("two", "TWO"));
  scene.write("f.txt", LINES.replace("two", "zwei"));
  const [{ theirs = "" } = {}] = (await one.session.rebase()).conflicted;
  expect(await textOf(one.connection, theirs)).toContain("zwei");
  const other = await scene.connect("proposer");
  await expect(other.call("blob/read", { blob: theirs })).rejects.toMatchObject({ kind: "BlobNotFound" });
});

/** What a session wants, what happens to the tree, and what becomes of it: the tree once it is applied, or the reason. */
type Case = [string, ChangeInput[], (scene: Scene) => unknown, string | Record<string, string>];

const link = (scene: Scene, path: string, target: string): void => {
  rmSync(scene.at(path));
  symlinkSync(target, scene.at(path));
};
const six = LINES.replace("six", "SIX");

test.each<Case>([
  ["an edit, a deletion", [edit("two", "TWO")], ({ remove }) => remove("f.txt"), "deleted"],
  ["a deletion, an edit", [{ kind: "delete", path: "f.txt" }], ({ write }) => write("f.txt", six), "changed"],
  ["a deletion twice", [{ kind: "delete", path: "f.txt" }], ({ remove }) => remove("f.txt"), {}],
  [
    "a creation twice",
    [{ kind: "write", path: "n", content: "a\n" }],
    ({ write }) => write("n", "b\n"),
    "created",
  ],
  [
    "the same creation twice",
    [{ kind: "write", path: "n", content: "a\n", mode: 0o644 }],
    ({ write }) => write("n", "a\n"),
    { "f.txt": `644 ${LINES}`, n: "644 a\n" },
  ],
  [
    "a rename, an edit",
    [{ kind: "rename", path: "f.txt", to: "d/g.txt" }, edit("two", "TWO", "d/g.txt")],
    ({ write }) => write("f.txt", six),
    { "d/": "755", "d/g.txt": `644 ${six.replace("two", "TWO")}` },
  ],
  [
    "a rename, a file in its way",
    [{ kind: "rename", path: "f.txt", to: "g" }],
    ({ write }) => write("g", "g\n"),
    "place",
  ],
  [
    "a rename, a rename elsewhere",
    [{ kind: "rename", path: "f.txt", to: "g" }],
    ({ at }) => renameSync(at("f.txt"), at("h")),
    "deleted",
  ],
  [
    "modes of both",
    [{ kind: "chmod", path: "f.txt", mode: 0o755 }],
    ({ at }) => chmodSync(at("f.txt"), 0o600),
    "mode",
  ],
  [
    "a mode and an edit, another edit",
    [{ kind: "chmod", path: "f.txt", mode: 0o755 }, edit("two", "TWO")],
    ({ write }) => write("f.txt", six),
    { "f.txt": `755 ${six.replace("two", "TWO")}` },
  ],
  [
    "a link and an edit",
    [{ kind: "symlink", path: "f.txt", target: "x" }],
    ({ write }) => write("f.txt", six),
    "type",
  ],
  [
    "two links",
    [{ kind: "symlink", path: "f.txt", target: "x" }],
    (scene) => link(scene, "f.txt", "y"),
    "type",
  ],
  [
    "a directory in its place",
    [edit("two", "TWO")],
    ({ remove, at }) => {
      remove("f.txt");
      mkdirSync(at("f.txt"));
    },
    "place",
  ],
  [
    "binary content of both",
    [{ kind: "write", path: "f.txt", content: "a\0" }],
    ({ write }) => write("f.txt", "b\0"),
    "binary",
  ],
  [
    "more than 1 MiB",
    [{ kind: "write", path: "f.txt", content: "x\n".repeat(600_000) }],
    ({ write }) => write("f.txt", six),
    "coarse",
  ],
])("%s", async (_, changes, happens, outcome) => {
  await using scene = await scenario();
  const one = await agent(scene, ...changes);
  await happens(scene);
  const before = snapshot(scene.root, { times: true });
  const { merged, conflicted } = await one.session.rebase();
  expect(snapshot(scene.root, { times: true })).toEqual(before);
  if (typeof outcome === "string") {
    expect({ merged, reasons: conflicted.map(({ reason }) => reason) }).toEqual({
      merged: [],
      reasons: [outcome],
    });
    expect(await standing(one.session)).toContainEqual([conflicted[0]?.path, "Discarded", "stale"]);
    return;
  }
  expect(conflicted).toEqual([]);
  if ((await one.session.get()).session.patches.pending > 0) await review(scene, one);
  expect(scene.tree()).toEqual(outcome);
});

test("a file where the directory was is in the way, and named as that", async () => {
  await using scene = await scenario({ "d/f.txt": LINES });
  const one = await agent(scene, edit("two", "TWO", "d/f.txt"));
  scene.remove("d/f.txt");
  rmdirSync(scene.at("d"));
  scene.write("d", "a file\n");
  const { conflicted } = await one.session.rebase();
  expect(conflicted).toMatchObject([{ path: "d/f.txt", reason: "place", base: expect.any(String) }]);
  expect(conflicted[0]).not.toHaveProperty("theirs");
});

test.each([
  ["out of the root", "/tmp"],
  ["within the root", "elsewhere"],
])("a link %s where the directory was is in the way", async (_, target) => {
  await using scene = await scenario({ "d/f.txt": LINES, "elsewhere/f.txt": LINES });
  const one = await agent(scene, edit("two", "TWO", "d/f.txt"));
  scene.remove("d/f.txt");
  rmdirSync(scene.at("d"));
  symlinkSync(target, scene.at("d"));
  expect((await one.session.rebase()).conflicted).toMatchObject([{ path: "d/f.txt", reason: "place" }]);
});

test("a daemon that was killed meanwhile rebases what was proposed before", async () => {
  await using scene = await openScene({ files: { "f.txt": LINES }, killable: true });
  const session = await scene.reviewer.openSession({ workspace: scene.workspace });
  await session.stage([edit("two", "TWO")]);
  await scene.end();
  scene.write("f.txt", LINES.replace("six", "SIX"));
  await scene.start();
  const again = scene.reviewer.session(session.id);
  expect((await again.rebase()).merged).toEqual(["f.txt"]);
  await again.apply((await again.diff()).digest ?? "");
  expect(scene.read("f.txt")).toBe(LINES.replace("two", "TWO").replace("six", "SIX"));
}, 120_000);

test("a link that both changed is told by its target", async () => {
  await using scene = await scenario();
  scene.write("x", "");
  symlinkSync("x", scene.at("l"));
  const one = await agent(scene, { kind: "symlink", path: "l", target: "y" });
  unlinkSync(scene.at("l"));
  symlinkSync("z", scene.at("l"));
  const { conflicted } = await one.session.rebase();
  expect(conflicted).toEqual([{ path: "l", reason: "target", regions: [] }]);
});
