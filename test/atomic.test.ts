/** `iopipe/atomic`: the durable write of one file by path, whatever goes wrong. */
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DiskError, writeFileAtomic, writeFileAtomicSync } from "../client/atomic.ts";
import { syncDirectory, writeAtomic } from "../daemon/disk/atomic.ts";
import { type AtomicCalls, asyncAtomicCalls, syncAtomicCalls } from "../daemon/disk/atomic-calls.ts";
import { runAsync, runSync } from "../daemon/disk/durable.ts";
import { errno } from "./promotion/ports.ts";

let home: string;
beforeEach(() => {
  home = fs.mkdtempSync(join(tmpdir(), "iopipe-atomic-"));
});
afterEach(() => fs.rmSync(home, { recursive: true, force: true }));

const at = (name: string): string => join(home, name);
const modeOf = (name: string): number => fs.statSync(at(name)).mode & 0o7777;
const debris = (): string[] => fs.readdirSync(home).filter((name) => name.startsWith(".iopipe-"));

const WRITERS = {
  async: writeFileAtomic,
  sync: async (...args: Parameters<typeof writeFileAtomicSync>) => writeFileAtomicSync(...args),
};

describe.each(Object.keys(WRITERS) as (keyof typeof WRITERS)[])("%s", (name) => {
  const write = WRITERS[name];

  test("writes strings in any encoding and bytes, and keeps the mode of what was there", async () => {
    await write(at("new"), "text\r\n");
    expect(fs.readFileSync(at("new"), "utf8")).toBe("text\r\n");
    expect(modeOf("new")).toBe(0o666 & ~process.umask());
    fs.chmodSync(at("new"), 0o4751);
    await write(at("new"), Buffer.from([0, 255]));
    expect(fs.readFileSync(at("new"))).toEqual(Buffer.from([0, 255]));
    expect(modeOf("new")).toBe(0o4751);
    await write(at("new"), "é", { mode: 0o600, encoding: "latin1" });
    expect(fs.readFileSync(at("new"))).toEqual(Buffer.from([0xe9]));
    expect(modeOf("new")).toBe(0o600);
    await write(at("new"), "6869", "hex");
    expect(fs.readFileSync(at("new"), "utf8")).toBe("hi");
    expect(debris()).toEqual([]);
  });

  test.runIf(process.getuid?.() === 0)("keeps the owner, or gives the one asked for", async () => {
    fs.writeFileSync(at("f"), "");
    fs.chownSync(at("f"), 12, 34);
    await write(at("f"), "x");
    expect(fs.statSync(at("f"))).toMatchObject({ uid: 12, gid: 34 });
    await write(at("f"), "x", { chown: { uid: 1, gid: 2 }, mode: 0o6755 });
    expect(fs.statSync(at("f"))).toMatchObject({ uid: 1, gid: 2 });
    expect(modeOf("f")).toBe(0o6755);
  });

  test("follows a symlink to its file, also one that is not there yet", async () => {
    fs.mkdirSync(at("d"));
    fs.writeFileSync(at("d/real"), "old");
    fs.symlinkSync("d/real", at("link"));
    fs.symlinkSync(at("link"), at("second"));
    fs.symlinkSync("d/fresh", at("dangling"));
    await write(at("second"), "new");
    await write(at("dangling"), "made");
    expect(fs.readFileSync(at("d/real"), "utf8")).toBe("new");
    expect(fs.readFileSync(at("d/fresh"), "utf8")).toBe("made");
    expect(fs.lstatSync(at("link")).isSymbolicLink()).toBe(true);
    expect(fs.readdirSync(at("d")).sort()).toEqual(["fresh", "real"]);
  });

  test("refuses what is no file, and links that lead nowhere", async () => {
    fs.mkdirSync(at("d"));
    fs.symlinkSync("loop", at("loop"));
    await expect(write(at("d"), "x")).rejects.toBeInstanceOf(DiskError);
    await expect(write(at("loop"), "x")).rejects.toThrow("links");
    const message = expect.stringContaining(`open '${at("none/x")}'`);
    await expect(write(at("none/x"), "x")).rejects.toMatchObject({
      ...{ code: "ENOENT", path: at("none/x"), message },
    });
  });

  test("makes the directories that are missing where that is asked for, but none behind a link", async () => {
    await write(at("a/b/c/f"), "deep", { parents: true });
    expect(fs.readFileSync(at("a/b/c/f"), "utf8")).toBe("deep");
    expect(modeOf("a/b")).toBe(0o777 & ~process.umask());
    await write(at("a/b/c/f"), "again", { parents: true });
    expect(fs.readFileSync(at("a/b/c/f"), "utf8")).toBe("again");

    fs.symlinkSync("out/none/x", at("leads"));
    fs.symlinkSync("out", at("dangling"));
    fs.writeFileSync(at("file"), "");
    for (const [path, code] of [
      ["leads", "ENOENT"],
      ["dangling/x", "ENOENT"],
      ["dangling/y/x", "ENOENT"],
      ["file/y/x", "ENOTDIR"],
      [`new/${"n".repeat(256)}/x`, "ENAMETOOLONG"],
    ] as const) {
      const failed = expect(write(at(path), "x", { parents: true }), path).rejects;
      await failed.toMatchObject({ code, path: at(path), message: expect.not.stringContaining(".iopipe-") });
    }
    expect(fs.readdirSync(home).sort()).toEqual(["a", "dangling", "file", "leads"]);
  });
});

