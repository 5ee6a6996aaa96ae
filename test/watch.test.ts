/** What a client is told of a watched root, asserted on the final state through `sync` and `since`. */

import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { listed, makePlace, type Opened, type Place, told, walk } from "./watch/fixture.ts";

let place: Place;
let opened: Opened;

beforeEach(() => {
  place = makePlace();
});

afterEach(async () => {
  await place.remove();
});

/** Opens, and gives the clock after the first crawl. */
async function begin(options?: { directBudget?: number }): Promise<string> {
  opened = place.open(options);
  return opened.sync();
}

const at = (file: string): string => path.join(place.root, file);

describe("one change", () => {
  test("creation, modification, mode, type and deletion are told by their names", async () => {
    for (const file of ["kept", "edited", "mode", "typed", "gone"]) place.write(file);
    const clock = await begin();
    place.write("made");
    place.write("edited", "other");
    chmodSync(at("mode"), 0o600);
    unlinkSync(at("typed"));
    symlinkSync("kept", at("typed"));
    unlinkSync(at("gone"));
    await opened.sync();
    expect(told((await opened.all(clock)).changes)).toEqual([
      "modified edited content",
      "deleted gone",
      "created made",
      "modified mode mode",
      "modified typed content type",
    ]);
  });

  test("an atomic save is one modification, and the temporary name never shows", async () => {
    place.write("src/file.ts", "old");
    const clock = await begin();
    const seen: string[] = [];
    const subscription = await opened.watch.subscribe({}, (batch) => void seen.push(...told(batch.changes)));
    subscription.start();
    place.write("src/.file.ts.tmp", "new");
    renameSync(at("src/.file.ts.tmp"), at("src/file.ts"));
    await opened.sync();
    expect(told((await opened.all(clock)).changes)).toEqual(["modified src/file.ts content"]);
    expect(seen.filter((line) => line.includes("tmp"))).toEqual([]);
  });

  test("a file that is deleted and made again is modified", async () => {
    place.write("a", "old");
    const clock = await begin();
    unlinkSync(at("a"));
    await opened.sync();
    place.write("a", "new");
    await opened.sync();
    expect(told((await opened.all(clock)).changes)).toEqual(["modified a content"]);
  });

  test("what came and went between two questions is nothing", async () => {
    const clock = await begin();
    place.write("passing");
    await opened.sync();
    unlinkSync(at("passing"));
    await opened.sync();
    expect((await opened.all(clock)).changes).toEqual([]);
  });

  test("touch alone is nothing where the bytes are known", async () => {
    const clock = await begin();
    place.write("a");
    const known = await opened.sync();
    expect(told((await opened.all(clock)).changes)).toEqual(["created a"]);
    utimesSync(at("a"), 1, 1);
    await opened.sync();
    expect((await opened.all(known)).changes).toEqual([]);
  });

  test("touch alone is nothing for a file that is read by other threads too", async () => {
    const clock = await begin();
    place.write("large", "x".repeat(200_000));
    const known = await opened.sync();
    expect(told((await opened.all(clock)).changes)).toEqual(["created large"]);
    utimesSync(at("large"), 1, 1);
    await opened.sync();
    expect((await opened.all(known)).changes).toEqual([]);
  });

  test("a change of content that keeps size and mtime is seen", async () => {
    place.write("a", "one");
    utimesSync(at("a"), 1000, 1000);
    const clock = await begin();
    place.write("a", "two");
    utimesSync(at("a"), 1000, 1000);
    await opened.sync();
    expect(told((await opened.all(clock)).changes)).toEqual(["modified a content"]);
  });

  test("a mode that is looked at again is no change of content", async () => {
    for (let n = 0; n < 20; n++) place.write(`f${n}`);
    await begin();
    for (let n = 0; n < 20; n++) {
      chmodSync(at(`f${n}`), 0o600);
      const clock = await opened.sync([`f${n}`]);
      expect((await opened.all(await opened.sync([`f${n}`]))).changes).toEqual([]);
      expect((await opened.all(clock)).changes).toEqual([]);
    }
  });

  test("a mode that changes while the file is read is no change of its content", async () => {
    const files = Array.from({ length: 50 }, (_, n) => `f${n}`);
    for (const file of files) place.write(file);
    // Nothing is watched directly: each proof looks at everything.
    await begin({ directBudget: 0 });
    for (let round = 0; round < 10; round++) {
      for (const file of files) place.write(file, `round ${round}`);
      // Now their bytes are known.
      const clock = await opened.sync(files);
      let proven = false;
      const proof = opened.sync().finally(() => (proven = true));
      for (let n = 0; !proven; n++) {
        chmodSync(at(files[n % 50] as string), n % 2 === 0 ? 0o600 : 0o644);
        await setImmediate();
      }
      await proof;
      const { changes } = await opened.all(clock);
      expect(changes.filter(({ changed }) => changed?.includes("content"))).toEqual([]);
    }
  });

  test("a file that becomes a directory is deleted, and back again created", async () => {
    place.write("x");
    const clock = await begin();
    unlinkSync(at("x"));
    place.write("x/inner");
    const between = await opened.sync();
    expect(told((await opened.all(clock)).changes)).toEqual(["deleted x", "created x/inner"]);
    rmSync(at("x"), { recursive: true });
    place.write("x");
    await opened.sync();
    expect(told((await opened.all(between)).changes)).toEqual(["created x", "deleted x/inner"]);
  });

  test("git's own files and temporary names are never told", async () => {
    place.git("init", "-q");
    place.write("a");
    const clock = await begin();
    place.git("add", ".");
    place.git("commit", "-qm", "x");
    place.write("sub/.git/config");
    place.write(".iopipe-0123456789abcdef-1.tmp");
    place.write("b");
    await opened.sync();
    expect(told((await opened.all(clock)).changes)).toEqual(["created b"]);
    expect([...listed((await opened.all()).changes).keys()].sort()).toEqual(["a", "b"]);
  });
});

