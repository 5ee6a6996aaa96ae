/**
 * Full disks: the state's and the tree's, from no room at all to a little. Whatever is refused is refused as DiskFull
 * with the tree whole; discarding, starting and closing journals work all the same (the ballast).
 */
import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { type ChangeInput, IopipeError } from "../../client/index.ts";
import { locate } from "../../protocol/wire/index.ts";
import { type TestHome, testHome } from "../fixture/server.ts";
import { canMount, type SmallDisk, smallDisk } from "../fixture/small-disk.ts";
import type { Snapshot } from "./repository.ts";
import { openScene, type Scene } from "./scene.ts";

const KIB = 1024;
/** From 0 to 256 KiB: a page's steps where the journal's records end, larger ones then. */
const ROOM = [0, 4, 8, 12, 16, 24, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256].map((kib) => kib * KIB);
const BALLAST_BYTES = 4 * 1024 * KIB;

const FILES = { "a.bin": "a".repeat(60_000), "b/b.bin": "b".repeat(60_000), "gone.txt": "gone\n" };
const CHANGES: readonly ChangeInput[] = [
  { kind: "write", path: "a.bin", content: "A".repeat(60_000) },
  { kind: "write", path: "b/b.bin", content: "B".repeat(60_000) },
  { kind: "write", path: "new/c.bin", content: "C".repeat(60_000) },
  { kind: "delete", path: "gone.txt" },
];
const AFTER: Snapshot = {
  "a.bin": `644 ${"A".repeat(60_000)}`,
  "b/": "755",
  "b/b.bin": `644 ${"B".repeat(60_000)}`,
  "new/": "755",
  "new/c.bin": `644 ${"C".repeat(60_000)}`,
};

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

/** Stages until there is no more room; the log's own file may have some. */
async function stageUntilFull(scene: Scene, session: string): Promise<string> {
  for (let n = 0; n < 200; n++) {
    const content = randomBytes(30_000).toString("hex");
    const kind = await kindOf(scene.reviewer.session(session).stage([{ kind: "write", path: `f${n}`, content }]));
    if (kind !== "done") return kind;
  }
  return "never full";
}

async function openOperations(scene: Scene): Promise<string[]> {
  const { operations } = await scene.reviewer.call("operation/list", { workspace: scene.workspace });
  return operations.filter(({ state }) => state !== "committed" && state !== "rolledBack").map(({ id }) => id);
}

/** Applies what is staged, where it is not yet, and takes it back: with room, everything works. */
async function applyAndUndo(scene: Scene, id: string, before: Snapshot): Promise<void> {
  const session = scene.reviewer.session(id);
  const { digest = "", files } = await session.diff();
  if (files.length > 0) await session.apply(digest);
  expect(scene.tree()).toEqual(AFTER);
  const { operations } = await scene.reviewer.call("operation/list", { workspace: scene.workspace });
  await scene.reviewer.call("operation/undo", { operation: operations[0]?.id ?? "" });
  expect(scene.tree()).toEqual(before);
  expect(await openOperations(scene)).toEqual([]);
}

describe.runIf(canMount)("where there is no room", () => {
  test("for the state: staging is refused, discarding works, the tree is whole", { timeout: 60_000 }, async () => {
    using disk = smallDisk(24 * 1024 * KIB);
    await using scene = await openScene({ files: FILES, home: homeOn(disk) });
    const ballast = path.join(disk.path, "s", "ballast");
    const applied: string[] = [];
    for (const room of ROOM) {
      const proposal = await stage(scene, CHANGES);
      const other = await stage(scene, [{ kind: "write", path: "other.txt", content: "other\n" }]);
      expect(statSync(ballast).size).toBe(BALLAST_BYTES);
      disk.fill(room);

      const digest = (await proposal.diff()).digest ?? "";
      const answer = await kindOf(proposal.apply(digest));
      expect(["done", "DiskFull"]).toContain(answer);
      applied.push(answer);
      expect(scene.tree()).toEqual(answer === "done" ? AFTER : before);
      expect(await stageUntilFull(scene, other.id)).toBe("DiskFull");
      await other.discard();
      const { patches } = await scene.reviewer.call("session/get", { session: other.id });
      expect(new Set(patches.map(({ state }) => state))).toEqual(new Set(["Discarded"]));
      await scene.reviewer.call("session/discard", { session: other.id, purge: true });
      expect(await openOperations(scene)).toEqual([]);

      disk.empty();
      await applyAndUndo(scene, proposal.id, before);
    }
    expect(new Set(applied).has("DiskFull")).toBe(true);
  });
});
