/** What a promotion meets when the disk is not as it was staged, or changes under its hands. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openTree, type Port, type Stat } from "../daemon/disk/index.ts";
import { type PromotionRequest, promote, type Transition } from "../daemon/promotion/index.ts";
import type { Store } from "../daemon/store/index.ts";
import { type House, openHouse, type Root, sha256 } from "./promotion/house.ts";
import { errno, moving, portWith } from "./promotion/ports.ts";

let house: House;
beforeAll(() => {
  house = openHouse();
});
afterAll(() => house.close());

/** The kind of the refusal, or the phase of the operation. */
async function outcome(
  root: Root,
  transitions: Transition[],
  extra: Partial<PromotionRequest> = {},
): Promise<string> {
  try {
    return (await house.apply(root, transitions, extra)).phase;
  } catch (error) {
    return (error as { kind: string }).kind;
  }
}

const withPort = (root: Root, replace: (port: Port) => Partial<Port>) => ({
  tree: openTree(root.path, [], portWith(replace)),
});

const newest = (root: Root) => {
  const [row] = house.store.operations.list({ workspace: root.workspace }, { limit: 1 });
  if (!row) throw new Error("no operation");
  return row;
};

const mark = /\.iopipe-/;
const expectClean = (root: Root) =>
  expect(Object.keys(root.snapshot()).filter((name) => mark.test(name))).toEqual([]);

test("a parent swapped for a symlink between stage and apply leads nowhere", async () => {
  const root = house.root({ "d/f": "old" });
  const outside = house.root({ f: "safe" });
  const changes = [await house.change(root, "d/f", "new"), await house.change(root, "d/sub/g", "new")];
  fs.rmSync(root.at("d"), { recursive: true });
  fs.symlinkSync(outside.path, root.at("d"));
  expect(await outcome(root, changes)).toBe("PathEscape");
  expect(outside.snapshot()).toEqual({ f: "644 safe" });
  expect(root.snapshot()).toEqual({ d: `-> ${outside.path}` });
});

test("a parent swapped while the promotion runs is noticed, and nothing lands outside", async () => {
  const root = house.root({ "d/f": "old" });
  const outside = house.root({ f: "safe" });
  let swapped = false;
  const change = await house.change(root, "d/f", "new");
  const port = withPort(root, (real) => ({
    createFile: (dir, name) => {
      if (!swapped) {
        fs.renameSync(root.at("d"), root.at("moved"));
        fs.symlinkSync(outside.path, root.at("d"));
        swapped = true;
      }
      return real.createFile(dir, name);
    },
  }));
  expect(await outcome(root, [change], port)).toBe("Conflict");
  expect(outside.snapshot()).toEqual({ f: "644 safe" });
  expect(root.snapshot()).toEqual({ d: `-> ${outside.path}`, "moved/": "755", "moved/f": "644 old" });
});

test.each([
  ["FIFO", "NotAFile", (path: string) => execFileSync("mkfifo", [path])],
  ["directory", "NotAFile", (path: string) => fs.mkdirSync(path)],
  ["symlink", "Stale", (path: string) => fs.symlinkSync("other", path)],
  ["other file", "Stale", (path: string) => fs.writeFileSync(path, "edited")],
  ["nothing", "Stale", () => undefined],
])("a target that has become a %s is %s", async (_name, kind, put) => {
  const root = house.root({ f: "old", other: "other" });
  const changes = [await house.change(root, "f", "new"), await house.change(root, "other", "new")];
  fs.unlinkSync(root.at("f"));
  put(root.at("f"));
  const before = root.snapshot();
  expect(await outcome(root, changes)).toBe(kind);
  expect(root.snapshot()).toEqual(before);
});

