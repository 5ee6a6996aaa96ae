/**
 * Ways in which a file is saved, by editors, by git, by others and by us: one change each, under its right name, to a
 * subscription too. Source: chokidar's `atomic`; parcel-bundler/watcher#117.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  chmodSync,
  linkSync,
  lstatSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
} from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { FileChange } from "../../../client/index.ts";
import { openScene, type Scene, sharedStage } from "../scene.ts";
import { since, sync, track } from "./tracked.ts";

const stage = sharedStage();
const open = (files: Record<string, string>) => openScene({ on: stage(), files });

interface Heard {
  /** What was told up to the creation of `last`, which this makes. */
  until(last: string): Promise<FileChange[]>;
}

/** A subscription from now on. */
async function listen(scene: Scene): Promise<Heard> {
  const client = await scene.raw("proposer");
  const { result } = await client.request("watch/subscribe", { workspace: scene.workspace });
  return {
    async until(last) {
      await sync(scene);
      scene.write(last, "the last\n");
      const heard: FileChange[] = [];
      while (!heard.some(({ path: file }) => file === last)) {
        const { params } = await client.next();
        expect(params).toMatchObject({ subscription: result.subscription, fresh: false });
        heard.push(...params.changes);
      }
      return heard.filter(({ path: file }) => file !== last);
    },
  };
}

const lines = (changes: readonly FileChange[]): string[] =>
  changes.map(({ kind, path: file, changed = [] }) => [kind, file, ...changed].join(" "));

const SAVES: Readonly<Record<string, (scene: Scene, file: string, text: string) => void>> = {
  "in place": (scene, file, text) => scene.write(file, text),
  "in two writes": (scene, file, text) => {
    scene.write(file, "");
    appendFileSync(scene.at(file), text);
  },
  "by a temporary file and a rename": (scene, file, text) => {
    scene.write(`${file}.tmp.4913`, text);
    renameSync(scene.at(`${file}.tmp.4913`), scene.at(file));
  },
  "by renaming the old one away, as vim does": (scene, file, text) => {
    scene.write("4913", "");
    scene.remove("4913");
    renameSync(scene.at(file), scene.at(`${file}~`));
    scene.write(file, text);
    scene.remove(`${file}~`);
  },
  "by deleting and making it, as git does": (scene, file, text) => {
    scene.remove(file);
    scene.write(file, text);
  },
};

describe("a save is one modification", () => {
  test.for(Object.entries(SAVES))("%s", async ([, save]) => {
    await using scene = await open({ "src/file.ts": "old\n" });
    const tracked = await track(scene);
    const heard = await listen(scene);
    for (const text of ["new\n", "newer, and longer\n", "of a kind\n"]) {
      save(scene, "src/file.ts", text);
      expect(await tracked.check()).toEqual(["modified src/file.ts content"]);
    }
    expect(lines(await heard.until("end"))).toEqual(Array(3).fill("modified src/file.ts content"));
  });

  test("git's checkout of another commit modifies, makes and deletes what differs", async () => {
    await using scene = await open({ "a/one": "1\n", "a/two": "2\n", same: "same\n", gone: "gone\n" });
    scene.git(["checkout", "--quiet", "-b", "other"]);
    for (const file of ["a/one", "a/two", "b/three"]) scene.write(file, `other ${file}\n`);
    scene.remove("gone");
    scene.git(["add", "--all"]);
    scene.git(["commit", "--quiet", "--message", "other"]);
    const tracked = await track(scene);
    scene.git(["checkout", "--quiet", "-"]);
    expect(await tracked.check()).toEqual([
      "modified a/one content",
      "modified a/two content",
      "deleted b/three",
      "created gone",
    ]);
    scene.git(["checkout", "--quiet", "other"]);
    expect(await tracked.check()).toEqual([
      "modified a/one content",
      "modified a/two content",
      "created b/three",
      "deleted gone",
    ]);
  });
});