test("any view gives all of its bytes and no more; what is neither text nor bytes is refused", async () => {
  const { buffer } = Uint8Array.from([0, 1, 2, 3, 4, 5]);
  const views = [new Uint16Array(buffer, 2, 1), new DataView(buffer, 2, 2)] as unknown as Uint8Array[];
  for (const view of views) {
    await writeFileAtomic(at("v"), view);
    writeFileAtomicSync(at("w"), view);
    expect([...fs.readFileSync(at("v")), ...fs.readFileSync(at("w"))]).toEqual([2, 3, 2, 3]);
  }
  const numbers = writeFileAtomic(at("v"), [1, 2] as unknown as Uint8Array);
  await expect(numbers).rejects.toThrow("neither text nor bytes");
  expect([...fs.readFileSync(at("v"))]).toEqual([2, 3]);
});

test("a stream is read to its end", async () => {
  await writeFileAtomic(at("s"), Readable.from(["a", Buffer.from("b"), "é"]), "utf8");
  expect(fs.readFileSync(at("s"), "utf8")).toBe("abé");
});

test("a stream that fails leaves the old bytes and no file of ours", async () => {
  fs.writeFileSync(at("s"), "old");
  async function* broken() {
    yield "half";
    throw new Error("broken");
  }
  await expect(writeFileAtomic(at("s"), broken())).rejects.toThrow("broken");
  expect(fs.readFileSync(at("s"), "utf8")).toBe("old");
  expect(debris()).toEqual([]);
});

test("a stream is ended when the write fails", async () => {
  let ended = false;
  async function* endless() {
    try {
      for (;;) yield "more";
    } finally {
      ended = true;
    }
  }
  let writes = 0;
  const write: AtomicCalls["write"] = (file, bytes) => {
    if (++writes > 3) throw errno("ENOSPC", "write");
    return asyncAtomicCalls.write(file, bytes);
  };
  const source = endless() as AsyncGenerator<never>;
  const bytes = {
    next: () => source.next().then(({ done }) => ({ done, value: Buffer.from("x") })),
    return: source.return.bind(source),
  };
  await expect(
    runAsync(writeAtomic({ ...asyncAtomicCalls, write }, at("s"), bytes as never, {})),
  ).rejects.toMatchObject({ code: "ENOSPC" });
  expect(ended).toBe(true);
  expect(debris()).toEqual([]);
});

test("short writes are continued", () => {
  const write: AtomicCalls["write"] = (file, bytes) => syncAtomicCalls.write(file, bytes.subarray(0, 7));
  const bytes = Buffer.alloc(1000, "abc");
  runSync(writeAtomic({ ...syncAtomicCalls, write }, at("f"), [bytes].values(), {}));
  expect(fs.readFileSync(at("f")).equals(bytes)).toBe(true);
});

test("each directory that is made is durable before the next, and the file's last of all", () => {
  const done: string[] = [];
  const opened = new Map<number, string>();
  const open: AtomicCalls["open"] = (path, flags, mode) => {
    const file = syncAtomicCalls.open(path, flags, mode) as number;
    opened.set(file, path.includes(".iopipe-") ? "file" : path.slice(home.length));
    return file;
  };
  const sync: AtomicCalls["sync"] = (file) => void done.push(`sync ${opened.get(file)}`);
  const mkdir: AtomicCalls["mkdir"] = (path) => {
    done.push(`make ${path.slice(home.length)}`);
    return syncAtomicCalls.mkdir(path);
  };
  const calls = { ...syncAtomicCalls, open, sync, mkdir };
  runSync(writeAtomic(calls, at("a/b/f"), [].values(), { parents: true }));
  expect(done).toEqual(["make /a", "sync ", "make /a/b", "sync /a", "sync file", "sync /a/b"]);
});

test("a directory that somebody else makes in between is as good and stays; what else takes its place is in the way", () => {
  const racing = (make: (path: string) => void) => {
    const mkdir: AtomicCalls["mkdir"] = (path) => {
      make(path);
      return syncAtomicCalls.mkdir(path);
    };
    return () =>
      runSync(writeAtomic({ ...syncAtomicCalls, mkdir }, at("d/f"), [].values(), { parents: true }));
  };
  racing((path) => fs.mkdirSync(path))();
  expect(fs.readdirSync(at("d"))).toEqual(["f"]);
  fs.rmSync(at("d"), { recursive: true });
  fs.mkdirSync(at("elsewhere"));
  expect(racing((path) => fs.symlinkSync("elsewhere", path))).toThrow(`mkdir '${at("d/f")}'`);
  expect(fs.readdirSync(at("elsewhere"))).toEqual([]);
});