test("all stale files are in one error, with what was expected and what is there", async () => {
  const root = house.root({ a: "a", b: "b", c: "c" });
  const changes = await Promise.all(["a", "b", "c", "d"].map((path) => house.change(root, path, "new")));
  root.write({ a: "edited", d: "made" });
  fs.unlinkSync(root.at("b"));
  const error = await house.apply(root, changes).catch((caught) => caught);
  expect(error.kind).toBe("Stale");
  expect(error.data.files).toMatchObject([
    { path: "a", expected: { hash: sha256("a") }, actual: { hash: sha256("edited") } },
    { path: "b", expected: { hash: sha256("b") }, actual: { exists: false } },
    { path: "d", expected: { exists: false }, actual: { hash: sha256("made") } },
  ]);
  expect(error.data.operation).toBeUndefined();
});

test("only the aspects that a change has are compared", async () => {
  const root = house.root({ f: "same", run: { text: "x", mode: 0o644 } });
  const changes = [
    await house.change(root, "f", "new"),
    await house.change(root, "run", { text: "x", mode: 0o755 }),
  ];
  fs.chmodSync(root.at("f"), 0o600);
  fs.writeFileSync(root.at("run"), "edited");
  fs.utimesSync(root.at("f"), 1, 1);
  expect(await outcome(root, changes)).toBe("applied");
  expect(root.snapshot()).toEqual({ f: "600 new", run: "755 edited" });
  const undone = await house.undo(root, newest(root));
  expect(undone.phase).toBe("applied");
  expect(root.snapshot()).toEqual({ f: "600 same", run: "644 edited" });
});

test("names of 255 bytes are fine, 256 are too long", async () => {
  const root = house.root();
  const change = (name: string) => house.change(root, name, "x", { before: { exists: false } });
  expect(await outcome(root, [await change("n".repeat(255)), await change("ä".repeat(127))])).toBe("applied");
  expect(await outcome(root, [await change("n".repeat(256))])).toBe("NameTooLong");
  expect(await outcome(root, [await change(`${"m".repeat(255)}/${"é".repeat(127)}`)])).toBe("applied");
});

test.each(["../out", "/etc/x", ".git/config", "a/.GIT/x", ".iopipe-x", "a\0b"])(
  "%j is no path to write",
  async (path) => {
    const root = house.root();
    expect(["PathEscape", "PathProtected"]).toContain(
      await outcome(root, [await house.change(root, path, "x", { before: { exists: false } })]),
    );
    expect(root.snapshot()).toEqual({});
  },
);

test("a file with several names is not changed unasked; asked, it is split", async () => {
  const root = house.root({ f: "old", run: { text: "x", mode: 0o644 } });
  fs.linkSync(root.at("f"), root.at("second"));
  fs.linkSync(root.at("run"), root.at("run2"));
  const change = await house.change(root, "f", "new");
  const chmod = await house.change(root, "run", { text: "x", mode: 0o755 });
  expect(await outcome(root, [change])).toBe("HardLinked");
  expect(await outcome(root, [chmod])).toBe("HardLinked");
  const split = [change, chmod].map((one) => ({ ...one, breakHardLinks: true }));
  expect(await outcome(root, split)).toBe("applied");
  expect(root.snapshot()).toEqual({ f: "644 new", second: "644 old", run: "755 x", run2: "644 x" });
  expect(await outcome(root, [await house.change(root, "second", undefined)])).toBe("applied");
});

test("two changes of one path, or of one inode, collide", async () => {
  const root = house.root({ f: "old" });
  fs.linkSync(root.at("f"), root.at("g"));
  const change = await house.change(root, "f", "new", { breakHardLinks: true });
  expect(await outcome(root, [change, change])).toBe("Conflict");
  const other = await house.change(root, "g", "new", { breakHardLinks: true });
  expect(await outcome(root, [change, other])).toBe("Conflict");
});