describe("directories", () => {
  test("of a directory with many files, those that came and went while nobody watched are told", async () => {
    for (let n = 0; n < 300; n++) place.write(`many/${n}`);
    const clock = await begin();
    await opened.close();
    for (let n = 0; n < 300; n += 2) unlinkSync(at(`many/${n}`));
    for (let n = 300; n < 400; n++) place.write(`many/${n}`);
    opened = place.open();
    await opened.sync();
    const { changes } = await opened.all(clock);
    expect(changes.filter(({ kind }) => kind === "deleted")).toHaveLength(150);
    expect(changes.filter(({ kind }) => kind === "created")).toHaveLength(100);
    expect(changes).toHaveLength(250);
  });

  test("files in directories made quickly are all found", async () => {
    const clock = await begin();
    for (let n = 0; n < 200; n++) place.write(`d${n}/a/b/c/file`);
    await opened.sync();
    expect((await opened.all(clock)).changes).toHaveLength(200);
    for (let n = 0; n < 200; n++) place.write(`d${n}/a/b/c/later`);
    await opened.sync();
    expect(listed((await opened.all()).changes)).toEqual(walk(place.root));
  });

  test("a tree that is moved in, and edited below, is followed", async () => {
    mkdirSync(path.join(place.base, "tree/a/b"), { recursive: true });
    writeFileSync(path.join(place.base, "tree/a/b/file"), "x");
    const clock = await begin();
    renameSync(path.join(place.base, "tree"), at("tree"));
    await opened.sync();
    place.write("tree/a/b/file", "edited");
    place.write("tree/a/b/new");
    await opened.sync();
    expect(told((await opened.all(clock)).changes)).toEqual([
      "created tree/a/b/file",
      "created tree/a/b/new",
    ]);
    expect(listed((await opened.all()).changes)).toEqual(walk(place.root));
  });

  test("after a rename, edits below are told under the new name", async () => {
    place.write("old/a/b/file", "x");
    const clock = await begin();
    renameSync(at("old"), at("new"));
    const moved = await opened.sync();
    place.write("new/a/b/file", "edited");
    await opened.sync();
    expect(told((await opened.all(clock)).changes)).toEqual(["created new/a/b/file", "deleted old/a/b/file"]);
    expect(told((await opened.all(moved)).changes)).toEqual(["modified new/a/b/file content"]);
  });

  test("two directories that swap their names swap their files", async () => {
    place.write("a/x/one", "1");
    place.write("b/x/two", "2");
    await begin();
    renameSync(at("a"), at("t"));
    renameSync(at("b"), at("a"));
    renameSync(at("t"), at("b"));
    await opened.sync();
    place.write("a/x/two", "edited");
    place.write("b/x/one", "edited");
    await opened.sync();
    expect(listed((await opened.all()).changes)).toEqual(walk(place.root));
  });

  test("a directory that is removed and made anew is followed, whatever its inode", async () => {
    place.write("d/e/file");
    await begin();
    for (let n = 0; n < 20; n++) {
      rmSync(at("d"), { recursive: true });
      place.write("d/e/file", `${n}`);
      await opened.sync();
      place.write("d/e/file", `${n} edited`);
      await opened.sync();
      expect(listed((await opened.all()).changes)).toEqual(walk(place.root));
    }
  });

  test("a directory replaced by a link is left alone below", async () => {
    place.write("d/file");
    mkdirSync(path.join(place.base, "outside"));
    writeFileSync(path.join(place.base, "outside/secret"), "x");
    const clock = await begin();
    rmSync(at("d"), { recursive: true });
    symlinkSync(path.join(place.base, "outside"), at("d"));
    await opened.sync();
    writeFileSync(path.join(place.base, "outside/secret"), "y");
    await opened.sync(["d/secret"]);
    expect(told((await opened.all(clock)).changes)).toEqual(["created d", "deleted d/file"]);
  });

  test("an unreadable directory is a warning, and is read once it can be", async () => {
    place.write("closed/file");
    chmodSync(at("closed"), 0o000);
    opened = place.open();
    await opened.sync();
    const unreadable = process.getuid?.() !== 0;
    expect(opened.watch.warnings.length).toBe(unreadable ? 1 : 0);
    chmodSync(at("closed"), 0o755);
    await opened.sync();
    expect(listed((await opened.all()).changes)).toEqual(walk(place.root));
  });
});

