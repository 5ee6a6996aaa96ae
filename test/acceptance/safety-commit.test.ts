/** The hidden commit of an apply or undo: what git finds in it, and that nothing else of git's is touched. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { ChangeInput } from "../../client/index.ts";
import { git, made, stateOf } from "./safety-commits.ts";
import { openScene, type Scene, sharedStage } from "./scene.ts";

const stage = sharedStage();

async function apply({ reviewer, workspace }: Scene, changes: readonly ChangeInput[], title = "a change") {
  const session = await reviewer.openSession({ workspace, title, agent: "tester" });
  await session.stage([...changes]);
  const { digest } = (await reviewer.call("session/get", { session: session.id })).session;
  return reviewer.call("session/apply", {
    session: session.id,
    expectedDigest: digest,
    safetyCommit: "hidden",
  });
}

const write = (path: string, content: string) => ({ kind: "write", path, content }) as const;

test("an apply's files as they were and as they became are two commits on HEAD", async () => {
  await using scene = await openScene({
    on: stage(),
    files: {
      "a.txt": "a\n",
      "b.txt": "b\n",
      "run.sh": "#!/bin/sh\n",
      "gone.txt": "gone\n",
      "old.txt": "same\n",
    },
  });
  const { root } = scene;
  scene.write("b.txt", "b, not committed\n");
  scene.write("others.txt", "nobody touches this\n");
  const { operation, safetyCommit } = await apply(scene, [
    write("a.txt", "A\n"),
    write("b.txt", "B\n"),
    write('odd "ä\\ name\n.txt', "odd\n"),
    write("new/deep/file", "new\n"),
    { kind: "chmod", path: "run.sh", mode: 0o755 },
    { kind: "delete", path: "gone.txt" },
    { kind: "rename", path: "old.txt", to: "moved.txt" },
    { kind: "symlink", path: "link", target: "a.txt" },
  ]);
  const { ref, commit } = made(safetyCommit);
  expect(ref).toBe(`refs/iopipe/${operation.id}`);
  expect(git(root, "rev-parse", ref).trim()).toBe(commit);
  expect(git(root, "rev-parse", `${ref}^^`)).toBe(git(root, "rev-parse", "HEAD"));
  expect(git(root, "show", `${ref}^:b.txt`)).toBe("b, not committed\n");
  expect(
    git(root, "diff", "--no-renames", "--name-status", "-z", `${ref}^`, ref).split("\0").slice(0, -1),
  ).toEqual([
    ...["M", "a.txt", "M", "b.txt", "D", "gone.txt", "A", "link", "A", "moved.txt", "A", "new/deep/file"],
    ...["A", 'odd "ä\\ name\n.txt', "D", "old.txt", "M", "run.sh"],
  ]);
  expect(git(root, "diff", "--name-only", "HEAD", `${ref}^`)).toBe("b.txt\n");
  expect(git(root, "ls-tree", ref, "run.sh", "link")).toMatch(/^120000 .*\tlink\n100755 .*\trun.sh\n$/);
  expect(git(root, "log", "-1", "--format=%an %s%n%b", ref)).toBe(
    `iopipe a change\nOperation: ${operation.id}\nSession: ${operation.session}\nAgent: tester\n\n`,
  );
  expect(spawnSync("git", ["fsck", "--strict"], { cwd: root }).status).toBe(0);
});

test("nothing else of git's is touched, no hook runs, nothing is signed, and a lock stays", async () => {
  await using scene = await openScene({ on: stage() });
  const { root } = scene;
  git(root, "config", "commit.gpgsign", "true");
  git(root, "config", "gpg.program", "/bin/false");
  const ran = join(root, ".git", "hook-ran");
  for (const hook of [
    "pre-commit",
    "post-commit",
    "reference-transaction",
    "post-index-change",
    "commit-msg",
  ])
    fs.writeFileSync(join(root, ".git", "hooks", hook), `#!/bin/sh\necho ${hook} >> '${ran}'\n`, {
      mode: 0o755,
    });
  for (const lock of ["index.lock", "HEAD.lock"]) fs.writeFileSync(join(root, ".git", lock), "");
  const before = stateOf(root);
  const { operation, safetyCommit } = await apply(scene, [write("src/a.ts", "changed\n")]);
  made(safetyCommit);
  const undone = await scene.reviewer.call("operation/undo", {
    operation: operation.id,
    safetyCommit: "hidden",
  });
  const { ref } = made(undone.safetyCommit);
  expect(stateOf(root)).toEqual(before);
  expect(git(root, "diff", `${ref}^`, ref)).toContain("-changed");
});

test("a lost answer asked for again names the same commit", async () => {
  await using scene = await openScene({ on: stage() });
  const { operation, safetyCommit, session } = await apply(scene, [write("src/a.ts", "changed\n")]);
  const patches = (await scene.reviewer.call("session/get", { session: session.id })).patches.map(
    ({ id }) => id,
  );
  const again = await scene.reviewer.call("session/apply", {
    session: session.id,
    patches,
    safetyCommit: "hidden",
  });
  expect(again.operation.id).toBe(operation.id);
  expect(again.safetyCommit).toEqual(safetyCommit);
});

test("without being asked for there is none", async () => {
  await using scene = await openScene({ on: stage() });
  const session = await scene.reviewer.openSession({ workspace: scene.workspace });
  const { session: staged } = await session.stage([write("src/a.ts", "changed\n")]);
  const applied = await session.apply(staged.digest ?? "");
  expect(applied).not.toHaveProperty("safetyCommit");
  expect(git(scene.root, "for-each-ref", "refs/iopipe")).toBe("");
});

test("content of several MiB and a mode that alone changes", async () => {
  const large = `${"0123456789abcde\n".repeat(200_000)}`;
  await using scene = await openScene({ on: stage(), files: { "large.txt": large, other: "x" } });
  const changed = `${large}changed\n`;
  const session = await scene.reviewer.openSession({ workspace: scene.workspace });
  const { session: staged } = await session.stage([
    write("large.txt", changed),
    { kind: "chmod", path: "other", mode: 0o755 },
  ]);
  const { safetyCommit } = await scene.reviewer.call("session/apply", {
    ...{
      session: session.id,
      expectedDigest: staged.digest,
      confirmFullReplace: true,
      safetyCommit: "hidden",
    },
  });
  const { ref } = made(safetyCommit);
  expect(git(scene.root, "cat-file", "-s", `${ref}:large.txt`)).toBe(`${changed.length}\n`);
  expect(git(scene.root, "diff", "--summary", `${ref}^`, ref)).toContain(
    "mode change 100644 => 100755 other",
  );
});
