/**
 * Hostile paths, staged and applied: the exact refusal, and nothing read or written outside of the root.
 */
import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import type { ChangeInput, ErrorKind } from "../../client/index.ts";
import { type Snapshot, snapshot } from "./repository.ts";
import { openScene, type Scene, sharedStage } from "./scene.ts";

const stage = sharedStage();

const FILES = { "a.txt": "a\n", "d/f.txt": "f\n", "hooks/x": "x\n" };

interface Guarded extends Scene {
  /** A directory beside the root, with files that nobody may touch or read. */
  readonly outside: string;
  /** Everything in the home but the root and the daemon's own, times included. */
  beyond(): Snapshot;
}

async function guardedScene(): Promise<Guarded> {
  const scene = await openScene({ files: FILES, on: stage() });
  const outside = `${scene.root}-outside`;
  mkdirSync(path.join(outside, "sub"), { recursive: true });
  for (const name of ["a.txt", "f.txt", "x", "victim", "sub/f.txt"])
    writeFileSync(path.join(outside, name), "OUTSIDE\n");
  const without = ["s", path.basename(scene.root)];
  return { ...scene, outside, beyond: () => snapshot(scene.home.directory, { without, times: true }) };
}

const write = (file: string, content = "hostile\n"): ChangeInput => ({ kind: "write", path: file, content });

/** Every way to name a path in a session. */
const WAYS: Record<string, (scene: Scene, session: string, file: string) => Promise<unknown>> = {
  ...staging({
    write: (file) => write(file),
    edit: (file) => ({ kind: "edit", path: file, edits: [{ oldText: "a", newText: "b" }] }),
    delete: (file) => ({ kind: "delete", path: file }),
    chmod: (file) => ({ kind: "chmod", path: file, mode: 0o777 }),
    symlink: (file) => ({ kind: "symlink", path: file, target: "a.txt" }),
    "rename from": (file) => ({ kind: "rename", path: file, to: "fine" }),
    "rename to": (file) => ({ kind: "rename", path: "a.txt", to: file }),
  }),
  "file/read": ({ reviewer }, session, file) => reviewer.call("file/read", { session, path: file }),
};

function staging(changes: Record<string, (file: string) => ChangeInput>): typeof WAYS {
  return Object.fromEntries(
    Object.entries(changes).map(([name, change]) => [
      name,
      ({ reviewer }, session, file) => reviewer.session(session).stage([write("fine.txt"), change(file)]),
    ]),
  );
}

async function expectRefused(
  scene: Scene,
  file: string,
  kind: ErrorKind,
  ways: readonly string[] = Object.keys(WAYS),
): Promise<void> {
  const session = await scene.reviewer.openSession({ workspace: scene.workspace });
  for (const name of ways) {
    const refusal = await WAYS[name]?.(scene, session.id, file).then(
      () => "accepted",
      (error) => error,
    );
    expect(refusal, `${name} ${JSON.stringify(file)}`).toMatchObject({
      kind,
      data: { kind, path: expect.any(String), ...(name !== "file/read" && { index: 1 }) },
    });
  }
  expect((await session.get()).patches).toEqual([]);
}

test.each<[ErrorKind, string[]]>([
  ["PathEscape", ["", ".", "..", "../victim", "d/../../victim", "d/..", "./a.txt", "d//f.txt", "d/"]],
  ["PathEscape", ["/etc/passwd", "/", "nul\0name", "nul\0", "lone\ud800surrogate"]],
  ["PathProtected", [".git", ".git/config", ".GIT/hooks/x", ".Git/HEAD", "d/.git/config", ".git./config"]],
  ["PathProtected", ["git~1/config", ".g\u200cit/config", ".git::$INDEX_ALLOCATION/config", ".git\\config"]],
  ["PathProtected", [".iopipe-0011223344556677-0.tmp", "d/.iopipe-x", ".IOPIPE-x"]],
  ["NameTooLong", ["n".repeat(256), `d/${"é".repeat(128)}`, Array(2049).fill("n").join("/")]],
])("%s: %.60j", async (kind, files) => {
  await using scene = await guardedScene();
  const [before, beyond] = [snapshot(scene.root, { times: true }), scene.beyond()];
  for (const file of files) await expectRefused(scene, file, kind);
  expect(snapshot(scene.root, { times: true })).toEqual(before);
  expect(scene.beyond()).toEqual(beyond);
});

