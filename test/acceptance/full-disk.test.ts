/**
 * Full disks: the state's and the tree's, from no room at all to a little. What is refused is refused as DiskFull with
 * the tree whole; discarding, starting and closing journals work all the same (store/ballast.ts).
 */
import { randomBytes } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { watch } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { type ChangeInput, IopipeError } from "../../client/index.ts";
import { locate } from "../../protocol/wire/index.ts";
import { iopipectl } from "../fixture/cli.ts";
import { type TestHome, testHome } from "../fixture/server.ts";
import { canMount, type SmallDisk, smallDisk } from "../fixture/small-disk.ts";
import { canLayer } from "./layers.ts";
import type { Snapshot } from "./repository.ts";
import { runScript } from "./running.ts";
import { openScene, type Scene } from "./scene.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
/** Left free, in KiB. */
const ROOM = [0, 4, 8, 32, 64, 128, 256];

/** Three files of it do not fit into the largest room. */
const SIZE = 100_000;
/** What a daemon may log here. */
const FULL = /disk is full|ENOSPC|no space left/i;

const FILES = { "a.bin": "a".repeat(SIZE), "b/b.bin": "b".repeat(SIZE), "gone.txt": "gone\n" };
const CHANGES: readonly ChangeInput[] = [
  { kind: "write", path: "a.bin", content: "A".repeat(SIZE) },
  { kind: "write", path: "b/b.bin", content: "B".repeat(SIZE) },
  { kind: "write", path: "new/c.bin", content: "C".repeat(SIZE) },
  { kind: "delete", path: "gone.txt" },
];
const BEFORE: Snapshot = {
  "a.bin": "644 all a",
  "b/": "755",
  "b/b.bin": "644 all b",
  "gone.txt": "644 gone\n",
};
const AFTER: Snapshot = {
  "a.bin": "644 all A",
  "b/": "755",
  "b/b.bin": "644 all B",
  "new/": "755",
  "new/c.bin": "644 all C",
};

/** Everything in the tree; the content of a large file that is whole is its letter. */
function treeOf(scene: Scene): Snapshot {
  const short = (file: string): string => {
    const letter = file[4] ?? "?";
    return file.slice(4) === letter.repeat(SIZE) ? `${file.slice(0, 3)} all ${letter}` : file.slice(0, 80);
  };
  return Object.fromEntries(Object.entries(scene.tree()).map(([file, is]) => [file, short(is)]));
}

/** A home whose state, sockets included, is on `disk`. */
function homeOn(disk: SmallDisk): TestHome {
  const home = testHome();
  const env = { ...home.env, IOPIPE_STATE_DIR: path.join(disk.path, "s") };
  return { ...home, env, locations: locate(env) };
}

const kindOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "done",
    (error: unknown) => (error instanceof IopipeError ? error.kind : String(error)),
  );

async function stage(scene: Scene, changes: readonly ChangeInput[]) {
  const session = await scene.reviewer.openSession({ workspace: scene.workspace });
  await session.stage(changes);
  return session;
}

/** Stages more and more; resolves to what ends it. */
async function stageUntilFull(scene: Scene, session: string): Promise<string> {
  for (let n = 0; n < 100; n++) {
    const content = randomBytes(50_000).toString("hex");
    const change = { kind: "write", path: `f${n}`, content } as const;
    const kind = await kindOf(scene.reviewer.session(session).stage([change]));
    if (kind !== "done") return kind;
  }
  return "never full";
}

async function expectDiscarded(scene: Scene, session: string): Promise<void> {
  await scene.reviewer.session(session).discard();
  const { patches } = await scene.reviewer.call("session/get", { session });
  expect(new Set(patches.map(({ state }) => state))).toEqual(new Set(["Discarded"]));
}

async function operations(scene: Scene) {
  return (await scene.reviewer.call("operation/list", { workspace: scene.workspace })).operations;
}