describe("what the times do not say", () => {
  test("new bytes of the same size under the old time are a change of content", async () => {
    await using scene = await open({ file: "one\n" });
    utimesSync(scene.at("file"), 1000, 1000);
    const tracked = await track(scene);
    for (const text of ["two\n", "six\n"]) {
      scene.write("file", text);
      utimesSync(scene.at("file"), 1000, 1000);
      expect(await tracked.check()).toEqual(["modified file content"]);
    }
  });

  test("a mode is told as a mode", async () => {
    await using scene = await open({ file: "one\n" });
    const tracked = await track(scene);
    for (const mode of [0o755, 0o600, 0o644]) {
      chmodSync(scene.at("file"), mode);
      expect(await tracked.check()).toEqual(["modified file mode"]);
    }
  });

  test("a truncation, an append and a write in place are told once each", async () => {
    await using scene = await open({ file: "0123456789\n" });
    const tracked = await track(scene);
    for (const change of [
      () => truncateSync(scene.at("file"), 4),
      () => truncateSync(scene.at("file"), 0),
      () => appendFileSync(scene.at("file"), "more\n"),
    ]) {
      change();
      expect(await tracked.check()).toEqual(["modified file content"]);
    }
  });

  test("an edit through a hard link is told of the name that was written", async () => {
    await using scene = await open({ "a/file": "old\n" });
    linkSync(scene.at("a/file"), scene.at("link"));
    const tracked = await track(scene);
    scene.write("a/file", "through its own name\n");
    // The link's row has another time now; no event names it, a look does.
    await scene.reviewer.call("watch/sync", { workspace: scene.workspace, paths: ["link"] });
    expect(await tracked.check()).toEqual(["modified a/file content", "modified link content"]);
    const outside = path.join(scene.root, "../another-name");
    linkSync(scene.at("a/file"), outside);
    await scene.reviewer.call("watch/sync", { workspace: scene.workspace, paths: ["a/file", "link"] });
    expect(await tracked.check()).toEqual([]);
    rmSync(outside);
  });
});

/** Waits for a file's bytes to be `expected`, lets a millisecond pass, and appends to it: an editor that is quick. */
const QUICK_EDITOR = `
const { appendFileSync, readFileSync } = require("node:fs");
const [file, expected] = process.argv.slice(1);
const bytes = () => { try { return readFileSync(file, "latin1"); } catch { return ""; } };
process.stdout.write("ready");
while (bytes() !== expected);
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
appendFileSync(file, "theirs\\n");
`;

async function quickEditor(file: string, expected: string): Promise<ChildProcess> {
  const editor = spawn(process.execPath, ["-e", QUICK_EDITOR, file, expected], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(editor.stdout as NodeJS.ReadableStream, "data");
  return editor;
}

describe("a file that a promotion changed", () => {
  test("is told once, with its operation, to a subscription and to since", async () => {
    await using scene = await open({ "a/file": "old\n", gone: "gone\n" });
    const tracked = await track(scene);
    const heard = await listen(scene);
    const from = tracked.clock;
    const session = await scene.reviewer.openSession({ workspace: scene.workspace });
    await session.write("a/file", "ours\n");
    await session.write("new/made", "ours\n");
    await session.stage([{ kind: "delete", path: "gone" }]);
    const { operation } = await session.apply((await session.diff()).digest ?? "");
    expect(await tracked.check()).toEqual(["modified a/file content", "deleted gone", "created new/made"]);
    for (const changes of [(await since(scene, from)).changes, await heard.until("end")]) {
      expect(lines(changes).sort()).toEqual(["created new/made", "deleted gone", "modified a/file content"]);
      for (const change of changes)
        expect(change).toMatchObject({ origin: "iopipe", operation: operation.id });
    }
  });

  test("and that somebody edits one millisecond later is told with its operation, then as external", async () => {
    await using scene = await open({ file: "0\n" });
    const tracked = await track(scene);
    const heard = await listen(scene);
    const operations: string[] = [];
    for (let n = 1; n <= 10; n++) {
      const session = await scene.reviewer.openSession({ workspace: scene.workspace });
      await session.write("file", `ours ${n}\n`);
      const digest = (await session.diff()).digest ?? "";
      const editor = await quickEditor(scene.at("file"), `ours ${n}\n`);
      const edited = once(editor, "exit");
      operations.push((await session.apply(digest)).operation.id);
      await edited;
      const from = tracked.clock;
      expect(await tracked.check()).toEqual(["modified file content"]);
      const [change] = (await since(scene, from)).changes;
      expect(change).toMatchObject({
        path: "file",
        origin: "external",
        size: lstatSync(scene.at("file")).size,
      });
      expect(change).not.toHaveProperty("operation");
    }
    const told = await heard.until("end");
    const own = told.filter(({ origin }) => origin === "iopipe");
    expect(own.map(({ operation }) => operation)).toEqual(operations);
    // An append may be seen in two steps (bytes, then times); never less than once.
    for (const [n, change] of own.entries()) {
      const next = told.slice(told.indexOf(change) + 1, told.indexOf(own[n + 1] as FileChange) >>> 0);
      expect(next.length).toBeGreaterThan(0);
      for (const { origin } of next) expect(origin).toBe("external");
    }
  });
});