test("a directory takes the place of a file, and a file that of a directory, and back", async () => {
  const root = house.root({ a: "file", "d/x": "x", "d/e/y": "y", link: "-> d" });
  fs.chmodSync(root.at("d"), 0o700);
  const before = root.snapshot();
  const changes = [
    await house.change(root, "a/b", "now below", { before: { exists: false } }),
    await house.change(root, "d", "now a file", { before: { exists: false } }),
    await house.change(root, "link/x", "no link", { before: { exists: false } }),
    await house.change(root, "a", undefined),
    await house.change(root, "d/x", undefined),
    await house.change(root, "d/e/y", undefined),
    await house.change(root, "link", undefined),
  ];
  const applied = await house.apply(root, changes);
  const after = root.snapshot();
  expect(after).toEqual({
    ...{ "a/": "755", "a/b": "644 now below", d: "644 now a file", "link/": "755", "link/x": "644 no link" },
  });
  const undone = await house.undo(root, applied);
  expect(root.snapshot()).toEqual(before);
  await house.undo(root, undone);
  expect(root.snapshot()).toEqual(after);
});

test.each([
  "file in the way",
  "directory that keeps a file",
  "empty directory",
  "both a file and a directory",
  "special",
])("a structure that cannot be is refused: %s", async (name) => {
  const root = house.root({ a: "file", "d/x": "x", "d/kept": "kept" });
  fs.mkdirSync(root.at("empty"));
  execFileSync("mkfifo", [root.at("pipe")]);
  const before = root.snapshot();
  const make = (path: string) => house.change(root, path, "new", { before: { exists: false } });
  const CASES: Record<string, [Transition[], string]> = {
    "file in the way": [[await make("a/b")], "NotAFile"],
    "directory that keeps a file": [
      [await make("d"), await house.change(root, "d/x", undefined)],
      "NotAFile",
    ],
    "empty directory": [[await make("empty")], "NotAFile"],
    "both a file and a directory": [[await make("n"), await make("n/x")], "Conflict"],
    special: [[await make("pipe/x")], "NotAFile"],
  };
  const [changes, kind] = CASES[name] as [Transition[], string];
  expect(await outcome(root, changes)).toBe(kind);
  expect(root.snapshot()).toEqual(before);
});

test("a file becomes a symlink and a symlink a file, and back", async () => {
  const root = house.root({ f: { text: "file", mode: 0o700 }, l: "-> f", m: "-> f" });
  const before = root.snapshot();
  const changes = [
    await house.change(root, "f", "-> elsewhere"),
    await house.change(root, "l", "a file"),
    await house.change(root, "m", "-> g"),
  ];
  const applied = await house.apply(root, changes);
  expect(root.snapshot()).toEqual({ f: "-> elsewhere", l: "644 a file", m: "-> g" });
  await house.undo(root, applied);
  expect(root.snapshot()).toEqual(before);
});

test("an edit in place between the check and the swap comes back, and the rest is taken back", async () => {
  const root = house.root({ a: "a", b: "b" });
  const changes = [await house.change(root, "a", "A"), await house.change(root, "b", "B")];
  let swaps = 0;
  const port = withPort(root, (real) => ({
    ...moving(real, (move) => {
      if (++swaps === 2) fs.appendFileSync(root.at("b"), " edited");
      move();
    }),
  }));
  expect(await outcome(root, changes, port)).toBe("Stale");
  expect(root.snapshot()).toEqual({ a: "644 a", b: "644 b edited" });
  expect(newest(root)).toMatchObject({ phase: "aborted" });
});

test("an edit between the last look and the backup is seen before the swap", async () => {
  const root = house.root({ a: "a" });
  const changes = [await house.change(root, "a", "A")];
  const port = withPort(root, (real) => ({
    link: (from, name, to, newName) => {
      fs.appendFileSync(root.at("a"), " edited");
      real.link(from, name, to, newName);
    },
  }));
  expect(await outcome(root, changes, port)).toBe("Stale");
  expect(root.snapshot()).toEqual({ a: "644 a edited" });
});