describe("sync", () => {
  test("a named path is looked at", async () => {
    place.write("a");
    const clock = await begin();
    place.write("a", "b");
    await opened.sync(["a", "absent", "also/absent"]);
    expect(told((await opened.all(clock)).changes)).toEqual(["modified a content"]);
  });

  test("everything before the call is told, beyond the budget of direct watches too", async () => {
    for (let n = 0; n < 30; n++) place.write(`d${n}/file`);
    const clock = await begin({ directBudget: 5 });
    for (let n = 0; n < 30; n++) place.write(`d${n}/file`, "edited");
    place.write("new/a/b/c", "x");
    await opened.sync();
    expect((await opened.all(clock)).changes).toHaveLength(31);
    expect(opened.watch.status()).toMatchObject({ direct: 5 });
  });

  test("no path leads out of the root", async () => {
    writeFileSync(path.join(place.base, "outside"), "x");
    place.git("init", "-q");
    place.write(".gitignore", "*\n");
    await begin();
    for (const one of ["../outside", "/etc/passwd", "a/../../outside"]) {
      await expect(opened.watch.sync([one], 1000)).rejects.toMatchObject({ kind: "PathEscape" });
      expect((await opened.all(undefined, [one, `${path.dirname(one)}/*`])).changes).toEqual([]);
    }
  });

  test("a time limit and a cancellation end it", async () => {
    opened = place.open();
    await expect(opened.watch.sync([], 0)).rejects.toMatchObject({ kind: "SyncTimeout" });
    const controller = new AbortController();
    controller.abort();
    await expect(opened.watch.sync([], 1000, controller.signal)).rejects.toMatchObject({ kind: "Cancelled" });
    await opened.sync();
  });
});

