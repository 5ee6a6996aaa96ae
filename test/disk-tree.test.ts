/** A tree as it is seen without following a link: images, stable reads, and what is refused. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  aspectsOf,
  DiskError,
  faultKind,
  isErrno,
  named,
  openTree,
  sameAspects,
} from "../daemon/disk/index.ts";
import { portOf } from "../daemon/disk/platform.ts";
import { portablePort } from "../daemon/disk/port.darwin.ts";
import { readStable } from "../daemon/disk/read.ts";
import { type House, openHouse, sha256 } from "./promotion/house.ts";
import { errno, portWith } from "./promotion/ports.ts";

let house: House;
beforeAll(() => {
  house = openHouse();
});
afterAll(() => house.close());

const refusal = (work: Promise<unknown>) =>
  work.then(
    () => "none",
    (error) => faultKind(error),
  );

test("images tell type, bytes, mode and target, and absence is an image", async () => {
  const root = house.root({ "d/run": { text: "x\n", mode: 0o4755 }, link: "-> nowhere" });
  const tree = openTree(root.path);
  expect(await tree.image("d/run")).toMatchObject({
    ...{ exists: true, type: "file", hash: sha256("x\n"), size: 2, mode: 0o4755 },
  });
  expect(await tree.lstat("d/run")).not.toHaveProperty("hash");
  expect(await tree.image("link")).toMatchObject({ exists: true, type: "symlink", target: "nowhere" });
  expect(await tree.image("link")).not.toHaveProperty("mode");
  for (const path of ["none", "none/below", "d/run/below"]) {
    expect(await tree.image(path)).toEqual({ exists: false });
    expect(await tree.lstat(path)).toEqual({ exists: false });
    expect(await tree.entry(path)).toBe("absent");
    expect(await tree.links(path)).toBe(0);
    expect(await tree.list(path)).toEqual([]);
  }
  expect(await tree.readlink("link")).toBe("nowhere");
  expect(await refusal(tree.readlink("d/run"))).toBe("NotAFile");
  expect(await refusal(tree.read("none"))).toBe("NotAFile");
  expect(await refusal(tree.read("link"))).toBe("NotAFile");
  expect(await refusal(tree.read("none/below"))).toBe("NotAFile");
});

test("bytes come whole, however many pieces they are read in", async () => {
  const root = house.root({ empty: "" });
  const bytes = Buffer.alloc(700_001, "abc\0\xff", "latin1");
  fs.writeFileSync(root.at("big"), bytes);
  const { image, bytes: read } = await openTree(root.path).read("big");
  expect(read.equals(bytes)).toBe(true);
  expect(image.size).toBe(700_001);
  expect((await openTree(root.path).read("empty")).bytes.length).toBe(0);
});

test("directories are listed without our temporary files; names that are not UTF-8 are left out", async () => {
  const root = house.root({ "d/file": "", "d/.iopipe-x": "", "d/sub/x": "", "d/link": "-> file", top: "" });
  fs.writeFileSync(Buffer.concat([Buffer.from(`${root.at("d")}/`), Buffer.from([0xff])]), "");
  execFileSync("mkfifo", [root.at("d/pipe")]);
  const tree = openTree(root.path);
  expect((await tree.list("d")).sort((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
    { name: "file", type: "file" },
    { name: "link", type: "symlink" },
    { name: "pipe", type: "other" },
    { name: "sub", type: "directory" },
  ]);
  expect((await tree.list("")).map(({ name }) => name).sort()).toEqual(["d", "top"]);
  expect(await tree.entry("d")).toBe("directory");
  fs.linkSync(root.at("top"), root.at("second"));
  expect(await tree.links("top")).toBe(2);
});

test("what is no file is refused without being opened", async () => {
  const root = house.root({ "d/x": "" });
  execFileSync("mkfifo", [root.at("pipe")]);
  const server = createServer().listen(root.at("socket"));
  await new Promise((done) => server.once("listening", done));
  const tree = openTree(root.path);
  for (const path of ["pipe", "socket", "d"]) {
    expect(await refusal(tree.image(path)), path).toBe("NotAFile");
    expect(await refusal(tree.lstat(path)), path).toBe("NotAFile");
    expect(await refusal(tree.read(path)), path).toBe("NotAFile");
  }
  expect(await tree.entry("socket")).toBe("other");
  await new Promise((done) => server.close(done));
});

test("no path leads through a symlink, not even one that stays inside", async () => {
  const root = house.root({ "d/x": "secret", in: "-> d", out: "-> /etc" });
  const tree = openTree(root.path);
  for (const path of ["in/x", "out/passwd", "in/x/y"]) {
    expect(await refusal(tree.image(path)), path).toBe("PathEscape");
    expect(await refusal(tree.entry(path)), path).toBe("PathEscape");
  }
  expect(await refusal(tree.list("in"))).toBe("PathEscape");
});

test("a symlink whose target is not UTF-8 is not ours to keep", async () => {
  const root = house.root();
  fs.symlinkSync(Buffer.from([0xff]), root.at("odd"));
  expect(await refusal(openTree(root.path).image("odd"))).toBe("NotAFile");
});

test("guarded directories are closed, and a root inside one has nothing open", async () => {
  const root = house.root({ "state/db": "", "stateful/x": "", "x/y": "" });
  const tree = openTree(root.path, [root.at("state"), "/somewhere/else"]);
  expect(await refusal(tree.image("state/db"))).toBe("PathProtected");
  expect(await refusal(tree.image("state"))).toBe("PathProtected");
  expect(await tree.entry("stateful/x")).toBe("file");
  expect(await refusal(openTree(root.at("x"), [root.path]).image("y"))).toBe("PathProtected");
});

test("a path that is too long with its root is refused", async () => {
  const root = house.root();
  const long = Array(17).fill("n".repeat(240)).join("/").slice(0, 4090);
  expect(await refusal(openTree(root.path).image(long))).toBe("NameTooLong");
});

test("a root that is gone, or never was a directory, says so", async () => {
  const root = house.root({ file: "" });
  expect(await refusal(openTree(root.at("none")).image("x"))).toBe("RootGone");
  expect(await refusal(openTree(root.at("file")).list(""))).toBe("RootGone");
  const port = portWith(() => ({
    openRoot: () => {
      throw errno("EACCES");
    },
  }));
  expect(await refusal(openTree(root.path, [], port).image("x"))).toBe("AccessDenied");
});

test("a file that keeps changing is Busy; one that changes once is read again", async () => {
  const root = house.root({ f: "0" });
  let edits = 1;
  const port = portWith((real) => ({
    read: async (file, into) => {
      if (edits-- > 0) fs.appendFileSync(root.at("f"), "x");
      return real.read(file, into);
    },
  }));
  const { bytes, image } = await openTree(root.path, [], port).read("f");
  expect(bytes.toString()).toBe("0x");
  expect(image.hash).toBe(sha256("0x"));
  edits = 100;
  fs.appendFileSync(root.at("f"), "y");
  expect(await refusal(openTree(root.path, [], port).image("f"))).toBe("Busy");
});

test("an edit that leaves the size is seen as well", async () => {
  const root = house.root({ f: "old" });
  let edits = 1;
  const port = portWith((real) => ({
    read: async (file, into) => {
      const count = await real.read(file, into);
      if (edits-- > 0) fs.writeFileSync(root.at("f"), "new");
      return count;
    },
  }));
  expect((await openTree(root.path, [], port).read("f")).bytes.toString()).toBe("new");
});

test("a file that shrinks while it is read is read again", async () => {
  const root = house.root({ f: "long enough" });
  let edits = 1;
  const port = portWith((real) => ({
    read: async (file, into) => {
      if (edits-- > 0) fs.truncateSync(root.at("f"));
      return real.read(file, into);
    },
  }));
  expect((await openTree(root.path, [], port).read("f")).bytes.toString()).toBe("");
});

test("a file that is replaced, or goes, between the look and the open is looked at again", async () => {
  const root = house.root({ f: "old", other: "new" });
  let turns = 0;
  const swapping = (swap: () => void) =>
    portWith((real) => ({
      openFile: (dir, name) => {
        if (turns++ === 0) swap();
        return real.openFile(dir, name);
      },
    }));
  const replaced = swapping(() => fs.renameSync(root.at("other"), root.at("f")));
  expect((await openTree(root.path, [], replaced).read("f")).bytes.toString()).toBe("new");
  turns = 0;
  const gone = swapping(() => fs.unlinkSync(root.at("f")));
  expect(await openTree(root.path, [], gone).image("f")).toEqual({ exists: false });
  root.write({ f: "again" });
  turns = 0;
  expect(
    await refusal(
      openTree(
        root.path,
        [],
        swapping(() => fs.unlinkSync(root.at("f"))),
      ).read("f"),
    ),
  ).toBe("NotAFile");
});

test("errors of the system carry the tree's path, not a descriptor's", async () => {
  const root = house.root({ "d/f": "" });
  const failing = (code: string) =>
    portWith(() => ({
      openFile: async () => {
        throw errno(code, "open");
      },
    }));
  const error = await openTree(root.path, [], failing("EIO"))
    .image("d/f")
    .catch((caught) => caught);
  expect(error).toMatchObject({ code: "EIO", path: "d/f", message: "EIO: injected, open 'd/f'" });
  const openDirectory = () => {
    throw errno("EACCES");
  };
  const closed = openTree(
    root.path,
    [],
    portWith(() => ({ openDirectory })),
  );
  expect(await refusal(closed.image("d/f"))).toBe("AccessDenied");
});

test("only what is busy is tried again, six times", async () => {
  const root = house.root({ f: "" });
  for (const [code, expected] of [
    ["EMFILE", 6],
    ["EIO", 1],
  ] as const) {
    let tries = 0;
    const port = portWith(() => ({
      openRoot: () => {
        tries++;
        throw errno(code);
      },
    }));
    await refusal(openTree(root.path, [], port).image("f"));
    expect(tries, code).toBe(expected);
  }
});

test("errno errors have the wire's kinds", () => {
  const kinds = [
    "ENOSPC",
    "EDQUOT",
    "Unknown system error -122",
    "EACCES",
    "EPERM",
    "EROFS",
    "ENAMETOOLONG",
    "EBUSY",
    "EIO",
  ];
  expect(kinds.map((code) => faultKind(errno(code)))).toEqual([
    ...[
      "DiskFull",
      "DiskFull",
      "DiskFull",
      "AccessDenied",
      "AccessDenied",
      "ReadOnly",
      "NameTooLong",
      "Busy",
      "IoFailed",
    ],
  ]);
  expect(faultKind(new DiskError("RootGone", "x", "m"))).toBe("RootGone");
  expect(faultKind(new Error("ours"))).toBeUndefined();
  expect(isErrno("text")).toBe(false);
  expect(isErrno(Object.assign(new Error("half"), { syscall: "x" }))).toBe(false);
  const ours = new Error("ours");
  expect(named(ours, "x")).toBe(ours);
});

test("images are compared in the aspects that a change has", () => {
  const file = { exists: true, type: "file", hash: "1", mode: 0o644 } as const;
  const link = { exists: true, type: "symlink", target: "t" } as const;
  const absent = { exists: false };
  expect(aspectsOf(absent, file)).toEqual(["existence", "type", "content"]);
  expect(aspectsOf(file, absent)).toEqual(["existence", "type", "content"]);
  expect(aspectsOf(file, { ...file, hash: "2" })).toEqual(["existence", "type", "content"]);
  expect(aspectsOf(file, { ...file, mode: 0o755 })).toEqual(["existence", "type", "mode"]);
  expect(aspectsOf(file, { ...file, mode: undefined })).toEqual(["existence", "type"]);
  expect(aspectsOf(file, link)).toEqual(["existence", "type", "content"]);
  expect(sameAspects(file, { ...file, mode: 0 }, ["existence", "type", "content"])).toBe(true);
  expect(sameAspects(file, { ...file, mode: 0 }, ["mode"])).toBe(false);
  expect(sameAspects(link, { ...link, target: "u" }, ["content"])).toBe(false);
});

test("each platform has its port", () => {
  expect(portOf("darwin")).toBe(portablePort);
  expect(portOf("linux")).not.toBe(portablePort);
});

test("a mode is changed only on the inode that was seen", () => {
  const root = house.root({ f: "" });
  const port = portOf("linux");
  const dir = port.openRoot(root.path);
  const ino = port.lstat(dir, "f")?.ino as bigint;
  expect(port.setMode(dir, "f", ino + 1n, 0o600)).toBe(false);
  expect(port.setMode(dir, "f", ino, 0o000)).toBe(true);
  expect(port.setMode(dir, "f", ino, 0o640)).toBe(true);
  expect(fs.statSync(root.at("f")).mode & 0o777).toBe(0o640);
  port.closeDirectory(dir);
});

test("a read of nothing finds nothing", async () => {
  const root = house.root();
  const port = portOf("linux");
  const dir = port.openRoot(root.path);
  expect(await readStable(port, { dir, name: "none", path: "none" })).toBeUndefined();
  port.closeDirectory(dir);
  expect(fs.existsSync(join(root.path, "none"))).toBe(false);
});