test("diffs that name such paths are refused with the same kinds", async () => {
  await using scene = await guardedScene();
  const session = await scene.reviewer.openSession({ workspace: scene.workspace });
  const creation = (file: string) =>
    `diff --git a/${file} b/${file}\nnew file mode 100644\n--- /dev/null\n+++ b/${file}\n@@ -0,0 +1 @@\n+hostile\n`;
  for (const [file, kind] of [
    ["../victim", "PathEscape"],
    ["/etc/x", "PathEscape"],
    [".git/hooks/x", "PathProtected"],
    ["n".repeat(256), "NameTooLong"],
  ] as const)
    await expect(session.stage([{ kind: "unifiedDiff", text: creation(file) }])).rejects.toMatchObject({
      kind,
    });
  expect((await session.get()).patches).toEqual([]);
});

test("names of 255 bytes are fine, staged, applied and undone", async () => {
  await using scene = await guardedScene();
  const { reviewer, workspace } = scene;
  const before = scene.tree();
  const session = await reviewer.openSession({ workspace });
  const names = ["n".repeat(255), `${"m".repeat(255)}/${"é".repeat(127)}x`];
  await session.stage(names.map((name) => write(name)));
  const { operation } = await session.apply((await session.diff()).digest ?? "");
  for (const name of names) expect(scene.read(name)).toBe("hostile\n");
  await reviewer.call("operation/undo", { operation: operation.id });
  expect(scene.tree()).toEqual(before);
});

test("no path leads through a link that leaves the root; the link itself may be changed", async () => {
  await using scene = await guardedScene();
  const { reviewer, workspace } = scene;
  symlinkSync(scene.outside, scene.at("out"));
  symlinkSync("../..", scene.at("d/up"));
  symlinkSync(path.join(scene.outside, "victim"), scene.at("file-out"));
  symlinkSync("..", scene.at("parent"));
  const beyond = scene.beyond();
  for (const file of ["out/victim", "out/new", "d/up/x", "parent/x", "out/sub/f.txt"])
    await expectRefused(scene, file, "PathEscape");
  await expectRefused(scene, "file-out", "PathEscape", ["write", "edit", "chmod", "file/read"]);

  const session = await reviewer.openSession({ workspace });
  await expect(session.list("out")).rejects.toMatchObject({ kind: "PathEscape" });
  const listed = await session.list(undefined, { recursive: true });
  expect(listed.filter(({ type }) => type === "symlink").map(({ path: link }) => link)).toEqual([
    "d/up",
    "file-out",
    "out",
    "parent",
  ]);
  expect(JSON.stringify(listed)).not.toContain("victim");
  await session.stage([
    { kind: "delete", path: "out" },
    { kind: "rename", path: "file-out", to: "renamed-out" },
    { kind: "symlink", path: "d/up", target: "/etc/passwd" },
  ]);
  await session.apply((await session.diff()).digest ?? "");
  expect(scene.tree()).toMatchObject({
    "d/up": "-> /etc/passwd",
    "renamed-out": `-> ${path.join(scene.outside, "victim")}`,
  });
  expect(Object.keys(scene.tree())).not.toContain("out");
  expect(scene.beyond()).toEqual(beyond);
});

test("a link into .git or into the daemon's state is no way around either", async () => {
  await using scene = await guardedScene();
  symlinkSync(".git", scene.at("togit"));
  symlinkSync(".git/config", scene.at("toconfig"));
  for (const file of ["togit/config", "togit/hooks/new"]) await expectRefused(scene, file, "PathProtected");
  await expectRefused(scene, "toconfig", "PathProtected", ["write", "edit", "chmod", "file/read"]);
});

