/** Staging: changes become patches, the net effect against the disk; nothing under the root changes. */
import { execFileSync } from "node:child_process";
import { chmodSync, linkSync, mkdirSync, rmSync, statSync, utimesSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { Tree } from "../daemon/disk/index.ts";
import { sessionToWire } from "../daemon/staging/index.ts";
import { type PatchRow, patchToWire } from "../daemon/store/index.ts";
import type { Change } from "../protocol/methods/index.ts";
import { IopipeError } from "../protocol/wire/errors.ts";
import { makeScene, type Scene, treeOf } from "./staging-scene.ts";

const write = (path: string, content: string): Change => ({ kind: "write", path, content });
const edit = (path: string, oldText: string, newText: string): Change => ({
  kind: "edit",
  path,
  edits: [{ oldText, newText }],
});
const remove = (path: string): Change => ({ kind: "delete", path });
const rename = (path: string, to: string): Change => ({ kind: "rename", path, to });
const chmod = (path: string, mode: number): Change => ({ kind: "chmod", path, mode });
const symlink = (path: string, target: string): Change => ({ kind: "symlink", path, target });

const brief = ({ kind, path, from }: PatchRow) =>
  from === undefined ? `${kind} ${path}` : `${kind} ${from} -> ${path}`;

/** The patch after a look at the disk. */
const settled = async ({ staging, store, tree }: Scene, patch: PatchRow): Promise<PatchRow> => {
  await staging.settleStale(tree, [patch]);
  return store.patches.require(patch.id);
};

test("a base that is back at the second look was only being saved", async () => {
  const scene = makeScene({ a: "one\n" });
  const [patch] = (await scene.stage(edit("a", "one", "two"))) as [PatchRow];
  const { store, staging, tree } = scene;
  let looks = 0;
  const saving = (until: number): Tree => ({
    ...tree,
    image: async (path) => (looks++ < until ? { exists: false } : await tree.image(path)),
  });
  await staging.settleStale(saving(1), [patch]);
  expect({ looks, state: store.patches.require(patch.id).state }).toEqual({ looks: 2, state: "Pending" });
  await staging.settleStale(saving(4), [patch]);
  expect(store.patches.require(patch.id)).toMatchObject({ state: "Discarded", reason: "stale" });
});

describe("each kind of change becomes a patch of that kind", () => {
  test.each<[string, Change[], string[]]>([
    ["a new file", [write("new", "1\n")], ["create new"]],
    ["new content", [write("a", "changed\n")], ["update a"]],
    ["an edit", [edit("a", "one", "two")], ["update a"]],
    ["a deletion", [remove("a")], ["delete a"]],
    ["a rename", [rename("a", "dir/c")], ["rename a -> dir/c"]],
    ["a mode", [chmod("a", 0o755)], ["chmod a"]],
    ["a link", [symlink("l", "a")], ["symlink l"]],
    ["a link in a file's place", [symlink("a", "b")], ["symlink a"]],
  ])("%s", async (_, changes, expected) => {
    const { stage, root } = makeScene({ a: "one\n", b: "b\n" });
    const before = treeOf(root);
    expect((await stage(...changes)).map(brief)).toEqual(expected);
    expect(treeOf(root)).toEqual(before);
  });
});

describe("changes of one call, or of several, come to one patch per path", () => {
  const cases: [string, Change[], string[]][] = [
    ["create then delete is nothing", [write("n", "1"), remove("n")], []],
    ["writing back to the base is nothing", [write("a", "x"), write("a", "one\n")], []],
    ["rename chains fold", [rename("a", "n"), rename("n", "m")], ["rename a -> m"]],
    ["rename there and back is nothing", [rename("a", "n"), rename("n", "a")], []],
    ["rename then edit is one rename", [rename("a", "n"), edit("n", "one", "two")], ["rename a -> n"]],
    ["edit then rename is one rename", [edit("a", "one", "two"), rename("a", "n")], ["rename a -> n"]],
    ["rename then delete is a deletion", [rename("a", "n"), remove("n")], ["delete a"]],
    ["delete then write is an update", [remove("a"), write("a", "x")], ["update a"]],
    ["chmod of a created file folds", [write("n", "1"), chmod("n", 0o755)], ["create n"]],
    ["rename of a created file is a creation", [write("n", "1"), rename("n", "m")], ["create m"]],
    [
      "rename, then a new file in the old place",
      [rename("a", "n"), write("a", "new")],
      ["create n", "update a"],
    ],
    ["rename onto what was deleted", [remove("b"), rename("a", "b")], ["delete a", "update b"]],
    ["a swap", [rename("a", "t"), rename("b", "a"), rename("t", "b")], ["update a", "update b"]],
    [
      "two renames of one file in turn",
      [rename("a", "n"), write("a", "one\n"), rename("a", "m")],
      ["create m", "rename a -> n"],
    ],
    ["a link made and made again", [symlink("l", "a"), symlink("l", "b")], ["symlink l"]],
    ["a file below a deleted file", [remove("a"), write("a/x", "1")], ["create a/x", "delete a"]],
    ["a rename below its own old path", [rename("a", "a/x")], ["rename a -> a/x"]],
  ];
  test.each(cases)("in one call: %s", async (_, changes, expected) => {
    const { stage, pending } = makeScene({ a: "one\n", b: "b\n" });
    const made = await stage(...changes);
    expect(pending().map(brief).sort()).toEqual(expected);
    expect(made.map(brief).sort()).toEqual(expected);
  });
  test.each(cases.filter(([name]) => !name.startsWith("two renames")))(
    "in calls of their own: %s",
    async (_, changes, expected) => {
      const { stage, pending } = makeScene({ a: "one\n", b: "b\n" });
      for (const change of changes) await stage(change);
      expect(pending().map(brief).sort()).toEqual(expected);
    },
  );

  test("staging a path again makes a new patch and supersedes the old", async () => {
    const { stage, store, session } = makeScene({ a: "one\n" });
    const [first] = await stage(edit("a", "one", "two"));
    const [second] = await stage(edit("a", "two", "three"));
    expect(second?.id).not.toBe(first?.id);
    expect(store.patches.get(first?.id ?? "")).toMatchObject({ state: "Discarded", reason: "superseded" });
    expect(second).toMatchObject({ added: 1, removed: 1, base: first?.base });
    expect(sessionToWire(store, session).patches).toEqual({ pending: 1, stale: 0, applied: 0, discarded: 1 });
  });

  test("writing what is there is nothing, with a warning", async () => {
    const { staging, session, tree, pending } = makeScene({ a: "one\n" });
    const { patches, warnings } = await staging.stage(session, tree, {
      changes: [write("a", "one\n")],
      ownsBlob: () => true,
    });
    expect(patches).toEqual([]);
    expect(warnings).toEqual(["no change: a is as on disk"]);
    expect(pending()).toEqual([]);
  });
});

describe("content", () => {
  test("bytes come through as they are", async () => {
    const bytes = Buffer.from([0xef, 0xbb, 0xbf, 0x61, 0x0d, 0x0a, 0x00, 0xff, 0x62]);
    const { stage, store, read } = makeScene({ bom: "\ufeffone\r\ntwo" });
    const [made] = await stage({ kind: "write", path: "bin", contentBase64: bytes.toString("base64") });
    expect(store.blobs.readSync(made?.after.hash ?? "")).toEqual(bytes);
    await stage(edit("bom", "two", "$& $1 $$"));
    expect(await read("bom")).toBe("\ufeffone\r\n$& $1 $$");
  });

  test("an edit with other line endings keeps the file's, and says so", async () => {
    const scene = makeScene({ crlf: "one\r\ntwo\r\nthree\r\n", lf: "one\ntwo\n" });
    const [crlf] = await scene.stage(edit("crlf", "one\ntwo\n", "1\n2\n"), edit("crlf", "three", "3"));
    const [lf] = await scene.stage(edit("lf", "one\r\ntwo", "1\r\n2"));
    expect(await scene.read("crlf")).toBe("1\r\n2\r\n3\r\n");
    expect(await scene.read("lf")).toBe("1\n2\n");
    expect(crlf?.findings.match).toEqual([
      { line: 1, exactness: "eol" },
      { line: 3, exactness: "exact" },
    ]);
    expect(lf?.findings.match).toEqual([{ line: 1, exactness: "eol" }]);
    const [grown] = await scene.stage(edit("crlf", "2", "2\nand\r\nmore"));
    expect(await scene.read("crlf"), "lines that come in place of a part of one").toBe(
      "1\r\n2\r\nand\r\nmore\r\n3\r\n",
    );
    expect(grown?.findings.match?.at(-1)).toEqual({ line: 2, exactness: "eol" });
    const [moved] = await scene.stage({ kind: "rename", path: "lf", to: "moved" });
    expect(moved?.findings.match, "kept while it is built on").toEqual([{ line: 1, exactness: "eol" }]);
    const [written] = await scene.stage(write("moved", "new"));
    expect(written?.findings.match, "gone with what it was about").toBeUndefined();
  });

  test("an edit of a file that is not UTF-8 keeps its other bytes", async () => {
    const { stage, store } = makeScene({ latin: Buffer.from("caf\xe9 one\n", "latin1") });
    const [made] = await stage(edit("latin", "one", "två"));
    expect(store.blobs.readSync(made?.after.hash ?? "")).toEqual(
      Buffer.concat([Buffer.from("caf\xe9 ", "latin1"), Buffer.from("två\n")]),
    );
    expect(made?.binary).toBe(true);
  });

  test("an uploaded blob, with a mode", async () => {
    const { stage, store } = makeScene();
    const blob = await store.blobs.put(Buffer.from("uploaded"));
    const [made] = await stage({ kind: "write", path: "a/b", blob, mode: 0o755 });
    expect(made?.after).toEqual({ exists: true, type: "file", hash: blob, size: 8, mode: 0o755 });
  });

  test("a new file gets the mode that the umask leaves; an update keeps what it has", async () => {
    const { stage, write: put } = makeScene();
    put("x", "x", 0o750);
    const [made, kept] = await stage(write("n", "1"), write("x", "y"));
    expect(made?.after.mode).toBe(0o666 & ~process.umask());
    expect(kept?.after.mode).toBe(0o750);
  });

  test("edits apply in order, each on the result of the one before", async () => {
    const { stage, read } = makeScene({ a: "aaa bbb aaa\n" });
    await stage({
      kind: "edit",
      path: "a",
      edits: [
        { oldText: "aaa", newText: "bbb", replaceAll: true },
        { oldText: "bbb bbb bbb", newText: "c" },
      ],
    });
    expect(await read("a")).toBe("c\n");
  });

  test("a file over 1 MiB is a full replacement; deleting one is not", async () => {
    const { stage } = makeScene({
      big: Buffer.alloc(2 ** 20 + 1, "a\n"),
      other: Buffer.alloc(2 ** 20 + 1, "b\n"),
    });
    const made = await stage(
      edit("big", "a\na\n".repeat(3), "x").kind === "edit" ? write("big", "small") : remove("big"),
      remove("other"),
    );
    expect(made.map(({ fullReplace }) => fullReplace)).toEqual([true, false]);
  });
});

describe("what cannot be staged says so, with index and path, and stages nothing", () => {
  const base64 = (contentBase64: string): Change => ({ kind: "write", path: "n", contentBase64 });
  test.each<[string, Change, string, object]>([
    ["no content", { kind: "write", path: "n" }, "InvalidParams", {}],
    ["two contents", { kind: "write", path: "n", content: "", blob: "0".repeat(64) }, "InvalidParams", {}],
    ["truncated base64", base64("YWJ"), "InvalidParams", {}],
    ["no base64", base64("a b!"), "InvalidParams", {}],
    ["a lone surrogate", write("n", "\ud800"), "InvalidParams", {}],
    ["a blob that is not there", { kind: "write", path: "n", blob: "0".repeat(64) }, "BlobNotFound", {}],
    ["createOnly", { kind: "write", path: "a", content: "", createOnly: true }, "FileExists", { path: "a" }],
    ["no match", edit("a", "nothing like it", "x"), "MatchNotFound", { path: "a" }],
    ["several matches", edit("two", "same", "x"), "MatchAmbiguous", { lines: [1, 3] }],
    ["overlapping matches", edit("over", "aa", "x"), "MatchAmbiguous", { lines: [1, 1] }],
    ["an edit of nothing", edit("n", "a", "b"), "FileNotFound", { path: "n" }],
    ["a deletion of nothing", remove("n"), "FileNotFound", { path: "n" }],
    ["a rename of nothing", rename("n", "m"), "FileNotFound", { path: "n" }],
    ["a rename onto what is", rename("a", "two"), "FileExists", { path: "two" }],
    ["a rename onto itself", rename("a", "a"), "InvalidParams", {}],
    ["a directory", write("dir", "x"), "NotAFile", { path: "dir" }],
    ["a directory to delete", remove("dir"), "NotAFile", { path: "dir" }],
    ["a file as a parent", write("a/b", "x"), "NotAFile", { path: "a/b" }],
    ["a FIFO", write("fifo", "x"), "NotAFile", { path: "fifo" }],
    ["git's own", write(".git/config", "x"), "PathProtected", {}],
    ["git's own in another spelling", write("sub/.GIT/hooks/x", "x"), "PathProtected", {}],
    ["git's own through a link", write("togit/config", "x"), "PathProtected", {}],
    ["outside", write("../x", "x"), "PathEscape", {}],
    ["absolute", write("/etc/x", "x"), "PathEscape", {}],
    ["NUL", write("a\0b", "x"), "PathEscape", {}],
    ["a link that leads out", write("out/x", "x"), "PathEscape", {}],
    ["a file link that leads out", write("outfile", "x"), "PathEscape", {}],
    ["a loop", write("loop/x", "x"), "NotAFile", {}],
    ["a name of 256 bytes", write("n".repeat(256), "x"), "NameTooLong", {}],
    ["another hash", { ...write("a", "x"), baseHash: "0".repeat(64) } as Change, "Stale", { path: "a" }],
    ["a hard link", write("hard", "x"), "HardLinked", { path: "hard", links: 2 }],
    ["a hard link edited", edit("hard", "h", "x"), "HardLinked", {}],
    ["a malformed diff", { kind: "unifiedDiff", text: "not a diff" }, "PatchMalformed", {}],
    ["a patch without its end", { kind: "applyPatch", text: "*** Begin Patch" }, "PatchMalformed", {}],
  ])("%s", async (_, change, kind, data) => {
    const scene = makeScene({
      a: "one\n",
      two: "same\nother\nsame\n",
      over: "aaa",
      "dir/f": "f",
      hard: "h",
      ".git/config": "",
    });
    linkSync(path.join(scene.root, "hard"), path.join(scene.root, "hard2"));
    execFileSync("mkfifo", [path.join(scene.root, "fifo")]);
    scene.link("togit", ".git");
    scene.link("out", "..");
    scene.link("outfile", "/etc/hostname");
    scene.link("loop", "loop");
    await expect(scene.stage(write("fine", "1"), change)).rejects.toMatchObject({
      kind,
      data: { index: 1, ...data },
    });
    expect(scene.pending()).toEqual([]);
  });

  test("the nearest line is named", async () => {
    const { stage } = makeScene({ a: "const x = 1;\nconst total = sum(values);\n" });
    await expect(stage(edit("a", "const total = sum(value);", "x"))).rejects.toMatchObject({
      data: { nearest: { line: 2, text: "const total = sum(values);" } },
    });
  });

  test("a name of 255 bytes, and what is said to be broken, can be staged", async () => {
    const scene = makeScene({ hard: "h" });
    linkSync(path.join(scene.root, "hard"), path.join(scene.root, "hard2"));
    const made = await scene.stage(
      write("n".repeat(255), "x"),
      { ...write("hard", "x"), breakHardLinks: true } as Change,
      remove("hard2"),
    );
    expect(made.map(({ kind }) => kind)).toEqual(["create", "update", "delete"]);
    expect(made[1]?.breakHardLinks).toBe(true);
  });
});

describe("links", () => {
  test("write, edit and chmod go where a link leads; delete, rename and symlink act on the link", async () => {
    const scene = makeScene({ "real/a": "one\n", "real/b": "b\n" });
    scene.link("dir", "real");
    scene.link("to-a", "dir/../real/./a");
    scene.link("absolute", path.join(scene.root, "real/b"));
    scene.link("nowhere", "real/new");
    const made = await scene.stage(
      edit("to-a", "one", "two"),
      write("absolute", "x"),
      write("nowhere", "new"),
      chmod("dir/b", 0o755),
    );
    expect(made.map(brief)).toEqual(["update real/a", "update real/b", "create real/new"]);
    expect(
      (await scene.stage(remove("to-a"), rename("absolute", "moved"), symlink("nowhere", "x"))).map(brief),
    ).toEqual(["delete to-a", "rename absolute -> moved", "symlink nowhere"]);
  });

  test("staged links and deletions count", async () => {
    const scene = makeScene({ "real/a": "one\n" });
    scene.link("dir", "real");
    await scene.stage(symlink("other", "real"));
    expect((await scene.stage(edit("other/a", "one", "two"))).map(brief)).toEqual(["update real/a"]);
    await scene.stage(remove("dir"));
    expect((await scene.stage(write("dir/x", "1"))).map(brief)).toEqual(["create dir/x"]);
    await scene.stage(symlink("out", "../.."));
    await expect(scene.stage(write("out/x", "1"))).rejects.toMatchObject({ kind: "PathEscape" });
    await expect(scene.read("out/x")).rejects.toMatchObject({ kind: "PathEscape" });
  });
});

describe("a base that moved", () => {
  test("edits apply to what the session reads: the disk, once the older patch is stale", async () => {
    const scene = makeScene({ a: "one\nend\n" });
    const [first] = await scene.stage(edit("a", "one", "two"));
    scene.write("a", "someone else's\nend\n");
    expect(await scene.read("a")).toBe("someone else's\nend\n");
    const [second] = await scene.stage(edit("a", "end", "END"));
    expect(scene.store.patches.get(first?.id ?? "")).toMatchObject({
      state: "Discarded",
      reason: "superseded",
    });
    expect(await scene.read("a")).toBe("someone else's\nEND\n");
    expect(second).toMatchObject({ added: 1, removed: 1 });
    expect(scene.events().map(({ type }) => type)).toEqual([
      "session/opened",
      "patch/staged",
      "patch/stale",
      "patch/staged",
    ]);
  });

  test("a new mode, or a touch, is nothing; a patch of the mode alone takes the content there is", async () => {
    const scene = makeScene({ a: "one\n", m: "m\n" });
    const made = await scene.stage(edit("a", "one", "two"), chmod("m", 0o755));
    utimesSync(path.join(scene.root, "a"), 1, 1);
    chmodSync(path.join(scene.root, "a"), 0o755);
    scene.write("m", "changed\n");
    for (const patch of made) expect(await settled(scene, patch)).toMatchObject({ state: "Pending" });
    expect(await scene.read("m")).toBe("changed\n");
    const { transitions, stale, problems } = await scene.staging.examine(scene.session, scene.tree);
    expect({ stale, problems }).toEqual({ stale: [], problems: [] });
    expect(transitions).toMatchObject([
      { path: "a", before: { mode: 0o755 }, after: { mode: 0o755, size: 4 } },
      { path: "m", before: { mode: 0o644, size: 8 }, after: { mode: 0o755, size: 8 } },
    ]);
    expect(scene.store.blobs.readSync(transitions[1]?.after.hash ?? "").toString()).toBe("changed\n");
  });

  test("stale and back: discarded with its reason, pending again when the bytes return", async () => {
    const scene = makeScene({ a: "one\n" });
    const [patch] = (await scene.stage(edit("a", "one", "two"))) as [PatchRow];
    scene.write("a", "other\n");
    const stale = await settled(scene, patch);
    expect(stale).toMatchObject({ state: "Discarded", reason: "stale" });
    expect(sessionToWire(scene.store, scene.session)).toMatchObject({
      state: "Pending",
      patches: { stale: 1, pending: 0 },
    });
    const examined = await scene.staging.examine(scene.session, scene.tree);
    const actual = { exists: true, type: "file", size: 6 };
    expect(examined.stale.map(({ files }) => files)).toMatchObject([
      [{ path: "a", expected: patch.base, actual }],
    ]);
    scene.write("a", "one\n");
    const back = await scene.staging.examine(scene.session, scene.tree);
    expect(back.stale.map(({ files }) => files)).toMatchObject([[{ path: "a", actual: patch.base }]]);
    expect(await settled(scene, stale)).toMatchObject({ state: "Pending" });
    rmSync(path.join(scene.root, "a"));
    mkdirSync(path.join(scene.root, "a"));
    expect(await settled(scene, patch)).toMatchObject({ reason: "stale" });
    expect(
      scene
        .events()
        .map(({ type }) => type)
        .slice(2),
    ).toEqual(["patch/stale", "patch/pending", "patch/stale"]);
  });

  test("a stale patch does not come back while another holds its path", async () => {
    const scene = makeScene({ a: "one\n" });
    const [patch] = (await scene.stage(rename("a", "b"))) as [PatchRow];
    scene.write("a", "other\n");
    const stale = await settled(scene, patch);
    scene.write("a", "one\n");
    await scene.stage(write("c", "1"));
    expect((await scene.stage(write("b", "mine"))).map(brief)).toEqual(["create b"]);
    expect(await settled(scene, scene.store.patches.require(stale.id))).toMatchObject({
      state: "Discarded",
    });
  });
});

describe("discard, restore, decide, submit", () => {
  test("discard drops, restore brings back while the base is there", async () => {
    const scene = makeScene({ a: "one\n", b: "b\n" });
    const [a] = (await scene.stage(edit("a", "one", "two"), edit("b", "b", "c"))) as [PatchRow, PatchRow];
    scene.staging.discard(scene.session, {});
    expect(sessionToWire(scene.store, scene.session)).toMatchObject({
      state: "Discarded",
      patches: { discarded: 2 },
    });
    scene.write("b", "moved\n");
    await scene.staging.restore(scene.session, scene.tree, {});
    expect(scene.pending().map(brief)).toEqual(["update a"]);
    scene.staging.discard(scene.session, { ids: [a.id] });
    await scene.stage(write("a", "mine"));
    await expect(scene.staging.restore(scene.session, scene.tree, { ids: [a.id] })).rejects.toMatchObject({
      kind: "IllegalState",
    });
    scene.staging.discard(scene.session, {});
    await expect(scene.staging.restore(scene.session, scene.tree, { ids: ["p1"] })).rejects.toMatchObject({
      kind: "PatchNotFound",
    });
    scene.write("a", "gone\n");
    await expect(scene.staging.restore(scene.session, scene.tree, { ids: [a.id] })).rejects.toMatchObject({
      kind: "Stale",
      data: { path: "a" },
    });
    await expect(scene.staging.restore(scene.session, scene.tree, {})).rejects.toMatchObject({
      kind: "Stale",
    });
  });

  test("a purge removes for good", async () => {
    const scene = makeScene({ a: "one\n" });
    const [first] = (await scene.stage(edit("a", "one", "two"))) as [PatchRow];
    await scene.stage(edit("a", "two", "three"));
    scene.staging.discard(scene.session, { purge: true });
    expect(scene.store.patches.ofSession(scene.session.id)).toEqual([]);
    expect(scene.store.patches.get(first.id)).toBeUndefined();
  });

  test("a purge leaves what was undone: its operation's undo can be undone", async () => {
    const scene = makeScene({ a: "one\n" });
    const [{ id }] = (await scene.stage(edit("a", "one", "two"))) as [PatchRow];
    scene.store.patches.move(id, { state: "Applied", operation: "o1" });
    scene.store.patches.move(id, { state: "Discarded", reason: "undone" });
    scene.staging.discard(scene.session, { purge: true });
    expect(scene.store.patches.require(id)).toMatchObject({ reason: "undone" });
  });

  test("decisions are about a patch, and told with their note", async () => {
    const scene = makeScene({ a: "one\n", b: "b\n" });
    const [a, b] = (await scene.stage(edit("a", "one", "two"), edit("b", "b", "c"))) as [PatchRow, PatchRow];
    const decided = await scene.decide(
      { patch: a.id, decision: "approved" },
      { patch: b.id, decision: "rejected", note: "why?" },
    );
    expect(decided.map(patchToWire)).toMatchObject([
      { decision: "approved", state: "Pending" },
      { decision: "rejected", state: "Discarded", reason: "rejected", note: "why?" },
    ]);
    await expect(scene.decide({ patch: b.id, decision: "approved" })).rejects.toThrow("not Pending");
    const [again] = (await scene.stage(edit("a", "two", "three"))) as [PatchRow];
    expect(again.decision).toBe("undecided");
    await scene.staging.restore(scene.session, scene.tree, { ids: [b.id] });
    expect(scene.store.patches.require(b.id)).toMatchObject({ state: "Pending", decision: "undecided" });
  });

  test("submitted until it is staged into again", async () => {
    const scene = makeScene({ a: "one\n" });
    expect(() => scene.staging.submit(scene.session, "look")).toThrow("nothing pending");
    await scene.stage(edit("a", "one", "two"));
    scene.staging.submit(scene.session, "look");
    expect(sessionToWire(scene.store, scene.session)).toMatchObject({ ready: true, message: "look" });
    await scene.stage(edit("a", "two", "three"));
    expect(sessionToWire(scene.store, scene.session)).toMatchObject({ ready: false });
  });
});

describe("the digest and the dry run", () => {
  test("the digest changes exactly when what would be applied changes", async () => {
    const scene = makeScene({ a: "one\n", b: "b\n" });
    const digest = () => sessionToWire(scene.store, scene.session).digest;
    const empty = digest();
    await scene.stage(edit("a", "one", "two"));
    const first = digest();
    expect(first).not.toBe(empty);
    utimesSync(path.join(scene.root, "a"), 1, 1);
    await scene.stage(write("a", "two\n"));
    expect(digest()).toBe(first);
    await scene.stage(chmod("b", 0o755));
    const executable = digest();
    expect(executable).not.toBe(first);
    await scene.stage(chmod("b", 0o700));
    expect(digest()).not.toBe(executable);
    scene.staging.discard(scene.session, {});
    expect(digest()).toBe(empty);
    // The same outcome on another base is another change.
    await scene.stage(write("a", "two\n"));
    expect(digest()).toBe(first);
    scene.write("a", "one and a half\n");
    await scene.stage(write("a", "two\n"));
    expect(digest()).not.toBe(first);
  });

  test("transitions and problems; nothing is touched", async () => {
    const scene = makeScene({ a: "one\n", b: "b\n", big: "", hard: "h\n" });
    await scene.stage(
      edit("a", "one", "two"),
      rename("b", "new/c"),
      { kind: "write", path: "big", content: "x\n".repeat(2 ** 20) },
      edit("hard", "h", "i"),
    );
    linkSync(path.join(scene.root, "hard"), path.join(scene.root, "hard2"));
    scene.write("a", "moved\n");
    const before = treeOf(scene.root);
    const { problems, stale, transitions } = await scene.staging.examine(scene.session, scene.tree);
    expect(transitions.map(({ path }) => path).sort()).toEqual(["b", "big", "hard", "new/c"]);
    expect(problems.map(({ kind, data }) => [kind, data.path])).toEqual([
      ["ConfirmationRequired", "big"],
      ["HardLinked", "hard"],
    ]);
    expect(stale).toMatchObject([
      { patch: { path: "a" }, files: [{ path: "a", expected: { size: 4 }, actual: { size: 6 } }] },
    ]);
    expect(transitions.filter(({ path }) => path === "b" || path === "new/c")).toMatchObject([
      { path: "b", before: { exists: true }, after: { exists: false } },
      { path: "new/c", before: { exists: false }, after: { exists: true } },
    ]);
    expect(treeOf(scene.root)).toEqual(before);
    expect(scene.pending()).toHaveLength(4);
  });

  test("a link swapped in above a path is a problem of that path", async () => {
    const scene = makeScene({ "d/a": "one\n", "e/x": "" });
    await scene.stage(edit("d/a", "one", "two"), write("d/n", "1"));
    rmSync(path.join(scene.root, "d"), { recursive: true });
    scene.link("d", "/tmp");
    const { problems, transitions } = await scene.staging.examine(scene.session, scene.tree);
    expect(problems.map(({ kind, data }) => [kind, data.path])).toEqual([
      ["PathEscape", "d/a"],
      ["PathEscape", "d/n"],
    ]);
    expect(transitions).toEqual([]);
  });

  test("what lies behind a link that was swapped in is not called stale, whoever looks first", async () => {
    const scene = makeScene({ "d/a": "one\n", "d/b": "b\n", "d/c": "c\n", "d/old": "old\n" });
    await scene.stage(edit("d/a", "one", "two"), remove("d/b"), chmod("d/c", 0o755), rename("d/old", "new"));
    rmSync(path.join(scene.root, "d"), { recursive: true });
    scene.link("d", "/tmp");
    await scene.staging.settleStale(scene.tree, scene.pending());
    expect(scene.pending()).toHaveLength(4);
    const { problems, stale } = await scene.staging.examine(scene.session, scene.tree);
    expect(problems.map(({ kind, data }) => [kind, data.path])).toEqual(
      ["d/a", "d/b", "d/c", "d/old"].map((each) => ["PathEscape", each]),
    );
    expect(stale).toEqual([]);
    rmSync(path.join(scene.root, "d"));
    await scene.staging.settleStale(scene.tree, scene.pending());
    expect(scene.pending()).toEqual([]);
  });
});

describe("reading and listing", () => {
  test("ranges, and base64 where a character would be cut", async () => {
    const scene = makeScene({ a: "aäb", bin: Buffer.from([0xff, 0]) });
    const read = (path: string, more: object = {}) =>
      scene.staging.readFile(scene.session, scene.tree, { session: scene.session.id, path, ...more });
    expect(await read("a")).toMatchObject({
      content: "aäb",
      encoding: "utf8",
      origin: "disk",
      image: { size: 4 },
    });
    expect(await read("a", { offset: 0, length: 3 })).toMatchObject({ content: "aä", encoding: "utf8" });
    expect(await read("a", { offset: 0, length: 2 })).toMatchObject({ content: "YcM=", encoding: "base64" });
    expect(await read("a", { offset: 9 })).toMatchObject({ content: "" });
    expect(await read("a", { encoding: "base64" })).toMatchObject({ encoding: "base64" });
    expect(await read("bin")).toMatchObject({ content: "/wA=", encoding: "base64" });
    await expect(read("none")).rejects.toMatchObject({ kind: "FileNotFound" });
    await scene.stage(remove("a"));
    await expect(read("a")).rejects.toMatchObject({ kind: "FileNotFound" });
  });

  test("more than 8 MiB wants ranges; control characters go as base64", async () => {
    const scene = makeScene({ big: Buffer.alloc(9 * 2 ** 20, "a"), control: Buffer.alloc(4 * 2 ** 20, 1) });
    const ask = { session: scene.session.id };
    await expect(
      scene.staging.readFile(scene.session, scene.tree, { ...ask, path: "big" }),
    ).rejects.toMatchObject({ kind: "TooLarge" });
    const part = await scene.staging.readFile(scene.session, scene.tree, {
      ...ask,
      path: "big",
      offset: 2 ** 23,
      length: 5,
    });
    expect(part.content).toBe("aaaaa");
    expect(
      await scene.staging.readFile(scene.session, scene.tree, { ...ask, path: "control" }),
    ).toMatchObject({ encoding: "base64" });
  });

  test("listing shows what is staged, and leaves out what nobody may touch", async () => {
    const scene = makeScene({ a: "1", "d/x": "1", "d/y": "1", "d-e": "1", ".git/HEAD": "", ".iopipe-1": "" });
    scene.link("l", "d");
    await scene.stage(remove("d/x"), write("d/z", "22"), write("new/deep/f", "1"), rename("a", "d/a"));
    const list = (more: object = {}) =>
      scene.staging.listFiles(scene.session, scene.tree, { session: scene.session.id, ...more });
    const names = async (more: object = {}) => (await list(more)).entries.map(({ path }) => path);
    expect(await list()).toMatchObject({
      entries: [
        { path: "d", type: "directory", origin: "disk" },
        { path: "d-e", type: "file", size: 1, origin: "disk" },
        { path: "l", type: "symlink", origin: "disk" },
        { path: "new", type: "directory", origin: "staged" },
      ],
    });
    const all = ["d", "d/a", "d/y", "d/z", "d-e", "l", "new", "new/deep", "new/deep/f"];
    expect(await names({ recursive: true })).toEqual(all);
    expect(await names({ path: "l" })).toEqual(["d/a", "d/y", "d/z"]);
    const paged: string[] = [];
    for (let after: string | undefined; ; ) {
      const page = await list({ recursive: true, limit: 2, ...(after !== undefined && { after }) });
      paged.push(...page.entries.map(({ path }) => path));
      after = page.next;
      if (after === undefined) break;
    }
    expect(paged).toEqual(all);
    await expect(list({ path: "a" })).rejects.toMatchObject({ kind: "FileNotFound" });
    await expect(list({ path: "d-e" })).rejects.toMatchObject({ kind: "NotAFile" });
  });
});

test("a staged link is listed with its size, as one on disk is", async () => {
  const scene = makeScene();
  scene.link("disk", "größe");
  await scene.stage(symlink("staged", "größe"));
  const { entries } = await scene.staging.listFiles(scene.session, scene.tree, { session: scene.session.id });
  expect(entries).toEqual([
    { path: "disk", type: "symlink", size: 7, origin: "disk" },
    { path: "staged", type: "symlink", size: 7, origin: "staged" },
  ]);
});

test("staging changes no byte, mtime or git state below the root", async () => {
  const scene = makeScene({ a: "one\n" });
  execFileSync("git", ["init", "-q"], { cwd: scene.root });
  const before = execFileSync("find", [".", "-printf", "%p %T@ %m %i\n"], {
    cwd: scene.root,
    encoding: "utf8",
  });
  await scene.stage(edit("a", "one", "two"), write("n/x", "1"), symlink("l", "a"));
  await scene.staging.diffSession(scene.session, {});
  await scene.staging.examine(scene.session, scene.tree);
  expect(
    execFileSync("find", [".", "-printf", "%p %T@ %m %i\n"], { cwd: scene.root, encoding: "utf8" }),
  ).toBe(before);
  expect(statSync(path.join(scene.root, "a")).size).toBe(4);
});

describe("what a client could make expensive, or leave half told", () => {
  test("a diff of many sections ends when nobody waits for it any more", async () => {
    const lines = Array.from({ length: 20_000 }, (_, n) => `line ${n}\n`);
    const { staging, session, tree, pending } = makeScene({ large: lines.join("") });
    const sections = lines
      .slice(0, 300)
      .map((line, n) => `--- a/large\n+++ b/large\n@@ -${n + 1} +${n + 1} @@\n-${line}+new ${n}\n`);
    const changes: Change[] = [{ kind: "unifiedDiff", text: sections.join("") }];
    const cancelled = new AbortController();
    setImmediate(() => cancelled.abort(new IopipeError("Cancelled", "Nobody waits.")));
    const staged = staging.stage(session, tree, {
      ...{ changes, ownsBlob: () => true },
      signal: cancelled.signal,
    });
    await expect(staged).rejects.toMatchObject({ kind: "Cancelled" });
    expect(pending()).toEqual([]);
  });

  const replaceAll = (newText: string): Change => ({
    kind: "edit",
    path: "a",
    edits: [{ oldText: "a", newText, replaceAll: true }],
  });

  test("an edit that would come to more than can be staged is refused before it is made", async () => {
    const { stage } = makeScene({ a: "a".repeat(600 * 1024) });
    await expect(stage(replaceAll("x".repeat(1024)))).rejects.toMatchObject({ kind: "TooLarge" });
    const [patch] = await stage(replaceAll("xy"));
    expect(patch?.after.size).toBe(2 * 600 * 1024);
  });

  test("more than a million occurrences are not replaced by one edit", async () => {
    const { stage } = makeScene({ a: "a".repeat(1_000_001) });
    await expect(stage(replaceAll("b"))).rejects.toMatchObject({ kind: "TooLarge", data: { edit: 0 } });
  });

  test("of a text that is there more than a thousand times, no more are counted", async () => {
    const { stage } = makeScene({ a: "a\n".repeat(5000) });
    const failed = await stage(edit("a", "a", "b")).catch((error) => error);
    expect(failed).toMatchObject({ kind: "MatchAmbiguous", data: { matches: 1001 } });
    expect(failed.message).toContain("over 1000 times");
    expect(failed.data.lines.slice(0, 3)).toEqual([1, 2, 3]);
  });

  test("a diff in base64 that was cut short is refused", async () => {
    const { stage } = makeScene();
    const cut: Change = { kind: "unifiedDiff", textBase64: "abc" };
    await expect(stage(cut)).rejects.toMatchObject({ kind: "InvalidParams" });
  });

  test("a patch that came to nothing is said to be discarded", async () => {
    const scene = makeScene({ a: "one\n" });
    await scene.stage(write("a", "two\n"));
    const before = scene.events().length;
    await scene.stage(write("a", "one\n"));
    expect(scene.events().slice(before)).toMatchObject([
      { type: "patch/discarded", body: { patch: { path: "a", reason: "superseded" } } },
    ]);
  });

  test("a stale patch that comes back while its path is staged is superseded", async () => {
    const { stage, staging, session, tree, store, pending } = makeScene({ a: "one\n" });
    const [stale] = await stage(write("a", "two\n"));
    staging.markStale([stale as PatchRow]);
    const blob = await store.blobs.put(Buffer.from("three\n"));
    // The watcher comes in between: the change is being resolved.
    const ownsBlob = () => {
      store.patches.move((stale as PatchRow).id, { state: "Pending" });
      return true;
    };
    const changes: Change[] = [{ kind: "write", path: "a", blob }];
    const { patches } = await staging.stage(session, tree, { changes, ownsBlob });
    expect(pending().map(({ id }) => id)).toEqual(patches.map(({ id }) => id));
    expect(store.patches.require((stale as PatchRow).id)).toMatchObject({ reason: "superseded" });
  });
});