async function expectAllClosed(scene: Scene): Promise<void> {
  for (const { state } of await operations(scene)) expect(["committed", "rolledBack"]).toContain(state);
}

/** Applies what is staged, where it is not yet, and takes it back: with room, everything works. */
async function applyAndUndo(scene: Scene, id: string): Promise<void> {
  const session = scene.reviewer.session(id);
  const { digest = "", files } = await session.diff();
  if (files.length > 0) await session.apply(digest);
  expect(treeOf(scene)).toEqual(AFTER);
  const [last] = await operations(scene);
  await scene.reviewer.call("operation/undo", { operation: last?.id ?? "" });
  expect(treeOf(scene)).toEqual(BEFORE);
  await expectAllClosed(scene);
}

/** A megabyte at a time. */
const FOR_EVER = "while :; do head -c 1048576 /dev/zero >> big || exit 9; sleep 0.02; done";

describe.runIf(canMount)("where there is no room", () => {
  test.runIf(canLayer)("a layer that filled the disk can be dropped, and then there is room", async () => {
    using disk = smallDisk(32 * MIB);
    await using scene = await openScene({ files: FILES, mayLog: FULL, home: homeOn(disk) });
    const ran = await runScript(scene, "echo $IOPIPE_SESSION; head -c 64M /dev/zero > big");
    expect(ran).toMatchObject({ code: 125, stderr: expect.stringMatching(/full|space/i) });
    const session = ran.stdout.trim();
    const dropped = await iopipectl(scene.home, ["run", "--resume", session, "--discard"], {
      cwd: scene.root,
    });
    expect(dropped).toMatchObject({ code: 0 });
    expect(disk.free()).toBeGreaterThan(8 * MIB);
    expect(readdirSync(path.join(disk.path, "s", "layers"))).toEqual([]);
    expect(treeOf(scene)).toEqual(BEFORE);
  });

  test.runIf(canLayer)(
    "a command that would fill it up is ended before, and what it wrote stands",
    async () => {
      using disk = smallDisk(64 * MIB);
      await using scene = await openScene({ files: FILES, mayLog: FULL, home: homeOn(disk) });
      const { code, stdout, stderr } = await runScript(scene, `echo $IOPIPE_SESSION; ${FOR_EVER}`);
      expect({ code, stderr }).toEqual({
        code: 125,
        stderr: expect.stringContaining("the disk was nearly full"),
      });
      expect(disk.free()).toBeGreaterThan(0);
      const status = await iopipectl(scene.home, ["status"], { cwd: scene.root });
      expect(status.stdout).toContain(`run --resume ${stdout.trim()}`);
      expect(await iopipectl(scene.home, ["discard"], { cwd: scene.root })).toMatchObject({ code: 0 });
      expect(readdirSync(path.join(disk.path, "s", "layers"))).toEqual([]);
      expect(treeOf(scene)).toEqual(BEFORE);
    },
  );

  test.runIf(canLayer)(
    "a verifying command that would fill it up is ended, and there is no verdict",
    async () => {
      using disk = smallDisk(64 * MIB);
      await using scene = await openScene({ files: FILES, mayLog: FULL, home: homeOn(disk) });
      await iopipectl(scene.home, ["stage", "new.txt"], { cwd: scene.root, input: "new\n" });
      const ran = await iopipectl(scene.home, ["verify", "--", "sh", "-c", FOR_EVER], { cwd: scene.root });
      expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining("the disk was nearly full") });
      expect(readdirSync(path.join(disk.path, "s", "layers"))).toEqual([]);
    },
  );

  test("for the state, staging is refused, discarding works, the tree is whole", async () => {
    using disk = smallDisk(32 * MIB);
    await using scene = await openScene({ files: FILES, mayLog: FULL, home: homeOn(disk) });
    const ballast = path.join(disk.path, "s", "ballast");
    const whole = statSync(ballast).size;
    expect(whole).toBeGreaterThan(MIB);
    const answers = new Set<string>();
    for (const room of ROOM) {
      const proposal = await stage(scene, CHANGES);
      const other = await stage(scene, [{ kind: "write", path: "other.txt", content: "other\n" }]);
      expect(statSync(ballast).size).toBe(whole);
      disk.fill(room * KIB);

      const { digest = "" } = await proposal.diff();
      const answer = await kindOf(proposal.apply(digest));
      expect(["done", "DiskFull"]).toContain(answer);
      answers.add(answer);
      expect(treeOf(scene)).toEqual(answer === "done" ? AFTER : BEFORE);
      expect(await stageUntilFull(scene, other.id)).toBe("DiskFull");
      await expectDiscarded(scene, other.id);
      await scene.reviewer.call("session/discard", { session: other.id, purge: true });
      await expectAllClosed(scene);

      disk.empty();
      await applyAndUndo(scene, proposal.id);
    }
    expect(answers).toContain("DiskFull");
  });

  test.each([0, 128])(
    "for the state, with %i KiB left, a daemon that was killed in mid-apply starts, recovers and discards",
    async (room) => {
      using disk = smallDisk(10 * MIB);
      await using scene = await openScene({ files: FILES, mayLog: FULL, home: homeOn(disk), killable: true });
      const proposal = await stage(scene, CHANGES);
      const other = await stage(scene, [{ kind: "write", path: "other.txt", content: "other\n" }]);
      const { digest = "" } = await proposal.diff();
      const begun = firstOf(scene.root, /^\.iopipe-/);
      const answer = kindOf(proposal.apply(digest));
      await Promise.race([begun, answer]);
      await scene.end();
      await answer;
      disk.fill(room * KIB);

      await scene.start();
      const { session } = await scene.reviewer.call("session/get", { session: proposal.id });
      expect(treeOf(scene)).toEqual(session.state === "Applied" ? AFTER : BEFORE);
      await expectAllClosed(scene);
      await expectDiscarded(scene, other.id);

      await scene.end();
      await scene.start();
      expect(await stageUntilFull(scene, other.id)).toBe("DiskFull");
      await expectDiscarded(scene, other.id);
      disk.empty();
      await applyAndUndo(scene, proposal.id);
    },
  );

  test("before the first start, the client says that there is no room: exit 69", async () => {
    using disk = smallDisk(2 * MIB);
    await using home = testHome();
    disk.fill(0);
    const env = { IOPIPE_STATE_DIR: path.join(disk.path, "state") };
    const { code, stderr } = await iopipectl(home, ["daemon", "start"], { env });
    expect({ code, stderr }).toEqual({
      code: 69,
      stderr: expect.stringContaining(`No space is left on the file system of ${env.IOPIPE_STATE_DIR}.`),
    });
  });

  test("in the tree, applying is refused, and the tree is as it was", async () => {
    using disk = smallDisk(2 * MIB);
    await using scene = await openScene({ files: FILES, mayLog: FULL, root: path.join(disk.path, "tree") });
    const answers: string[] = [];
    for (const room of [...ROOM, 320]) {
      const proposal = await stage(scene, CHANGES);
      const { digest = "" } = await proposal.diff();
      disk.fill(room * KIB);
      const answer = await kindOf(proposal.apply(digest));
      answers.push(answer);
      expect(treeOf(scene)).toEqual(answer === "done" ? AFTER : BEFORE);
      await expectAllClosed(scene);
      disk.empty();
      await applyAndUndo(scene, proposal.id);
    }
    expect(answers).toEqual([...ROOM.map(() => "DiskFull"), "done"]);
    expect(readdirSync(disk.path).sort()).toEqual(["filler", "tree"]);
  });
});

/** Resolves when an entry with such a name appears in the directory. */
async function firstOf(directory: string, name: RegExp): Promise<void> {
  for await (const { filename } of watch(directory)) if (filename && name.test(filename)) return;
}