test("the daemon's own directories are none of a root that contains them, and no roots; nor is git's", async () => {
  await using scene = await guardedScene();
  const { reviewer, home } = scene;
  const { workspace } = await reviewer.call("workspace/open", { root: home.directory });
  symlinkSync("s", path.join(home.directory, "tostate"));
  const inside = { ...scene, workspace: workspace.id };
  const own = ["s", "s/iopipe.db", "s/new", "s/run/iopiped.sock", "s/blobs/aa/x", "tostate/iopipe.db"];
  const ways = ["write", "edit", "delete", "chmod", "symlink", "rename from", "file/read"];
  for (const file of own) await expectRefused(inside, file, "PathProtected", ways);
  const session = await reviewer.openSession({ workspace: workspace.id });
  expect((await session.list()).map(({ path: name }) => name)).not.toContain("s");
  await reviewer.call("workspace/close", { workspace: workspace.id });
  for (const root of [home.locations.stateDir, path.join(home.locations.stateDir, "blobs")]) {
    mkdirSync(root, { recursive: true });
    await expect(reviewer.call("workspace/open", { root })).rejects.toMatchObject({ kind: "PathProtected" });
  }
  rmSync(path.join(home.directory, "tostate"));
  for (const root of [scene.at(".git"), scene.at(".git/hooks")]) {
    mkdirSync(root, { recursive: true });
    await expect(reviewer.call("workspace/open", { root })).rejects.toMatchObject({ kind: "PathProtected" });
  }
});

test("FIFOs, sockets and directories are no files: refused at once, never waited for", async () => {
  await using scene = await guardedScene();
  const { reviewer, workspace } = scene;
  execFileSync("mkfifo", [scene.at("pipe")]);
  execFileSync("python3", [
    "-c",
    "import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])",
    scene.at("sock"),
  ]);
  const ways = Object.keys(WAYS).filter((way) => way !== "rename to");
  for (const file of ["pipe", "sock", "d"]) {
    await expectRefused(scene, file, "NotAFile", ways);
    await expectRefused(scene, file, "FileExists", ["rename to"]);
  }
  for (const file of ["pipe/x", "d/f.txt/x"])
    await expectRefused(scene, file, "NotAFile", ["write", "symlink", "rename to"]);
  const session = await reviewer.openSession({ workspace });
  const types = new Map((await session.list()).map(({ path: name, type }) => [name, type]));
  expect([types.get("pipe"), types.get("sock"), types.get("d")]).toEqual(["other", "other", "directory"]);
  expect(await reviewer.call("watch/sync", { workspace })).toMatchObject({ verified: true });
});

test("a hard link that leads out is not written through", async () => {
  await using scene = await guardedScene();
  const { reviewer, workspace } = scene;
  linkSync(path.join(scene.outside, "victim"), scene.at("hard"));
  const beyond = scene.beyond();
  await expectRefused(scene, "hard", "HardLinked", ["write", "chmod"]);
  const session = await reviewer.openSession({ workspace });
  await session.stage([{ ...write("hard"), breakHardLinks: true } as ChangeInput]);
  await session.apply((await session.diff()).digest ?? "");
  expect(scene.read("hard")).toBe("hostile\n");
  expect(readFileSync(path.join(scene.outside, "victim"), "utf8")).toBe("OUTSIDE\n");
  expect(scene.beyond()).toEqual(beyond);
});