test("an edit that no time shows is found in the backup, kept as a blob, and reported", async () => {
  const root = house.root({ a: "a1" });
  const changes = [await house.change(root, "a", "A")];
  const port = withPort(root, (real) => ({
    ...moving(real, (move) => {
      const held = fs.openSync(root.at("a"), "r+");
      move();
      const { atimeNs: _, mtime } = fs.fstatSync(held, { bigint: true });
      fs.writeSync(held, "a2");
      execFileSync("touch", ["-d", mtime.toISOString(), `/proc/${process.pid}/fd/${held}`]);
      fs.closeSync(held);
    }),
    // As on a kernel whose clock had not ticked.
    lstat: (dir, name) => {
      const stat = real.lstat(dir, name);
      return stat && { ...pick(stat), mtimeNs: 7n };
    },
    stat: async (file) => ({ ...pick(await real.stat(file)), mtimeNs: 7n }),
  }));
  const operation = await house.apply(root, changes, port);
  expect(operation).toMatchObject({ phase: "applied", files: [{ outcome: "after", rescued: sha256("a2") }] });
  expect((await house.store.blobs.read(sha256("a2"))).toString()).toBe("a2");
  expect(root.snapshot()).toEqual({ a: "644 A" });
});

/** Without Node's getters. */
function pick({ dev, ino, mode, nlink, uid, gid, size, ctimeNs, birthtimeNs }: Stat): Omit<Stat, "mtimeNs"> {
  return { dev, ino, mode, nlink, uid, gid, size, ctimeNs, birthtimeNs };
}

test("a file edited just before it is removed is put back", async () => {
  const root = house.root({ a: "a", d: "doomed" });
  const changes = [await house.change(root, "d", undefined), await house.change(root, "a", "A")];
  const port = withPort(root, (real) => ({
    ...moving(real, (move, name) => {
      if (name === "d") fs.appendFileSync(root.at("d"), " edited");
      move();
    }),
  }));
  expect(await outcome(root, changes, port)).toBe("Stale");
  expect(root.snapshot()).toEqual({ a: "644 a", d: "644 doomed edited" });
});

test("a file edited between the last look and its removal is left", async () => {
  const root = house.root({ a: "a", d: "doomed" });
  const changes = [await house.change(root, "a", undefined), await house.change(root, "d", undefined)];
  const port = withPort(root, (real) => ({
    ...moving(real, (move, name) => {
      move();
      if (name === "a") fs.appendFileSync(root.at("d"), " edited");
    }),
  }));
  expect(await outcome(root, changes, port)).toBe("Stale");
  expect(root.snapshot()).toEqual({ a: "644 a", d: "644 doomed edited" });
});

test.each(["replaced", "removed"])("a file that is gone before it is %s stays gone", async (how) => {
  const root = house.root({ a: "a", f: "f" });
  const changes = [
    await house.change(root, "a", undefined),
    await house.change(root, "f", how === "removed" ? undefined : "new"),
  ];
  const port = withPort(root, (real) => ({
    ...moving(real, (move, name) => {
      move();
      if (name === "a") fs.unlinkSync(root.at("f"));
    }),
  }));
  expect(await outcome(root, changes, port)).toBe("Stale");
  expect(root.snapshot()).toEqual({ a: "644 a" });
});

test.each([
  ["replaced", "NEW"],
  ["removed", undefined],
  ["chmodded", { text: "f", mode: 0o700 }],
])(
  "a file that vanishes in the very moment when it is %s is stale, not a disk's error",
  async (_, content) => {
    const root = house.root({ a: "a", f: "f" });
    const changes = [await house.change(root, "a", undefined), await house.change(root, "f", content)];
    const vanish = (name: string) => name === "f" && fs.unlinkSync(root.at("f"));
    const port = withPort(root, (real) => ({
      link: (from, name, ...to) => {
        vanish(name);
        real.link(from, name, ...to);
      },
      rename: (from, name, ...to) => {
        vanish(name);
        real.rename(from, name, ...to);
      },
      setMode: (dir, name, ...rest) => {
        vanish(name);
        return real.setMode(dir, name, ...rest);
      },
    }));
    expect(await outcome(root, changes, port)).toBe("Stale");
    expect(root.snapshot()).toEqual({ a: "644 a" });
  },
);

