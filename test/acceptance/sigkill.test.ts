/**
 * A daemon killed with SIGKILL while it applies, at moments that are told by what it has done so far. What it had
 * reached then varies; what the next one makes of it does not. Chosen moments, one by one, are crash.test.ts.
 */
import { watch } from "node:fs";
import { expect, test } from "vitest";
import type { ChangeInput } from "../../client/index.ts";
import type { Snapshot } from "./repository.ts";
import { openScene } from "./scene.ts";

/** Enough files that an apply takes a while: updates, creations in new directories, deletions. */
const MANY = 60;
const MANY_FILES = Object.fromEntries(
  Array.from({ length: MANY }, (_, n) => [`f${n}.txt`, `file ${n}\n`.repeat(100)]),
);
const MANY_CHANGES: readonly ChangeInput[] = Array.from({ length: MANY }, (_, n) => {
  if (n % 3 === 0) return { kind: "delete", path: `f${n}.txt` };
  if (n % 3 === 1) return { kind: "write", path: `new/d${n}/f.txt`, content: `new ${n}\n` };
  return { kind: "write", path: `f${n}.txt`, content: `changed ${n}\n` };
});

/** Resolves when the `nth` event whose name matches has come from the directory. */
function seenIn(directory: string, name: RegExp, nth: number): Promise<void> {
  return new Promise((resolve) => {
    let left = nth;
    const watcher = watch(directory, (_, file) => {
      if (!file || !name.test(file) || --left > 0) return;
      watcher.close();
      resolve();
    });
  });
}

test("SIGKILL at any time leaves all old or all new, and nothing of ours", async () => {
  await using scene = await openScene({ files: MANY_FILES, killable: true });
  const before = scene.tree();
  const outcomes: string[] = [];
  const after = afterMany(before);
  for (const [name, nth] of [
    [/^\.iopipe-/, 1],
    [/^\.iopipe-/, MANY / 2],
    [/^f\d+\.txt$/, 1],
    [/^f\d+\.txt$/, MANY / 2],
  ] as const) {
    const session = await scene.reviewer.openSession({ workspace: scene.workspace });
    await session.stage(MANY_CHANGES);
    const { digest = "" } = await session.diff();
    const moment = seenIn(scene.root, name, nth);
    const answer = session.apply(digest).then(
      () => "answered",
      () => "lost",
    );
    await Promise.race([moment, answer]);
    await scene.end();
    // Killed again, in the middle of its recovery or soon after.
    await scene.start();
    await scene.end();
    await scene.start();

    const { patches } = await scene.reviewer.call("session/get", { session: session.id });
    const states = [...new Set(patches.map(({ state }) => state))];
    const now = scene.tree();
    expect(states).toHaveLength(1);
    expect(Object.keys(now).filter((file) => file.includes(".iopipe-"))).toEqual([]);
    expect(now).toEqual(states[0] === "Applied" ? after : before);
    outcomes.push(`${await answer} ${states[0]}`);
    if (states[0] === "Pending") continue;
    const { operations } = await scene.reviewer.call("operation/list", { workspace: scene.workspace });
    await scene.reviewer.call("operation/undo", { operation: operations[0]?.id ?? "" });
    expect(scene.tree()).toEqual(before);
  }
  // What was answered is applied: an answer is never taken back by a crash.
  expect(outcomes).not.toContain("answered Pending");
});

/** What the tree is once they are applied. */
function afterMany(before: Snapshot): Snapshot {
  const after: Record<string, string> = { ...before, "new/": "755" };
  for (let n = 0; n < MANY; n++) {
    if (n % 3 === 0) delete after[`f${n}.txt`];
    if (n % 3 === 2) after[`f${n}.txt`] = `644 changed ${n}\n`;
    if (n % 3 !== 1) continue;
    after[`new/d${n}/`] = "755";
    after[`new/d${n}/f.txt`] = `644 new ${n}\n`;
  }
  return after;
}