/** What is put in the way between stage and apply. */
const SWAPS: Record<string, [ChangeInput, (scene: Guarded) => void, ErrorKind]> = {
  "the parent becomes a link that leads out": [
    write("d/f.txt"),
    ({ at, outside }) => {
      rmSync(at("d"), { recursive: true });
      symlinkSync(outside, at("d"));
    },
    "PathEscape",
  ],
  "the parent becomes a link to where it was moved, outside": [
    write("d/f.txt"),
    ({ at, outside }) => {
      renameSync(at("d"), path.join(outside, "moved"));
      symlinkSync(path.join(outside, "moved"), at("d"));
    },
    "PathEscape",
  ],
  "a new directory's name becomes a link that leads out": [
    write("new/deep/f.txt"),
    ({ at, outside }) => symlinkSync(outside, at("new")),
    "PathEscape",
  ],
  "the parent becomes a link into .git": [
    write("hooks/x"),
    ({ at }) => {
      rmSync(at("hooks"), { recursive: true });
      symlinkSync(".git/hooks", at("hooks"));
    },
    "PathEscape",
  ],
  "the file becomes a link that leads out": [
    write("a.txt"),
    ({ at, outside }) => {
      rmSync(at("a.txt"));
      symlinkSync(path.join(outside, "a.txt"), at("a.txt"));
    },
    "Stale",
  ],
  "a link that leads out takes a new file's name": [
    write("victim"),
    ({ at, outside }) => symlinkSync(path.join(outside, "victim"), at("victim")),
    "Stale",
  ],
  "what is to be deleted lies behind a link that leads out": [
    { kind: "delete", path: "d/f.txt" },
    ({ at, outside }) => {
      rmSync(at("d"), { recursive: true });
      symlinkSync(outside, at("d"));
    },
    "PathEscape",
  ],
  "what is to be renamed goes behind a link that leads out": [
    { kind: "rename", path: "a.txt", to: "new/a.txt" },
    ({ at, outside }) => symlinkSync(path.join(outside, "sub"), at("new")),
    "PathEscape",
  ],
  "what is to be renamed lies behind a link that leads out": [
    { kind: "rename", path: "d/f.txt", to: "f.txt" },
    ({ at, outside }) => {
      rmSync(at("d"), { recursive: true });
      symlinkSync(outside, at("d"));
    },
    "PathEscape",
  ],
  "what is to be made executable lies behind a link that leads out": [
    { kind: "chmod", path: "d/f.txt", mode: 0o755 },
    ({ at, outside }) => {
      rmSync(at("d"), { recursive: true });
      symlinkSync(outside, at("d"));
    },
    "PathEscape",
  ],
  "the file becomes a FIFO": [
    write("a.txt"),
    ({ at }) => {
      rmSync(at("a.txt"));
      execFileSync("mkfifo", [at("a.txt")]);
    },
    "Stale",
  ],
  "the file becomes a directory": [
    write("a.txt"),
    ({ at }) => {
      rmSync(at("a.txt"));
      mkdirSync(at("a.txt"));
    },
    "Stale",
  ],
  "the root becomes a link to another directory": [
    write("a.txt"),
    ({ root, outside }) => {
      renameSync(root, `${root}-moved`);
      symlinkSync(outside, root);
    },
    "RootGone",
  ],
};

test.each(Object.keys(SWAPS))("between stage and apply %s", async (name) => {
  const [change, swap, kind] = SWAPS[name] as (typeof SWAPS)[string];
  await using scene = await guardedScene();
  const { reviewer, workspace } = scene;
  const session = await reviewer.openSession({ workspace });
  await session.stage([change, write("other.txt")]);
  const digest = (await session.diff()).digest ?? "";
  swap(scene);
  const [before, beyond] = [snapshot(scene.root, { times: true }), scene.beyond()];
  const { wouldApply, problems } = await session.check();
  expect([wouldApply, new Set(problems.map((problem) => problem.kind))]).toEqual([false, new Set([kind])]);
  await expect(session.apply(digest)).rejects.toMatchObject({ kind });
  expect(snapshot(scene.root, { times: true })).toEqual(before);
  expect(scene.beyond()).toEqual(beyond);
});

test("an undo does not follow a link that was swapped in either", async () => {
  await using scene = await guardedScene();
  const { reviewer, workspace, at, outside } = scene;
  const session = await reviewer.openSession({ workspace });
  await session.stage([write("d/f.txt"), write("new/n.txt"), { kind: "delete", path: "hooks/x" }]);
  const { operation } = await session.apply((await session.diff()).digest ?? "");
  for (const directory of ["d", "new"]) {
    rmSync(at(directory), { recursive: true });
    symlinkSync(outside, at(directory));
  }
  symlinkSync(outside, at("hooks"));
  const [before, beyond] = [scene.tree(), scene.beyond()];
  const undo = { operation: operation.id };
  await expect(reviewer.call("operation/undo", undo)).rejects.toMatchObject({ kind: "ModifiedSince" });
  const skipping = await reviewer.call("operation/undo", { ...undo, onModified: "skip" });
  expect([skipping.operation, skipping.reverted]).toEqual([undefined, []]);
  expect(scene.tree()).toEqual(before);
  expect(scene.beyond()).toEqual(beyond);
});