test("a source's own error keeps its path", async () => {
  const source = async function* () {
    yield "some";
    await fs.promises.readFile(at("none"));
  };
  await expect(writeFileAtomic(at("new/f"), source(), { parents: true })).rejects.toMatchObject({
    ...{ code: "ENOENT", path: at("none") },
  });
  expect(fs.readdirSync(home)).toEqual([]);
});

const LYING: Record<string, AtomicCalls["write"]> = {
  "writes nothing and says so": () => 0,
  "writes less than it says": (file, bytes) => {
    void syncAtomicCalls.write(file, bytes.subarray(1));
    return bytes.length;
  },
};
test.each(Object.keys(LYING))("a disk that %s does not truncate the target", (name) => {
  fs.writeFileSync(at("f"), "old");
  const calls = { ...syncAtomicCalls, write: LYING[name] as AtomicCalls["write"] };
  const attempt = () => runSync(writeAtomic(calls, at("f"), [Buffer.from("new")].values(), {}));
  expect(attempt).toThrow("ENOSPC");
  expect(fs.readFileSync(at("f"), "utf8")).toBe("old");
  expect(debris()).toEqual([]);
});

const CALLS = [
  "open",
  "write",
  "stat",
  "chown",
  "chmod",
  "sync",
  "close",
  "rename",
  "unlink",
  "lstat",
] as const;
describe.each([asyncAtomicCalls, syncAtomicCalls])("calls %#", (calls) => {
  test.each(CALLS)("a failing %s leaves all old or all new, and nothing else", async (name) => {
    for (const code of ["EIO", "ENOSPC"])
      for (const nth of [1, 2]) {
        fs.writeFileSync(at("f"), "old");
        let made = 0;
        const failing = (...args: unknown[]) => {
          if (++made === nth) throw errno(code, name);
          return (calls[name] as (...rest: unknown[]) => unknown)(...args);
        };
        const options = { chown: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 } };
        const steps = writeAtomic(
          { ...calls, [name]: failing } as AtomicCalls,
          at("f"),
          [Buffer.from("new")].values(),
          options,
        );
        const failed = await runAsync(steps).then(
          () => false,
          () => true,
        );
        const text = fs.readFileSync(at("f"), "utf8");
        expect(["old", "new"]).toContain(text);
        if (!failed) expect(text).toBe("new");
        expect(debris(), `${name} ${nth}`).toEqual([]);
      }
  });
});

describe.each([asyncAtomicCalls, syncAtomicCalls])("calls on missing directories %#", (calls) => {
  test.each([...CALLS, "mkdir", "rmdir"] as const)(
    "a failing %s leaves the file, or no directory",
    async (name) => {
      for (const nth of [1, 2, 3]) {
        let made = 0;
        const failing = (...args: unknown[]) => {
          if (++made === nth) throw errno("EIO", name);
          return (calls[name] as (...rest: unknown[]) => unknown)(...args);
        };
        const steps = writeAtomic(
          { ...calls, [name]: failing } as AtomicCalls,
          at("a/b/f"),
          [Buffer.from("new")].values(),
          { parents: true },
        );
        await runAsync(steps).catch(() => {});
        if (fs.existsSync(at("a")))
          expect(fs.readFileSync(at("a/b/f"), "utf8"), `${name} ${nth}`).toBe("new");
        fs.rmSync(at("a"), { recursive: true, force: true });
      }
    },
  );
});

test("a link planted at any name of ours is never followed", async () => {
  fs.writeFileSync(at("victim"), "safe");
  const open: AtomicCalls["open"] = (path, flags, mode) => {
    if (path.includes(".iopipe-")) fs.symlinkSync(at("victim"), path);
    return syncAtomicCalls.open(path, flags, mode);
  };
  expect(() =>
    runSync(writeAtomic({ ...syncAtomicCalls, open }, at("f"), [Buffer.from("x")].values(), {})),
  ).toThrow("EEXIST");
  expect(fs.readFileSync(at("victim"), "utf8")).toBe("safe");
});

test("a directory is synced by path, and its absence is an error", async () => {
  await syncDirectory(home);
  await expect(syncDirectory(at("none"))).rejects.toMatchObject({ code: "ENOENT" });
  const lstat = () => Promise.reject(errno("EIO", "lstat"));
  await expect(
    runAsync(writeAtomic({ ...asyncAtomicCalls, lstat }, at("f"), [].values(), {})),
  ).rejects.toMatchObject({ code: "EIO" });
  await expect(writeFileAtomic(`${home}\0/x`, "")).rejects.toThrow();
});
