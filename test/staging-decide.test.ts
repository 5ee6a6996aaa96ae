/** Deciding on a part of a patch, or on an edited version of it: what is made, what is refused, and that it is all or none. */
import { chmodSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { sessionToWire } from "../daemon/staging/index.ts";
import { type PatchRow, patchToWire } from "../daemon/store/index.ts";
import type { Change } from "../protocol/methods/index.ts";
import { makeScene, type Scene } from "./staging-scene.ts";

const BASE = Array.from({ length: 40 }, (_, n) => `line ${n}\n`);
const write = (path: string, content: string): Change => ({ kind: "write", path, content });
const changed = (...at: number[]) => BASE.map((line, n) => (at.includes(n) ? `new ${n}\n` : line)).join("");

async function hunksOf(scene: Scene, path: string): Promise<string[]> {
  const { files } = await scene.staging.diffSession(scene.session, { format: "hunks", paths: [path] });
  return files.flatMap(({ hunks = [] }) => hunks.map(({ id }) => id));
}

test("some hunks make a new, approved patch, and the session stays ready", async () => {
  const scene = makeScene({ a: BASE.join("") });
  const [patch] = (await scene.stage(write("a", changed(2, 20, 38)))) as [PatchRow];
  scene.staging.submit(scene.session, "look");
  const [first, , last] = (await hunksOf(scene, "a")) as [string, string, string];
  const [made] = (await scene.decide({
    ...{ patch: patch.id, decision: "approved", hunks: [last, first], note: "not the middle" },
  })) as [PatchRow];
  expect(made.id).not.toBe(patch.id);
  expect(patchToWire(made)).toMatchObject({ decision: "approved", state: "Pending", note: "not the middle" });
  expect(await scene.read("a")).toBe(changed(2, 38));
  expect(scene.store.patches.require(patch.id)).toMatchObject({ state: "Discarded", reason: "superseded" });
  expect(sessionToWire(scene.store, scene.session)).toMatchObject({ ready: true, patches: { pending: 1 } });
  expect(scene.events().map(({ type }) => type)).toEqual([
    ...["session/opened", "patch/staged", "session/submitted"],
    ...["patch/staged", "session/decided"],
  ]);
});

test.each([
  ["an insertion at the top", "b\n", "a\nb\n", "a\nb\n"],
  ["a deletion to the end, without a newline", "a\nb", "a", "a"],
  ["a mode is kept", "x\n", "y\n", "y\n"],
])("all hunks of %s are the whole patch", async (_, base, after, expected) => {
  const scene = makeScene({ f: base });
  const [patch] = (await scene.stage(write("f", after), { kind: "chmod", path: "f", mode: 0o755 })) as [
    PatchRow,
  ];
  const [made] = await scene.decide({
    ...{ patch: patch.id, decision: "approved", hunks: await hunksOf(scene, "f") },
  });
  expect(made?.after).toEqual(patch.after);
  expect(await scene.read("f")).toBe(expected);
});

test("hunks of a renamed file leave it renamed", async () => {
  const scene = makeScene({ a: BASE.join("") });
  const staged = await scene.stage({ kind: "rename", path: "a", to: "b" }, write("b", changed(2, 30)));
  const [hunk] = (await hunksOf(scene, "b")) as [string];
  const [made] = await scene.decide({ patch: staged[0]?.id ?? "", decision: "approved", hunks: [hunk] });
  expect(made).toMatchObject({ kind: "rename", from: "a", path: "b" });
  expect(await scene.read("b")).toBe(changed(2));
});

test("an edited version is approved in place of the patch", async () => {
  const scene = makeScene({ a: "one\n" });
  const [patch] = (await scene.stage(write("a", "two\n"))) as [PatchRow];
  const [made] = await scene.decide({
    ...{ patch: patch.id, decision: "approved", change: write("a", "two, edited\n") },
  });
  expect(made).toMatchObject({ decision: "approved", state: "Pending" });
  expect(await scene.read("a")).toBe("two, edited\n");
});

test("what cannot be decided so is refused, and nothing is recorded", async () => {
  const scene = makeScene({ a: "one\n", b: "b\n", c: "c\n" });
  const staged = await scene.stage(write("a", "two\n"), write("b", "\0binary"), write("c", "d\n"));
  const [a, b, c] = staged as [PatchRow, PatchRow, PatchRow];
  const before = scene.events().length;
  const approved = { patch: a.id, decision: "approved" } as const;
  const cases = [
    [
      { ...approved, hunks: ["hX"] },
      { kind: "IllegalState", message: "a has no hunk hX." },
    ],
    [
      { ...approved, hunks: [] },
      { kind: "IllegalState", message: expect.stringContaining("Nothing of a") },
    ],
    [
      { ...approved, patch: b.id, hunks: ["hX"] },
      { kind: "IllegalState", message: expect.stringContaining("no hunks") },
    ],
    [{ ...approved, change: write("b", "x") }, { kind: "InvalidParams" }],
    [{ ...approved, change: { kind: "rename", path: "a", to: "c" } as const }, { kind: "InvalidParams" }],
    [{ ...approved, change: write("a", "x"), hunks: [] }, { kind: "InvalidParams" }],
    [{ ...approved, decision: "rejected", change: write("a", "x") } as const, { kind: "InvalidParams" }],
    [
      { ...approved, change: { kind: "edit", path: "a", edits: [{ oldText: "x", newText: "y" }] } as const },
      { kind: "MatchNotFound" },
    ],
  ] satisfies [Parameters<Scene["decide"]>[number], object][];
  for (const [decision, error] of cases) {
    const decisions = [{ patch: c.id, decision: "rejected" } as const, decision];
    await expect(scene.decide(...decisions)).rejects.toMatchObject({ ...error, data: { index: 1 } });
  }
  expect(scene.pending()).toEqual([a, b, c]);
  expect(scene.events()).toHaveLength(before);
});

test("a file that was edited below since is not put back by what a reviewer keeps of the patch", async () => {
  const scene = makeScene({ a: BASE.join("") });
  const [patch] = (await scene.stage(write("a", changed(2, 30)))) as [PatchRow];
  const [hunk] = (await hunksOf(scene, "a")) as [string];
  scene.write("a", changed(10));
  const decided = scene.decide({ patch: patch.id, decision: "approved", hunks: [hunk] });
  await expect(decided).rejects.toMatchObject({ kind: "Stale", data: { index: 0 } });
  expect(scene.store.patches.require(patch.id)).toMatchObject({ decision: "undecided" });
});

test("nothing of somebody's new link or mode goes with an edited version", async () => {
  const scene = makeScene({ a: BASE.join("") });
  const [made, moded] = (await scene.stage(
    { kind: "symlink", path: "new", target: "a" },
    { kind: "write", path: "a", content: changed(2, 30), mode: 0o755 },
  )) as [PatchRow, PatchRow];
  const [hunk] = (await hunksOf(scene, "a")) as [string];
  scene.link("new", "theirs");
  chmodSync(path.join(scene.root, "a"), 0o600);
  const change: Change = { kind: "symlink", path: "new", target: "b" };
  const linked = scene.decide({ patch: made.id, decision: "approved", change });
  await expect(linked).rejects.toMatchObject({ kind: "Stale" });
  const kept = scene.decide({ patch: moded.id, decision: "approved", hunks: [hunk] });
  await expect(kept).rejects.toMatchObject({ kind: "Stale" });
});

test("a patch is decided on once in a call", async () => {
  const scene = makeScene({ a: "one\n" });
  const [{ id }] = (await scene.stage(write("a", "two\n"))) as [PatchRow];
  const decided = scene.decide({ patch: id, decision: "approved" }, { patch: id, decision: "rejected" });
  await expect(decided).rejects.toMatchObject({ kind: "InvalidParams", data: { index: 1, path: "a" } });
  expect(scene.store.patches.require(id)).toMatchObject({ state: "Pending", decision: "undecided" });
});

test("hunks keep each byte: CRLF beside LF, and a last line with and without its end", async () => {
  const base = BASE.map((line, n) => (n % 2 ? line.replace("\n", "\r\n") : line)).join("");
  const after = base
    .replace("line 3\r\n", "new 3\n")
    .replace("line 20\n", "new 20\r\n")
    .replace("line 39\r\n", "last");
  const scene = makeScene({ f: base });
  const [patch] = (await scene.stage(write("f", after))) as [PatchRow];
  const [first, , last] = (await hunksOf(scene, "f")) as [string, string, string];
  await scene.decide({ patch: patch.id, decision: "approved", hunks: [first, last] });
  expect(await scene.read("f")).toBe(base.replace("line 3\r\n", "new 3\n").replace("line 39\r\n", "last"));
});