test("files that vanish in the very moment when they are taken back are left gone, and it is said", async () => {
  const root = house.root({ a: "a", b: "b" });
  const changes = [
    await house.change(root, "n", "new"),
    await house.change(root, "a", "A"),
    await house.change(root, "b", "B"),
  ];
  let failed = false;
  const vanish = (name: string) => failed && /^[an]$/.test(name) && fs.unlinkSync(root.at(name));
  const port = withPort(root, (real) => ({
    ...moving(real, (move, name, newName) => {
      failed ||= newName === "b";
      if (newName === "b") throw errno("EIO");
      vanish(name);
      move();
    }),
    link: (from, name, ...to) => {
      vanish(name);
      real.link(from, name, ...to);
    },
  }));
  const operation = await house.apply(root, changes, port);
  expect(operation.phase).toBe("attention");
  expect(operation.files.map(({ path, outcome: one }) => [path, one])).toEqual([
    ["n", "before"],
    ["a", "foreign"],
    ["b", "before"],
  ]);
  expect(root.snapshot()).toEqual({ b: "644 b" });
  expect((await house.store.blobs.read(sha256("a"))).toString()).toBe("a");
});

test("a file that appears where one is created is never replaced", async () => {
  const root = house.root({ a: "a" });
  const changes = [await house.change(root, "a", "A"), await house.change(root, "n", "new")];
  const port = withPort(root, (real) => ({
    link: (from, name, to, newName) => {
      if (newName === "n") fs.writeFileSync(root.at("n"), "theirs");
      real.link(from, name, to, newName);
    },
  }));
  expect(await outcome(root, changes, port)).toBe("Stale");
  expect(root.snapshot()).toEqual({ a: "644 a", n: "644 theirs" });
});

test("a mode that changes under a chmod is left, whichever way", async () => {
  const root = house.root({ a: "a", run: { text: "x", mode: 0o644 } });
  const changes = [
    await house.change(root, "a", "A"),
    await house.change(root, "run", { text: "x", mode: 0o755 }),
  ];
  const edit = (replace: (port: Port, chmod: () => void) => Partial<Port>) =>
    withPort(root, (real) => replace(real, () => fs.chmodSync(root.at("run"), 0o600)));
  const early = edit((real, chmod) => ({
    ...moving(real, (move) => {
      move();
      chmod();
    }),
  }));
  expect(await outcome(root, changes, early)).toBe("Stale");
  expect(root.snapshot()).toEqual({ a: "644 a", run: "600 x" });
  fs.chmodSync(root.at("run"), 0o644);
  const replaced = edit((real) => ({
    setMode: (dir, name, _ino, mode) => {
      fs.rmSync(root.at("run"));
      root.write({ run: "y" });
      return real.setMode(dir, name, 0n, mode);
    },
  }));
  expect(await outcome(root, changes, replaced)).toBe("Stale");
  expect(root.snapshot()).toEqual({ a: "644 a", run: "644 y" });
});

test("what was edited after its swap is not taken back: it needs attention, and both versions are kept", async () => {
  const root = house.root({ a: "a", b: "b", c: "c" });
  const changes = [
    await house.change(root, "a", "A"),
    await house.change(root, "b", "B"),
    await house.change(root, "c", "C"),
  ];
  let swaps = 0;
  const port = withPort(root, (real) => ({
    ...moving(real, (move) => {
      move();
      if (++swaps !== 2) return;
      fs.writeFileSync(root.at("a"), "edited after");
      fs.writeFileSync(root.at("c"), "edited before");
    }),
  }));
  const operation = await house.apply(root, changes, port);
  expect(operation.phase).toBe("attention");
  expect(operation.files.map(({ path, outcome: one }) => [path, one])).toEqual([
    ["a", "foreign"],
    ["b", "before"],
    ["c", "foreign"],
  ]);
  expect(root.snapshot()).toEqual({ a: "644 edited after", b: "644 b", c: "644 edited before" });
  expect((await house.store.blobs.read(sha256("a"))).toString()).toBe("a");
  expect(house.store.operations.openJournals(root.workspace)).toEqual([]);
});

