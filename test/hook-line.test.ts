/**
 * The line that the hook's page shows and `iopipectl setup claude` gives, as Claude Code runs it: whatever goes wrong with
 * the program, the call is blocked, which Claude Code does at exit code 2 alone.
 */
import { closeSync, existsSync, mkdirSync, openSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { openScene, sharedStage } from "./acceptance/scene.ts";
import { HOOK_LINE, iopipectlOnPath, runHookLine, writeCall } from "./fixture/hook-line.ts";

const stage = sharedStage();

/** A repository in which an agent runs the line, with an `iopipectl` that does what `script` says. */
async function agent(script?: string) {
  const scene = await openScene({ on: stage() });
  const bin = path.join(scene.home.directory, `bin of ${path.basename(scene.root)}`);
  mkdirSync(bin);
  const PATH = iopipectlOnPath(bin, script);
  const run = (more: { env?: Record<string, string>; stdout?: number; tool?: string } = {}) =>
    runHookLine({
      ...more,
      cwd: scene.root,
      env: { ...scene.home.env, PATH, ...more.env },
      input: writeCall(scene.root, "src/a.ts", more.tool),
    });
  return { ...scene, run, [Symbol.asyncDispose]: () => scene[Symbol.asyncDispose]() };
}

test("what is staged is answered with 0, and so is what passes", async () => {
  await using on = await agent();
  const { code, stdout, stderr } = await on.run();
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(JSON.parse(stdout).hookSpecificOutput).toMatchObject({ permissionDecision: "deny" });
  expect(await on.run({ tool: "Bash" })).toEqual({ code: 0, stdout: "", stderr: "" });
});

test("an iopipectl that is not there", async () => {
  await using on = await agent();
  const { code, stderr } = await on.run({ env: { PATH: "/usr/bin:/bin" } });
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/iopipectl.*not found/) });
});

test.each([
  ["crashes", "exit 1", ""],
  ["is killed", "kill -9 $$", ""],
  ["may not be read", "exit 126", ""],
  ["is of another name's making", "echo no such verb >&2; exit 64", "no such verb\n"],
])("one that %s", async (_, script, words) => {
  await using on = await agent(script);
  const { code, stderr } = await on.run();
  expect({ code, said: stderr.includes(words) }).toEqual({ code: 2, said: true });
});

test("a daemon that is nowhere: the denial is on stdout, and its reason on stderr too", async () => {
  await using on = await agent();
  const file = path.join(on.home.directory, "no-directory");
  closeSync(openSync(file, "w"));
  const { code, stdout, stderr } = await on.run({ env: { IOPIPE_RUNTIME_DIR: path.join(file, "x") } });
  expect(code).toBe(2);
  const { permissionDecision, permissionDecisionReason } = JSON.parse(stdout).hookSpecificOutput;
  expect(permissionDecision).toBe("deny");
  for (const said of [stderr, permissionDecisionReason])
    expect(said).toMatch(
      /no-directory\/x\/propose\/iopiped\.sock failed with ENOTDIR\.[\s\S]*IOPIPE_RUNTIME_DIR/,
    );
});

test.runIf(existsSync("/dev/full"))("a stdout that takes nothing", async () => {
  await using on = await agent();
  const full = openSync("/dev/full", "w");
  try {
    const { code, stderr } = await on.run({ stdout: full });
    expect(code).toBe(2);
    expect(stderr).toMatch(/cannot be written to stdout: ENOSPC[\s\S]*nothing was written to disk/);
  } finally {
    closeSync(full);
  }
  expect(on.read("src/a.ts")).toBe("export const a = 1;\n");
});

test("the line is a shell's, and short enough to be looked through", () => {
  expect(HOOK_LINE).toBe("iopipectl hook claude || exit 2");
});
