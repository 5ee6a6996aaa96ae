/**
 * An agent's confined ways, MCP and hook, can neither apply, decide nor undo: whatever is called, with whatever is given.
 * The reviewer's socket is taken away while they try: what works then, works over the proposer's alone.
 */
import { renameSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { runInProcess } from "../fixture/in-process.ts";
import { mcpClient } from "../mcp/client.ts";
import { openScene, type Scene } from "./scene.ts";

/** A scene with an applied operation, and a pending session that a reviewer's yes would apply. */
async function tempting() {
  const scene = await openScene();
  const done = await scene.reviewer.openSession({ workspace: scene.workspace, title: "Done" });
  await done.write("done.txt", "done\n");
  const { operation } = await done.apply((await done.diff()).digest as string);
  const key = crypto.randomUUID();
  const pending = await scene.proposer.openSession({ workspace: scene.workspace, key, title: "Pending" });
  const { patches } = await pending.write("src/a.ts", "pending\n");
  const { digest = "" } = await pending.diff();
  return { scene, operation: operation.id, key, session: pending.id, patch: patches[0]?.id ?? "", digest };
}

/** What must be as it was. */
async function stateOf({ reviewer, workspace, tree }: Scene, session: string) {
  const { operations } = await reviewer.call("operation/list", { workspace });
  const { patches } = await reviewer.call("session/get", { session });
  const decisions = patches.map(({ decision }) => decision);
  return {
    tree: tree(),
    operations: operations.map(({ id, state }) => ({ id, state })),
    decisions: new Set(decisions),
  };
}

/** Takes the reviewer's socket away for as long as `work` runs; the reviewer's own connection stays. */
async function withoutReviewersSocket(scene: Scene, work: () => Promise<void>): Promise<void> {
  const { reviewer: socket } = scene.home.locations.sockets;
  renameSync(socket, `${socket}.away`);
  try {
    await work();
  } finally {
    renameSync(`${socket}.away`, socket);
  }
}

test("no tool of MCP applies, decides or undoes, whatever it is given", async () => {
  const tempted = await tempting();
  await using scene = tempted.scene;
  const before = await stateOf(scene, tempted.session);
  await withoutReviewersSocket(scene, async () => {
    await using agent = await mcpClient(scene.home, { cwd: scene.root, env: { IOPIPE_ROLE: "reviewer" } });
    const { tools } = await agent.client.listTools();
    const { key, session, patch, digest, operation } = tempted;
    for (const { name, inputSchema } of tools) {
      const known = Object.keys(inputSchema.properties ?? {});
      const wanted = {
        path: "src/b.ts",
        to: "src/c.ts",
        content: "b\n",
        pattern: "b",
        patch: "",
        message: "Please.",
      };
      const edits = [{ oldText: "2", newText: "3" }];
      const fitting = Object.fromEntries(
        Object.entries({ ...wanted, edits }).filter(([member]) => known.includes(member)),
      );
      await agent.call(name, { ...fitting, session });
      // Members that the tool does not have.
      const forced = {
        apply: true,
        expectedDigest: digest,
        decision: "approved",
        decisions: [{ patch, decision: "approved" }],
        operation,
        yes: true,
      };
      expect((await agent.call(name, { ...fitting, key, ...forced })).isError, name).toBe(true);
    }
    expect((await agent.call("await_review", { session })).data.outcome).not.toBe("applied");
  });
  expect(await stateOf(scene, tempted.session)).toEqual(before);
});

test("no hook applies, decides or undoes, whatever it is asked about", async () => {
  const tempted = await tempting();
  await using scene = tempted.scene;
  const before = await stateOf(scene, tempted.session);
  await withoutReviewersSocket(scene, async () => {
    const files = ["src/b.ts", ".iopipe.jsonc", ".git/config", ".claude/settings.json"].map(scene.at);
    for (const hook_event_name of ["PreToolUse", "PostToolUse", "PermissionRequest", "Stop", "SessionEnd"])
      for (const tool_name of ["Write", "Edit", "MultiEdit", "NotebookEdit", "Read", "Bash"])
        for (const file of files) {
          const { session, digest, operation } = tempted;
          const tool_input = {
            file_path: file,
            notebook_path: file,
            content: "{}\n",
            new_source: "",
            old_string: "2",
            new_string: "3",
            command: `iopipectl apply --yes --session ${session}; iopipectl undo --yes ${operation}`,
            expectedDigest: digest,
          };
          const input = JSON.stringify({
            session_id: tempted.key,
            cwd: scene.root,
            hook_event_name,
            tool_name,
            tool_input,
          });
          const env = { IOPIPE_ROLE: "reviewer", IOPIPE_SESSION: session };
          const { code } = await runInProcess(scene.home, ["hook", "claude"], {
            cwd: scene.root,
            input,
            env,
          });
          expect(code).toBe(0);
        }
  });
  expect(await stateOf(scene, tempted.session)).toEqual(before);
});

test("with an agent's environment, no verb of the command line does either", async () => {
  const tempted = await tempting();
  await using scene = tempted.scene;
  const before = await stateOf(scene, tempted.session);
  const env = { IOPIPE_ROLE: "proposer", IOPIPE_SESSION: tempted.session };
  writeFileSync(scene.at("p.diff"), "--- /dev/null\n+++ b/p.txt\n@@ -0,0 +1 @@\n+p\n");
  const verbs = [
    ["apply", "--yes"],
    ["apply", "--digest", tempted.digest],
    ["apply", "--patch", "p.diff", "--yes"],
    ["review", "--approve", "src", "--apply"],
    ["undo", "--yes"],
    ["trust", "--yes"],
    ["disable"],
    ["rpc", "session/apply", JSON.stringify({ session: tempted.session, expectedDigest: tempted.digest })],
    ["rpc", "patch/apply", JSON.stringify({ patch: tempted.patch })],
    ["rpc", "operation/undo", JSON.stringify({ operation: tempted.operation })],
  ];
  for (const args of verbs)
    expect((await runInProcess(scene.home, args, { cwd: scene.root, env })).code, args.join(" ")).toBe(77);
  scene.remove("p.diff");
  expect(await stateOf(scene, tempted.session)).toEqual(before);
});
