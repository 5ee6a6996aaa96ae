/** Risk: each reason on its own, by what a real session stages, and what a session's scope says. */
import { expect, test } from "vitest";
import { openSession } from "../daemon/staging/index.ts";
import type { PatchRow } from "../daemon/store/index.ts";
import type { Change } from "../protocol/methods/index.ts";
import { makeScene } from "./staging-scene.ts";

const write = (path: string, content = "text\n", more = {}): Change => ({
  kind: "write",
  path,
  content,
  ...more,
});

const CASES: readonly [string, Change, number, string[]][] = [
  ["an ordinary edit", write("src/a.ts"), 0, []],
  ["a new file", write("src/new.ts"), 0, []],
  ["a deletion", { kind: "delete", path: "src/a.ts" }, 25, ["deletes a file"]],
  ["a rename", { kind: "rename", path: "src/a.ts", to: "src/b.ts" }, 0, []],
  [
    "a lockfile's rename",
    { kind: "rename", path: "web/yarn.lock", to: "web/old" },
    15,
    ["changes a lockfile"],
  ],
  ["a lockfile", write("web/yarn.lock"), 15, ["changes a lockfile"]],
  ["what is no lockfile", write("src/yarn.lock.ts"), 0, []],
  ["an agent's hooks", write(".claude/settings.json"), 40, ["configures an agent or an editor"]],
  ["an agent's servers", write(".mcp.json"), 40, ["configures an agent or an editor"]],
  ["a workflow", write(".github/workflows/ci.yml"), 40, ["runs in CI or in hooks"]],
  ["a file of secrets", write("web/.env.local"), 40, ["may hold secrets"]],
  ["what a shell reads them from", write("web/.envrc"), 40, ["may hold secrets"]],
  ["a key", write("deploy/id_ed25519"), 40, ["may hold secrets"]],
  ["the policy", write(".iopipe.jsonc"), 100, ["changes the workspace's policy"]],
  ["the policy in another spelling", write(".IOPipe.jsonc"), 100, ["changes the workspace's policy"]],
  ["the policy, by a long s", write(".iopipe.j\u017fonc"), 100, ["changes the workspace's policy"]],
  ["below the policy's name", write(".iopipe.jsonc/x"), 100, ["changes the workspace's policy"]],
  ["secrets in another case", write("web/.ENV"), 40, ["may hold secrets"]],
  ["a script", write("run.sh", "#!/bin/sh\n", { mode: 0o755 }), 25, ["becomes executable"]],
  [
    "a mode",
    { kind: "chmod", path: "src/a.ts", mode: 0o755 },
    35,
    ["becomes executable", "changes the mode"],
  ],
  ["a mode that takes away", { kind: "chmod", path: "src/a.ts", mode: 0o600 }, 10, ["changes the mode"]],
  ["a symlink", { kind: "symlink", path: "link", target: "src/a.ts" }, 20, ["is a symlink"]],
  ["binary content", write("logo.png", "\0PNG"), 15, ["is binary"]],
  ["a truncated file", write("src/long.ts"), 30, ["loses more than half of the file"]],
  ["a short file made shorter", write("src/short.ts", ""), 0, []],
  [
    "code too large to be parsed",
    write("src/a.ts", "x\n".repeat(600_000)),
    30,
    ["replaces a file over 1 MiB", "is code that could not be parsed"],
  ],
  ["a large file", write("large.txt", "x".repeat(1_100_000)), 20, ["replaces a file over 1 MiB"]],
];

test.each(CASES)("%s", async (_, change, score, reasons) => {
  const scene = makeScene({
    "src/a.ts": "a\n",
    "src/long.ts": "line\n".repeat(1000),
    "src/short.ts": "line\n",
    "web/yarn.lock": "lock\n",
    "large.txt": "large\n",
  });
  const [patch] = await scene.stage(change);
  expect(patch?.findings.risk).toEqual({ score, reasons });
});

test("what lies outside the session's scope is riskier, and all that is found adds up to 100 at most", async () => {
  const scene = makeScene({ "src/a.ts": "a\n", "srcs/b.ts": "b\n", "web/.env": "KEY=1\n" });
  const scope = ["src/", "README.md"];
  const session = openSession(scene.store, {
    ...{ workspace: scene.session.workspace, title: "scoped", role: "proposer", scope },
  });
  const changes = [
    write("src/a.ts"),
    write("README.md"),
    write("srcs/b.ts"),
    write(".github/workflows/.env"),
  ];
  const { patches } = await scene.staging.stage(session, scene.tree, { changes, ownsBlob: () => false });
  const outside = "outside what the session says it is about";
  expect(patches.map(({ path, findings }) => [path, findings.risk?.score, findings.risk?.reasons])).toEqual([
    ["src/a.ts", 0, []],
    ["README.md", 0, []],
    ["srcs/b.ts", 30, [outside]],
    [".github/workflows/.env", 100, ["may hold secrets", "runs in CI or in hooks", outside]],
  ]);
  const moved = await scene.staging.stage(session, scene.tree, {
    changes: [{ kind: "rename", path: "web/.env", to: "src/env" }],
    ownsBlob: () => false,
  });
  expect(moved.patches[0]?.findings.risk).toEqual({ score: 70, reasons: ["may hold secrets", outside] });
});

test("a file that another is moved over is at risk, by whatever change it comes to that", async () => {
  const scene = makeScene({ "a.txt": "a\n", "b.txt": "b\n", "empty.txt": "", "c.txt": "c\n" });
  const risks = (patches: readonly PatchRow[]) =>
    Object.fromEntries(patches.map(({ path, findings }) => [path, findings.risk?.reasons]));
  const over = await scene.stage(
    { kind: "delete", path: "b.txt" },
    { kind: "rename", path: "a.txt", to: "b.txt" },
  );
  expect(risks(over)).toEqual({ "a.txt": ["deletes a file"], "b.txt": ["has another file moved over it"] });
  const emptied = await scene.stage({ kind: "delete", path: "empty.txt" }, write("c.txt", ""));
  expect(risks(emptied)).toEqual({ "empty.txt": ["deletes a file"], "c.txt": [] });
});