test("an edit made while a file is being taken back is found", async () => {
  const root = house.root({ a: "a", b: "b", gone: "gone" });
  const changes = [
    await house.change(root, "gone", undefined),
    await house.change(root, "n", "new"),
    await house.change(root, "a", "A"),
    await house.change(root, "b", "B"),
  ];
  let failed = false;
  const port = withPort(root, (real) => ({
    ...moving(real, (move, name, newName) => {
      if (newName === "b") {
        failed = true;
        throw errno("EIO");
      }
      if (failed && name === "n") fs.writeFileSync(root.at("n"), "edited n");
      move();
    }),
    link: (from, name, to, newName) => {
      if (failed && name === "a") fs.writeFileSync(root.at("a"), "edited a");
      if (failed && newName === "gone") fs.writeFileSync(root.at("gone"), "theirs");
      real.link(from, name, to, newName);
    },
  }));
  const operation = await house.apply(root, changes, port);
  expect(operation.phase).toBe("attention");
  expect(root.snapshot()).toEqual({ a: "644 edited a", b: "644 b", gone: "644 theirs", n: "644 edited n" });
});

test("directories: somebody's are used and stay, what they put into ours stays too", async () => {
  const root = house.root({ "gone/x": "x", "kept/x": "x" });
  const changes = [
    await house.change(root, "new/deep/f", "f"),
    await house.change(root, "gone/x", undefined),
    await house.change(root, "kept/x", undefined),
  ];
  const port = withPort(root, (real) => ({
    ...moving(real, (move) => {
      move();
      if (!fs.existsSync(root.at("new"))) fs.mkdirSync(root.at("new"));
      root.write({ "kept/theirs": "theirs" });
    }),
  }));
  const operation = await house.apply(root, changes, port);
  expect(operation).toMatchObject({
    madeDirectories: [{ path: "new/deep" }],
    removedDirectories: [{ path: "gone", mode: 0o755 }],
  });
  root.write({ "new/deep/theirs": "theirs" });
  await house.undo(root, operation);
  expect(Object.keys(root.snapshot())).toEqual([
    ...["gone/", "gone/x", "kept/", "kept/theirs", "kept/x", "new/", "new/deep/", "new/deep/theirs"],
  ]);
});

test("something that takes a new directory's name stops the promotion", async () => {
  const root = house.root({ a: "a" });
  const changes = [await house.change(root, "a", undefined), await house.change(root, "n/f", "f")];
  const port = withPort(root, (real) => ({
    ...moving(real, (move, name) => {
      move();
      if (name === "a") fs.writeFileSync(root.at("n"), "theirs");
    }),
  }));
  expect(await outcome(root, changes, port)).toBe("NotAFile");
  expect(root.snapshot()).toEqual({ a: "644 a", n: "644 theirs" });
});

test.each([
  ["a file", (root: Root) => fs.writeFileSync(root.at("d"), "theirs")],
  ["a symlink", (root: Root) => fs.symlinkSync("/nowhere", root.at("d"))],
])("a removed directory that became %s meanwhile is not forced back", async (_name, take) => {
  const root = house.root({ "d/x": "x", b: "b" });
  const changes = [await house.change(root, "d/x", undefined), await house.change(root, "b", "B")];
  const port = withPort(root, (real) => ({
    ...moving(real, (move, _name, newName) => {
      if (newName === "b") {
        take(root);
        throw errno("EIO");
      }
      move();
    }),
  }));
  const operation = await house.apply(root, changes, port);
  expect(operation.phase).toBe("attention");
  expect(Object.keys(root.snapshot())).toEqual(["b", "d"]);
  expect((await house.store.blobs.read(sha256("x"))).toString()).toBe("x");
});

