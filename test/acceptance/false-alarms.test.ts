/**
 * What is no change: ways in which other tools take a file for modified since it was read. None makes a patch stale,
 * neither by what the watcher sees nor at the apply (the README's promise 4).
 */
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { openScene, type Scene, sharedStage } from "./scene.ts";

const CRLF = "\ufeffone\r\ntwo\r\nthree";
const AFTER = "\ufeffone\r\n2\r\nthree";

const RESTART = "a restart of the daemon";
const stage = sharedStage();

const git = (root: string, ...args: string[]) => execFileSync("git", args, { cwd: root });

/** Each leaves the bytes of `file` as they were. */
const WAYS: Readonly<Record<string, (file: string, scene: Scene) => unknown>> = {
  "a touch": (file) => utimesSync(file, new Date(), new Date()),
  "a time in the past": (file) => utimesSync(file, 1, 1),
  "a time in the future": (file) => utimesSync(file, 4_000_000_000, 4_000_000_000),
  "another mode": (file) => chmodSync(file, 0o600),
  "another owner": (file) => process.getuid?.() === 0 && chownSync(file, 12, 34),
  "a copy back": (file) => {
    copyFileSync(file, `${file}.copy`);
    copyFileSync(`${file}.copy`, file);
    unlinkSync(`${file}.copy`);
  },
  "a save of the same bytes in place": (file) => writeFileSync(file, readFileSync(file)),
  "a save of the same bytes by rename": (file) => {
    writeFileSync(`${file}.new`, readFileSync(file));
    renameSync(`${file}.new`, file);
  },
  "a save in pieces": (file) => {
    const bytes = readFileSync(file);
    const descriptor = openSync(file, "w");
    for (const byte of bytes) writeSync(descriptor, Buffer.of(byte));
    closeSync(descriptor);
  },
  "an edit that is taken back": (file) => {
    const { size } = statSync(file);
    appendFileSync(file, "more");
    truncateSync(file, size);
  },
  "deleting and writing it again": (file) => {
    const bytes = readFileSync(file);
    rmSync(file);
    writeFileSync(file, bytes);
  },
  "its directory moved away and back": (file) => {
    renameSync(path.dirname(file), `${path.dirname(file)}.away`);
    renameSync(`${path.dirname(file)}.away`, path.dirname(file));
  },
  "a second name that comes and goes": (file) => {
    linkSync(file, `${file}.link`);
    unlinkSync(`${file}.link`);
  },
  "git's checkout of the same content": (file, { root }) => {
    rmSync(file);
    git(root, "checkout", "-q", "--", path.relative(root, file));
  },
  "another branch and back": (_, { root }) => {
    git(root, "checkout", "-q", "-b", "other");
    git(root, "rm", "-q", "-r", "src");
    git(root, "commit", "-q", "-m", "gone");
    git(root, "checkout", "-q", "-");
  },
  "git stash and pop": (file, { root }) => {
    appendFileSync(file, "more");
    git(root, "stash", "-q");
  },
  [RESTART]: async (_, scene) => {
    await scene.end();
    await scene.start();
  },
};

test.each(Object.keys(WAYS))("%s", async (name) => {
  // The one that ends its daemon has one of its own.
  const on = name === RESTART ? {} : { on: stage() };
  await using scene = await openScene({ files: { "src/f": CRLF }, ...on });
  const session = await scene.reviewer.openSession({ workspace: scene.workspace });
  // As an editor sends it that knows neither BOM nor CRLF.
  const { image } = await session.read("src/f");
  await session.stage([
    {
      kind: "edit",
      path: "src/f",
      edits: [{ oldText: "two", newText: "2" }],
      ...(image.hash !== undefined && { baseHash: image.hash }),
    },
  ]);
  await WAYS[name]?.(path.join(scene.root, "src/f"), scene);
  const { reviewer, workspace } = scene;
  await reviewer.call("watch/sync", { workspace });
  const ours = reviewer.session(session.id);
  expect((await ours.get()).patches).toMatchObject([{ state: "Pending" }]);
  await ours.apply((await ours.diff()).digest ?? "");
  expect(scene.read("src/f")).toBe(AFTER);
});