describe("a subscription from now", () => {
  /** Files of before, older than a tick of the kernel's clock. */
  async function grown(...files: string[]): Promise<void> {
    for (const file of files) place.write(file);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }

  test("made before the first crawl, it is told what changed since the call, and not of what was there", async () => {
    mkdirSync(path.join(place.base, "tree/sub"), { recursive: true });
    writeFileSync(path.join(place.base, "tree/sub/moved"), "x");
    await grown("a", "b/c", "b/d");
    opened = place.open();
    const seen: string[] = [];
    const subscribing = opened.watch.subscribe({}, ({ changes }) => void seen.push(...told(changes)));
    expect(opened.watch.state).toBe("crawling");
    place.write("z/late");
    renameSync(path.join(place.base, "tree"), at("z/tree"));
    const { start, clock } = await subscribing;
    start();
    await opened.sync();
    const since = told((await opened.all(clock)).changes);
    expect(since).toEqual(expect.arrayContaining(["created z/late", "created z/tree/sub/moved"]));
    await expect.poll(() => seen).toEqual(expect.arrayContaining(since));
  });

  test("where nothing changed meanwhile, it begins after the crawl", async () => {
    await grown("a", "b/c");
    opened = place.open();
    const subscription = await opened.watch.subscribe({}, () => {});
    expect(subscription.clock).toBe(opened.watch.clock());
    expect((await opened.all(subscription.clock)).changes).toEqual([]);
  });

  test("what went while a known root is crawled again is told", async () => {
    await grown("a", "b/c");
    await begin();
    await opened.close();
    opened = place.open();
    const subscribing = opened.watch.subscribe({}, () => {});
    unlinkSync(at("b/c"));
    const { clock } = await subscribing;
    await opened.sync();
    expect(told((await opened.all(clock)).changes)).toEqual(["deleted b/c"]);
  });
});

describe("own writes", () => {
  test("they carry their operation, and their echo is nothing", async () => {
    place.write("a", "old");
    place.write("b", "old");
    const clock = await begin();
    place.write("a", "new");
    opened.watch.published("a", "o1", lstatSync(at("a"), { bigint: true }));
    unlinkSync(at("b"));
    opened.watch.published("b", "o1", undefined);
    await opened.sync();
    const { changes } = await opened.all(clock);
    expect(changes).toMatchObject([
      { path: "a", kind: "modified", origin: "iopipe", operation: "o1" },
      { path: "b", kind: "deleted", origin: "iopipe", operation: "o1" },
    ]);
  });

  test("a later edit by somebody else is external", async () => {
    place.write("a", "old");
    const clock = await begin();
    place.write("a", "new");
    opened.watch.published("a", "o1", lstatSync(at("a"), { bigint: true }));
    place.write("a", "theirs");
    await opened.sync();
    const { changes } = await opened.all(clock);
    expect(changes).toMatchObject([{ path: "a", kind: "modified", origin: "external" }]);
    expect(changes[0]?.operation).toBeUndefined();
  });

  test("a new file in a new directory is told once, with its operation", async () => {
    const clock = await begin();
    place.write("new/dir/file");
    opened.watch.published("new/dir/file", "o2", lstatSync(at("new/dir/file"), { bigint: true }));
    await opened.sync();
    expect((await opened.all(clock)).changes).toMatchObject([
      { path: "new/dir/file", kind: "created", operation: "o2" },
    ]);
  });

  test("a hard link elsewhere changes nothing that is told", async () => {
    place.write("a", "old");
    await begin();
    place.write("a", "new");
    const clock = await opened.sync();
    linkSync(at("a"), path.join(place.base, "link"));
    await opened.sync();
    expect((await opened.all(clock)).changes).toEqual([]);
  });
});