test("a directory of ours that became a symlink is not removed through it", async () => {
  const root = house.root({ b: "b" });
  const outside = house.root({ "deep/f": "f" });
  const changes = [await house.change(root, "n/deep/f", "f"), await house.change(root, "b", "B")];
  const port = withPort(root, (real) => ({
    ...moving(real, (move, _name, newName) => {
      if (newName === "b") {
        fs.rmSync(root.at("n"), { recursive: true });
        fs.symlinkSync(outside.path, root.at("n"));
        throw errno("EIO");
      }
      move();
    }),
  }));
  expect(await outcome(root, changes, port)).toBe("attention");
  expect(outside.snapshot()).toEqual({ "deep/": "755", "deep/f": "644 f" });
  expect(Object.keys(root.snapshot())).toEqual(["b", "n"]);
});

test.each([
  ["EACCES", "AccessDenied"],
  ["EROFS", "ReadOnly"],
  ["EDQUOT", "DiskFull"],
])("a directory that says %s: nothing is touched", async (code, kind) => {
  const root = house.root({ "d/f": "old", g: "old" });
  const changes = [await house.change(root, "g", "new"), await house.change(root, "d/f", "new")];
  const port = withPort(root, (real) => ({
    createFile: async (dir, name) => {
      if (dir.path === "d") throw errno(code);
      return real.createFile(dir, name);
    },
  }));
  const error = await house.apply(root, changes, port).catch((caught) => caught);
  expect(error).toMatchObject({ kind, data: { path: "d/f", operation: newest(root).id } });
  expect(root.snapshot()).toEqual({ "d/": "755", "d/f": "644 old", g: "644 old" });
});

test("a swap that is busy is tried again, and a backup of the first try is no obstacle", async () => {
  const root = house.root({ f: "old", n: "gone" });
  let busy = 2;
  const changes = [await house.change(root, "f", "new"), await house.change(root, "m", "made")];
  const port = withPort(root, (real) => ({
    ...moving(real, (move) => {
      if (busy-- > 0) throw errno("EBUSY");
      move();
    }),
    unlink: (dir, name) => {
      if (name.endsWith(".tmp") && busy-- > -2) throw errno("EBUSY");
      real.unlink(dir, name);
    },
  }));
  expect(await outcome(root, changes, port)).toBe("applied");
  expect(root.snapshot()).toEqual({ f: "644 new", m: "644 made", n: "644 gone" });
});

test("a cancelled promotion leaves nothing; past the decision it is not cancelled", async () => {
  const root = house.root({ a: "a", b: "b" });
  const changes = [await house.change(root, "a", "A"), await house.change(root, "b", "B")];
  const cancel = new AbortController();
  const progress = (phase: string, done: number) => {
    if (phase === "prepare" && done === 1) cancel.abort();
  };
  expect(await outcome(root, changes, { signal: cancel.signal, progress })).toBe("Cancelled");
  expect(root.snapshot()).toEqual({ a: "644 a", b: "644 b" });
  const late = new AbortController();
  const phases = new Set<string>();
  const seen = (phase: string, done: number, total: number) => {
    phases.add(`${phase} ${done}/${total}`);
    if (phase === "publish") late.abort();
  };
  expect(await outcome(root, changes, { signal: late.signal, progress: seen })).toBe("applied");
  const bytes = (phase: string) => [`${phase} 0/2`, `${phase} 1/2`, `${phase} 2/2`];
  expect([...phases]).toEqual([
    ...["inspect", "prepare", "compare"].flatMap(bytes),
    ...["publish 0/2", "publish 1/2", "finish 2/2"],
  ]);
});

test("the watcher is told in the same turn, with the stat of what is there", async () => {
  const root = house.root({ a: "a", d: "d" });
  const told: unknown[] = [];
  const changes = [await house.change(root, "a", "A"), await house.change(root, "d", undefined)];
  const published: PromotionRequest["published"] = (path, operation, stat) => {
    told.push([path, operation, stat?.size, fs.existsSync(root.at(path))]);
  };
  const { id } = await house.apply(root, changes, { published });
  expect(told).toEqual([
    ["d", id, undefined, false],
    ["a", id, 1n, true],
  ]);
});

