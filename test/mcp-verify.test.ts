/** An agent that asks for the project's checks by MCP: which ones it may ask for, what it is told, and how long it waits. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { canLayer } from "./acceptance/layers.ts";
import { openScene, type Scene } from "./acceptance/scene.ts";
import { mcpInProcess } from "./mcp/client.ts";

const POLICY = ".iopipe.jsonc";
const sh = (script: string, agents = true) => ({ command: ["sh", "-c", script], agents });

async function agentOn(checks?: object) {
  const policy = checks && { [POLICY]: JSON.stringify({ checks }) };
  const scene = await openScene({ files: { "a.txt": "a\n", ...policy } });
  const agent = await mcpInProcess(scene.home, { cwd: scene.root });
  const key = crypto.randomUUID();
  const call = (name: string, args: Record<string, unknown> = {}) => agent.call(name, { key, ...args });
  await call("stage_write", { path: "a.txt", content: "staged\n" });
  const dispose = async (): Promise<void> => {
    await agent[Symbol.asyncDispose]();
    await scene[Symbol.asyncDispose]();
  };
  return { scene, agent, key, call, [Symbol.asyncDispose]: dispose };
}

async function trust({ reviewer, workspace }: Scene): Promise<void> {
  const { policy } = await reviewer.call("workspace/policy", { workspace });
  await reviewer.call("workspace/trust", { workspace, hash: policy?.hash });
}

test("without a check that it may ask for it is told to ask the person", async () => {
  await using none = await agentOn();
  const missing = await none.call("verify_staged");
  expect(missing.isError).toBe(true);
  expect(missing.text).toMatch(/IllegalState: .*no "checks".*\nNext: Ask the person who reviews/);
  await using on = await agentOn({ test: sh("true"), release: sh("true", false) });
  expect((await on.call("verify_staged")).text).toMatch(/NotPermitted: .*once it is trusted/);
  await trust(on.scene);
  const refused = await on.call("verify_staged", { checks: ["release"] });
  expect(refused.text).toMatch(/NotPermitted: .*release.*\nNext: Ask the person who reviews/);
  expect((await on.call("verify_staged", { checks: ["other"] })).text).toMatch(/InvalidParams: .*other/);
  await expect(on.agent.call("verify_staged", { key: on.key, command: ["true"] })).resolves.toMatchObject({
    isError: true,
  });
});

test.runIf(canLayer)("it is told what the checks say of what is staged, and what to do next", async () => {
  await using on = await agentOn({
    reads: sh("cat a.txt"),
    long: sh("seq 5000; grep -q better a.txt"),
    other: sh("exit 9", false),
  });
  await trust(on.scene);
  const failed = await on.call("verify_staged");
  expect(failed.data.verdicts).toMatchObject([
    { check: "reads", outcome: "passed", output: "staged\n", cut: false },
    { check: "long", outcome: "failed", exitCode: 1, cut: true },
  ]);
  expect(failed.data.verdicts[1].output).toMatch(/\n5000\n$/);
  expect(failed.data.verdicts[1].output).toHaveLength(8 * 1024);
  expect(failed.data.next).toContain("verify_staged again");

  await on.call("stage_write", { path: "a.txt", content: "better\n" });
  const passed = await on.call("verify_staged");
  expect(passed.data.next).toContain("submit_for_review");
  const session = on.scene.reviewer.session((await on.call("session_status")).data.session.id);
  const { verdicts } = await on.scene.reviewer.call("session/verdicts", { session: session.id });
  expect(verdicts.map(({ check, outcome }) => `${check} ${outcome}`).sort()).toEqual([
    "long passed",
    "reads passed",
  ]);
  expect(on.scene.read("a.txt")).toBe("a\n");
});

test.runIf(canLayer)("what is staged while they run voids what they say", async () => {
  const outside = mkdtempSync(path.join(tmpdir(), "iopipe-mcp-verify-"));
  onTestFinished(() => rmSync(outside, { recursive: true }));
  await using on = await agentOn({
    slow: sh(`cd ${outside}; touch begun; until [ -e changed ]; do sleep 0.05; done`),
  });
  await trust(on.scene);
  const verifying = on.call("verify_staged");
  await expect.poll(() => existsSync(path.join(outside, "begun"))).toBe(true);
  await on.call("stage_write", { path: "b.txt", content: "meanwhile\n" });
  writeFileSync(path.join(outside, "changed"), "");
  const { verdicts, next } = (await verifying).data;
  expect(verdicts).toMatchObject([{ outcome: "passed", void: "staged" }]);
  expect(next).toMatch(/something has changed since.*verify_staged again/);
});

test.runIf(canLayer)(
  "progress is reported to a host that asks for it, and its cancelling ends them",
  async () => {
    await using on = await agentOn({ endless: sh("echo begun; sleep 300") });
    await trust(on.scene);
    const cancel = new AbortController();
    let told = "";
    const calling = on.agent.client.callTool(
      { name: "verify_staged", arguments: { key: on.key } },
      {
        signal: cancel.signal,
        onprogress: ({ message = "" }) => {
          told = message;
          cancel.abort();
        },
      },
    );
    await expect(calling).rejects.toThrow();
    expect(told).toBe("The checks run: begun");
    // The layer is free again, and so is the session.
    expect((await on.call("stage_write", { path: "a.txt", content: "again\n" })).isError).toBe(false);
  },
);
