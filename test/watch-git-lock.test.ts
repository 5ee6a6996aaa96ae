/** Waiting for git: whoever asks for it is told of a checkout when it is over, and of nothing while it goes on. */

import { utimesSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { FileChanges } from "../client/index.ts";
import { openScene, type Scene, sharedStage } from "./acceptance/scene.ts";

const stage = sharedStage();

const LOCK = ".git/index.lock";

/** What two streams were told of, one of which waits for git; both on connections of their own. */
async function watchers(scene: Scene) {
  const [patient, prompt] = await Promise.all([stage().connect("reviewer"), stage().connect("proposer")]);
  const told = { patient: [] as string[], prompt: [] as string[] };
  const follow = async (who: keyof typeof told, stream: AsyncIterable<FileChanges>): Promise<void> => {
    for await (const { changes } of stream) told[who].push(...changes.map((change) => change.path));
  };
  const streams = {
    patient: patient.changes(scene.workspace, { waitForGit: true }),
    prompt: prompt.changes(scene.workspace),
  };
  await Promise.all([streams.patient.ready, streams.prompt.ready]);
  void follow("patient", streams.patient);
  void follow("prompt", streams.prompt);
  return { patient, told };
}

describe("while git holds its index's lock", () => {
  test("nothing is told; its release delivers", async () => {
    await using scene = await openScene({ on: stage() });
    const { told } = await watchers(scene);
    scene.write(LOCK, "");
    for (let n = 0; n < 20; n++) {
      scene.write(`src/${n}`, "x");
      await expect.poll(() => told.prompt).toContain(`src/${n}`);
    }
    expect(told.patient).toEqual([]);
    scene.remove(LOCK);
    await expect.poll(() => told.patient.toSorted()).toEqual(told.prompt.toSorted());
  });

  test("a barrier of the same connection delivers, one of another does not", async () => {
    await using scene = await openScene({ on: stage() });
    const { workspace } = scene;
    const { patient, told } = await watchers(scene);
    scene.write(LOCK, "");
    scene.write("src/a.ts", "x");
    await scene.reviewer.call("watch/sync", { workspace });
    await expect.poll(() => told.prompt).toEqual(["src/a.ts"]);
    expect(told.patient).toEqual([]);
    await patient.call("watch/sync", { workspace });
    await expect.poll(() => told.patient).toEqual(["src/a.ts"]);
    scene.write("src/b.ts", "x");
    await expect.poll(() => told.prompt).toContain("src/b.ts");
    expect(told.patient).toEqual(["src/a.ts"]);
    scene.remove(LOCK);
  });

  test("one that a killed git left behind holds nobody up", async () => {
    await using scene = await openScene({ on: stage() });
    const { told } = await watchers(scene);
    scene.write(LOCK, "");
    const nearlyTooOld = Date.now() / 1000 - 9.5;
    utimesSync(scene.at(LOCK), nearlyTooOld, nearlyTooOld);
    scene.write("src/a.ts", "x");
    await expect.poll(() => told.patient, { timeout: 8000 }).toEqual(["src/a.ts"]);
  });

  test("a whole checkout is told when all of it is there", async () => {
    await using scene = await openScene({ on: stage() });
    for (let n = 0; n < 300; n++) scene.write(`more/${n}`, `${n}`);
    scene.git(["checkout", "-qb", "more"]);
    scene.git(["add", "."]);
    scene.git(["commit", "-qm", "more"]);
    scene.git(["checkout", "-q", "-"]);
    const { told } = await watchers(scene);
    scene.git(["checkout", "-q", "more"]);
    await expect.poll(() => told.patient.length).toBe(300);
    expect(new Set(told.patient).size).toBe(300);
  });
});