test("an old version whose bytes the store lacks is read before anything else; one that changes meanwhile is stale", async () => {
  const root = house.root({ f: "unseen bytes" });
  const change = await house.change(root, "f", "new");
  expect(house.store.blobs.has(sha256("unseen bytes"))).toBe(false);
  const store = {
    ...house.store,
    blobs: {
      ...house.store.blobs,
      has: () => {
        fs.writeFileSync(root.at("f"), "edited");
        return false;
      },
    },
  } as Store;
  const request = {
    workspace: root.workspace,
    tree: openTree(root.path),
    kind: "apply" as const,
    transitions: [change],
  };
  await expect(promote(request, store)).rejects.toMatchObject({ kind: "Stale" });
  root.write({ f: "unseen bytes" });
  await promote(request, house.store);
  expect((await house.store.blobs.read(sha256("unseen bytes"))).toString()).toBe("unseen bytes");
});

test("a file that changes between the plan and the decision stops it, with nothing touched", async () => {
  const root = house.root({ a: "a", b: "b" });
  const changes = [await house.change(root, "a", "A"), await house.change(root, "b", "B")];
  const progress = (phase: string, done: number) => {
    if (phase !== "prepare") return;
    if (done === 1) fs.writeFileSync(root.at("a"), "edited");
  };
  const error = await house.apply(root, changes, { progress }).catch((caught) => caught);
  expect(error).toMatchObject({
    kind: "Stale",
    data: { files: [{ path: "a" }], operation: newest(root).id },
  });
  expect(root.snapshot()).toEqual({ a: "644 edited", b: "644 b" });
});

test("after-bytes that the store does not have are refused cleanly", async () => {
  const root = house.root({ a: "a" });
  const change = await house.change(root, "a", "A");
  const missing = { ...change, after: { ...change.after, hash: "0".repeat(64) } };
  expect(await outcome(root, [missing])).toBe("BlobNotFound");
  expect(root.snapshot()).toEqual({ a: "644 a" });
});

test("a root that is gone, and a defect of ours, are told apart", async () => {
  const root = house.root({ a: "a" });
  const change = await house.change(root, "a", "A");
  const defect = withPort(root, () => ({
    lstat: () => {
      throw new TypeError("ours");
    },
  }));
  expect(await outcome(root, [change], defect)).toBe("InternalError");
  fs.rmSync(root.path, { recursive: true });
  expect(await outcome(root, [change])).toBe("RootGone");
});

test("content larger than a piece comes through whole", async () => {
  const root = house.root();
  const text = "0123456789abcdef".repeat(160_000);
  expect(await outcome(root, [await house.change(root, "big", text)])).toBe("applied");
  expect(root.read("big")).toBe(text);
  expectClean(root);
});

test.runIf(process.getuid?.() === 0)("the owner of a replaced or renamed file stays", async () => {
  const root = house.root({ f: "old", r: "renamed" });
  fs.chownSync(root.at("f"), 12, 34);
  fs.chownSync(root.at("r"), 12, 34);
  const changes = [await house.change(root, "f", "new"), ...(await house.rename(root, "r", "s"))];
  expect(await outcome(root, changes)).toBe("applied");
  expect(fs.statSync(root.at("f"))).toMatchObject({ uid: 12, gid: 34 });
  expect(fs.statSync(root.at("s"))).toMatchObject({ uid: 12, gid: 34 });
});

test("a file that its mode keeps even from us is chmodded all the same", async () => {
  const root = house.root({ f: { text: "x", mode: 0o644 } });
  const change = await house.change(root, "f", { text: "x", mode: 0o000 });
  const port = (code: string) =>
    withPort(root, (real) => ({
      openFile: async (dir, name) => {
        if ((real.lstat(dir, name)?.mode ?? 0n) % 0o1000n === 0n) throw errno(code);
        return real.openFile(dir, name);
      },
    }));
  expect(await outcome(root, [change], port("EIO"))).toBe("IoFailed");
  expect(root.snapshot()).toEqual({ f: "644 x" });
  expect(await outcome(root, [change], port("EACCES"))).toBe("applied");
  expect(fs.statSync(root.at("f")).mode & 0o777).toBe(0);
});
