/** `iopipectl mcp`, driven by the official client over stdio, in both eras of the protocol. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { openScene } from "./acceptance/scene.ts";
import {
  daemonPid,
  emptyNodeMs,
  IOPIPECTL,
  iopipectl,
  kill,
  spawnIopipectl,
  startingHome,
} from "./fixture/cli.ts";
import { ERAS, mcpClient, mcpInProcess } from "./mcp/client.ts";

describe.each(ERAS)("in the era of %s", (era) => {
  test("an agent's whole story: read, edits of which one is refused, diff, review by a person, applied", async () => {
    await using scene = await openScene();
    const before = scene.tree();
    await using agent = await mcpClient(scene.home, { era, cwd: scene.root });
    const key = `a story ${crypto.randomUUID()}`;

    const read = await agent.call("read_staged", { path: "src/a.ts", key });
    expect(read.data).toMatchObject({
      content: "export const a = 1;\n",
      origin: "disk",
      complete: true,
      totalLines: 1,
    });
    const edits = [{ oldText: "a = 1", newText: "a = 11" }];
    const first = await agent.call("stage_edit", { path: "src/a.ts", key, baseHash: read.data.hash, edits });
    expect(first.data).toMatchObject({
      way: "staged",
      patches: [{ path: "src/a.ts", kind: "update", state: "Pending" }],
    });
    const session = first.data.session.id;
    expect((await scene.reviewer.call("session/get", { session })).session.agent).toBe("test");
    const refused = await agent.call("stage_edit", {
      path: "src/b.ts",
      session,
      edits: [{ oldText: "c = 3", newText: "" }],
    });
    expect(refused.isError).toBe(true);
    expect(refused.text).toMatch(/MatchNotFound: .*src\/b\.ts/);
    expect(refused.text).toContain("Next: ");
    const more = [{ oldText: "b = 2", newText: "b = 22" }];
    expect((await agent.call("stage_edit", { path: "src/b.ts", key, edits: more })).data.session.id).toBe(
      session,
    );
    await agent.call("stage_edit", { path: "src/a.ts", session, edits: [{ oldText: "11", newText: "111" }] });
    expect((await agent.call("read_staged", { path: "src/a.ts", session })).data).toMatchObject({
      content: "export const a = 111;\n",
      origin: "staged",
    });

    const diff = await agent.call("diff_staged", { session });
    expect(diff.data.diff).toContain("+export const a = 111;");
    expect(diff.data.files).toHaveLength(2);
    expect((await agent.call("check_staged", { session })).data).toMatchObject({ wouldApply: true });
    expect((await agent.call("await_review", { session })).data.outcome).toBe("unsubmitted");
    const submitted = await agent.call("submit_for_review", { session, message: "Larger numbers" });
    expect(submitted.data).toMatchObject({
      session: { ready: true },
      next: expect.stringContaining("iopipectl review"),
    });
    expect((await agent.call("await_review", { session })).data.outcome).toBe("waiting");
    expect(scene.tree()).toEqual(before);

    const waiting = agent.call("await_review", { key, waitSeconds: 60 });
    const review = ["review", "--session", session, "--approve", "src", "--note", "fine", "--apply"];
    expect(await iopipectl(scene.home, review, { cwd: scene.root })).toMatchObject({ code: 0 });
    expect((await waiting).data.outcome).toMatch(/approved|applied/);
    const done = await agent.call("await_review", { key });
    expect(done.data).toMatchObject({ outcome: "applied", session: { id: session, state: "Applied" } });
    expect(done.data.patches).toMatchObject([{ state: "Applied", note: "fine" }, { state: "Applied" }]);
    expect(scene.read("src/a.ts")).toBe("export const a = 111;\n");
    // The key now begins something new.
    const next = await agent.call("stage_write", { path: "new.txt", key, content: "new\n" });
    expect(next.data.session.id).not.toBe(session);
  });
});

/** An agent with a key of its own, on a repository of its own. */
async function agentOn(files?: Record<string, string>, era: (typeof ERAS)[number] = "2026-07-28") {
  const scene = await openScene({ ...(files && { files }) });
  const agent = await mcpInProcess(scene.home, { cwd: scene.root, era });
  const key = crypto.randomUUID();
  const call = (name: string, args: Record<string, unknown> = {}) => agent.call(name, { key, ...args });
  const dispose = async (): Promise<void> => {
    await agent[Symbol.asyncDispose]();
    await scene[Symbol.asyncDispose]();
  };
  return { scene, agent, call, [Symbol.asyncDispose]: dispose };
}

/** Which tool has which effect; the hints are what hosts go by when they ask a person for each call. */
const TOOLS = {
  reads: [
    "read_staged",
    "list_staged",
    "search_staged",
    "diff_staged",
    "check_staged",
    "session_status",
    "await_review",
  ],
  stages: [
    "stage_write",
    "stage_edit",
    "stage_delete",
    "stage_move",
    "stage_patch",
    "discard_staged",
    "submit_for_review",
  ],
  runs: ["verify_staged"],
};

test("every tool says all four hints, and has schemas in which `path` is first and content last", async () => {
  await using on = await agentOn();
  const { tools } = await on.agent.client.listTools();
  expect(tools.map(({ name }) => name).sort()).toEqual(Object.values(TOOLS).flat().sort());
  for (const { name, annotations, inputSchema, outputSchema, description } of tools) {
    const { readOnlyHint, destructiveHint, idempotentHint, openWorldHint } = annotations ?? {};
    expect([readOnlyHint, destructiveHint, openWorldHint], name).toEqual([
      TOOLS.reads.includes(name),
      false,
      TOOLS.runs.includes(name),
    ]);
    expect(idempotentHint, name).toEqual(expect.any(Boolean));
    const properties = Object.keys(inputSchema.properties ?? {});
    if (properties.includes("path")) expect(properties[0], name).toBe("path");
    if (properties.includes("content")) expect(properties.at(-1), name).toBe("content");
    expect(properties, name).toEqual(expect.arrayContaining(["session", "key"]));
    expect(inputSchema).toMatchObject({ additionalProperties: false });
    expect(outputSchema?.properties, name).toHaveProperty("next");
    expect(description, name).toMatch(/\.$/);
  }
});

test("no tool is there to apply, decide or undo, and the method behind them is refused all the same", async () => {
  await using on = await agentOn();
  const { session } = (await on.call("stage_write", { path: "src/a.ts", content: "1\n" })).data;
  for (const name of ["apply_staged", "session/apply", "session_apply", "approve", "undo"])
    await expect(on.agent.call(name, { session: session.id })).rejects.toThrow(/not found/);
  // A role in its environment makes it no reviewer.
  await using reviewer = await mcpClient(on.scene.home, {
    cwd: on.scene.root,
    env: { IOPIPE_ROLE: "reviewer" },
  });
  await reviewer.call("submit_for_review", { session: session.id });
  const proposer = on.scene.proposer;
  for (const method of ["session/apply", "session/decide", "operation/undo"] as const)
    await expect(proposer.call(method, { session: session.id } as never)).rejects.toMatchObject({
      kind: "NotPermitted",
    });
  expect(on.scene.read("src/a.ts")).toBe("export const a = 1;\n");
});

test.each(ERAS)(
  "%s: writes, deletions, moves and both forms of patch are staged, read back, listed and dropped",
  async (era) => {
    await using on = await agentOn(undefined, era);
    const before = on.scene.tree();
    await on.call("stage_write", {
      path: "bin/run",
      content: "IyEK",
      encoding: "base64",
      mode: 0o755,
      expectedBytes: 3,
    });
    await on.call("stage_move", { path: "src/a.ts", to: path.join(on.scene.root, "src/c.ts") });
    await on.call("stage_delete", { path: "src/b.ts" });
    const listed = await on.call("list_staged", { recursive: true });
    expect(listed.data.entries.map((entry: { path: string }) => entry.path)).toEqual([
      "bin",
      "bin/run",
      "src",
      "src/c.ts",
    ]);
    expect((await on.call("list_staged", { limit: 1 })).data).toMatchObject({
      after: "bin",
      next: expect.stringContaining("more"),
    });
    expect((await on.call("read_staged", { path: "src/b.ts" })).text).toMatch(
      /FileNotFound.*\nNext: Look with list_staged/,
    );

    const diff = "--- a/src/c.ts\n+++ b/src/c.ts\n@@ -1 +1 @@\n-export const a = 1;\n+export const a = 2;\n";
    expect((await on.call("stage_patch", { patch: diff })).data.patches).toMatchObject([
      { path: "src/c.ts", kind: "rename" },
    ]);
    const text = "*** Begin Patch\n*** Add File: d.txt\n+d\n*** End Patch\n";
    expect((await on.call("stage_patch", { patch: text })).data.patches).toMatchObject([
      { path: "d.txt", kind: "create" },
    ]);
    expect((await on.call("stage_patch", { patch: "nonsense" })).text).toContain("PatchMalformed");
    const { data } = await on.call("session_status");
    expect(data.patches.map((patch: { path: string }) => patch.path).sort()).toEqual([
      "bin/run",
      "d.txt",
      "src/b.ts",
      "src/c.ts",
    ]);

    const dropped = await on.call("discard_staged", { paths: ["d.txt"] });
    expect(dropped.data).toMatchObject({ discarded: ["d.txt"], session: { patches: { pending: 3 } } });
    expect((await on.call("discard_staged", { paths: ["d.txt"] })).text).toContain("PatchNotFound");
    expect((await on.call("discard_staged")).data.session.patches.pending).toBe(0);
    expect((await on.call("diff_staged")).data).toMatchObject({
      diff: "",
      files: [],
      next: "Nothing is staged.",
    });
    expect(on.scene.tree()).toEqual(before);
  },
);

test("a call that names no session, or two, content that was cut off and an unknown argument are refused in words", async () => {
  await using on = await agentOn();
  const refusal = async (name: string, args: object) =>
    (await on.agent.call(name, args as Record<string, unknown>)).text;
  expect(await refusal("read_staged", { path: "src/a.ts" })).toMatch(
    /names no session.*\nNext: Give a `key`/,
  );
  expect(await refusal("session_status", { session: "s1", key: "k" })).toContain("Both `session` and `key`");
  expect(await refusal("session_status", { session: "s1" })).toContain("SessionNotFound");
  expect(await refusal("await_review", { key: "unused" })).toMatch(
    /No session has the key.*\nNext: Stage something/,
  );
  const cut = { path: "a", key: "k", content: "ab", expectedBytes: 3 };
  expect(await refusal("stage_write", cut)).toMatch(/has 2 bytes, not 3.*\nNext: It was cut off/);
  expect(await refusal("stage_write", { path: "../a", key: "k", content: "" })).toContain("PathEscape");
  expect(await refusal("stage_write", { path: "/etc/passwd", key: "k", content: "" })).toContain(
    "PathEscape",
  );
  expect(await refusal("stage_write", { path: "a", key: "k", contnet: "" })).toMatch(/contnet|content/);
  const stale = { path: "src/a.ts", key: "k", content: "", baseHash: "0".repeat(64) };
  expect(await refusal("stage_write", stale)).toMatch(/Stale: .*\nNext: The file is not what you read/);
  expect(
    (await on.scene.reviewer.call("session/list", { workspace: on.scene.workspace })).sessions,
  ).toHaveLength(1);
});

test("IOPIPE_SESSION names the session of calls that name none; a session of another workspace is none here", async () => {
  await using on = await agentOn();
  const { session } = await on.scene.reviewer.call("session/open", { workspace: on.scene.workspace });
  await using agent = await mcpClient(on.scene.home, {
    cwd: on.scene.root,
    env: { IOPIPE_SESSION: session.id },
  });
  expect((await agent.call("stage_write", { path: "x", content: "x\n" })).data.session.id).toBe(session.id);
  const elsewhere = path.join(on.scene.home.directory, "elsewhere");
  mkdirSync(elsewhere);
  await on.scene.reviewer.call("workspace/open", { root: elsewhere });
  await using other = await mcpClient(on.scene.home, {
    cwd: on.scene.root,
    args: ["--workspace", elsewhere],
  });
  const refused = await other.call("stage_write", {
    path: path.join(elsewhere, "x"),
    session: session.id,
    content: "",
  });
  expect(refused.text).toMatch(/SessionNotFound.*not of the workspace/);
});

test("outside every open workspace a tool says who opens one, and works as soon as it is open", async () => {
  await using on = await agentOn();
  const elsewhere = path.join(on.scene.home.directory, "elsewhere");
  mkdirSync(elsewhere);
  await using agent = await mcpClient(on.scene.home, { cwd: elsewhere });
  const args = { path: "x", key: "k", content: "x\n" };
  expect((await agent.call("stage_write", args)).text).toContain(`\`iopipectl open ${elsewhere}\``);
  await on.scene.reviewer.call("workspace/open", { root: elsewhere });
  expect((await agent.call("stage_write", args)).data.patches).toHaveLength(1);
});

test("what is long comes in parts: a file by lines, a diff as one resource a patch", async () => {
  const line = (n: number): string => `line ${n} ${"x".repeat(40)}`;
  const long = `${Array.from({ length: 4000 }, (_, n) => line(n + 1)).join("\n")}\n`;
  await using on = await agentOn({ "long.txt": long, "binary.bin": "\0" });
  const first = (await on.call("read_staged", { path: "long.txt" })).data;
  expect(first).toMatchObject({ line: 1, totalLines: 4000, complete: false });
  const rest = (await on.call("read_staged", { path: "long.txt", line: first.lines + 1, lines: 2 })).data;
  expect(rest).toMatchObject({
    content: `${line(first.lines + 1)}\n${line(first.lines + 2)}\n`,
    complete: true,
  });
  on.scene.write("binary.bin", Buffer.from([0xff, 0xfe]));
  expect((await on.call("read_staged", { path: "binary.bin" })).data).toMatchObject({
    content: "//4=",
    encoding: "base64",
  });
  truncateSync(on.scene.at("binary.bin"), 33 * 1024 * 1024);
  expect((await on.call("read_staged", { path: "binary.bin" })).text).toMatch(
    /TooLarge: binary\.bin has 34603008 bytes/,
  );

  await on.call("stage_write", { path: "long.txt", content: long.toUpperCase() });
  const { data, content } = await on.call("diff_staged");
  expect(data).toMatchObject({ diff: "", linked: true, files: [{ path: "long.txt" }] });
  const link = content.find((block) => block.type === "resource_link");
  const uri = link?.type === "resource_link" ? link.uri : "";
  const { contents } = await on.agent.client.readResource({ uri });
  expect(contents).toMatchObject([
    { uri, mimeType: "text/x-diff", text: expect.stringContaining("+LINE 4000") },
  ]);
  await on.call("stage_write", { path: "long.txt", content: "short\n" });
  await expect(on.agent.client.readResource({ uri })).rejects.toThrow(/not pending any more/);
});

test.each(ERAS)(
  "%s: search finds what is staged instead of what is on disk, and leaves out what is ignored",
  async (era) => {
    await using on = await agentOn(
      {
        "src/a.ts": "needle one\n",
        "src/b.ts": "needle (two)\n",
        "gone.ts": "needle gone\n",
        "ignored/c.ts": "needle ignored\n",
        "debug.log": "needle log\n",
        ".gitignore": "ignored/\n*.log\n",
        "binary.bin": "needle \0\n",
      },
      era,
    );
    symlinkSync("src/a.ts", on.scene.at("link.ts"));
    await on.scene.reviewer.call("watch/sync", { workspace: on.scene.workspace });
    await on.call("stage_edit", { path: "src/a.ts", edits: [{ oldText: "one", newText: "1\nand NEEDLE" }] });
    await on.call("stage_delete", { path: "gone.ts" });
    await on.call("stage_write", { path: "new/d.ts", content: "a needle\n" });
    const search = async (args: object) => {
      const { data } = await on.call("search_staged", args as Record<string, unknown>);
      return {
        ...data,
        found: data.matches.map((match: { path: string; line: number }) => `${match.path}:${match.line}`),
      };
    };
    expect(await search({ pattern: "needle" })).toMatchObject({
      found: ["new/d.ts:1", "src/a.ts:1", "src/b.ts:1"],
      complete: true,
    });
    expect((await search({ pattern: "needle", ignoreCase: true, globs: ["src/**"] })).found).toEqual([
      "src/a.ts:1",
      "src/a.ts:2",
      "src/b.ts:1",
    ]);
    expect((await search({ pattern: "(two)" })).found).toEqual(["src/b.ts:1"]);
    expect((await search({ pattern: "\\(t.o\\)$", regex: true })).found).toEqual(["src/b.ts:1"]);
    expect((await search({ pattern: "needle", globs: ["ignored/**"] })).found).toEqual(["ignored/c.ts:1"]);
    expect(await search({ pattern: "needle", limit: 1 })).toMatchObject({
      found: ["new/d.ts:1"],
      complete: false,
    });
    expect((await on.call("search_staged", { pattern: "(", regex: true })).text).toContain(
      "Invalid regular expression",
    );
  },
);

test("a regular expression that never ends is given up, and the next call is answered meanwhile", async () => {
  await using on = await agentOn({ "a.txt": `${"a".repeat(60)}b\n`, "b.txt": "b\n" });
  const stuck = on.call("search_staged", { pattern: "^(a+)+$", regex: true });
  expect((await on.call("read_staged", { path: "b.txt" })).data.content).toBe("b\n");
  expect((await stuck).data).toMatchObject({ matches: [], complete: false });
});

test("a wait reports progress to a host that asks for it, and ends when the host cancels it", async () => {
  await using on = await agentOn();
  await on.call("stage_write", { path: "src/a.ts", content: "1\n" });
  const { session } = (await on.call("submit_for_review")).data;
  const cancel = new AbortController();
  const arguments_ = { session: session.id, waitSeconds: 60 };
  const waiting = on.agent.client.callTool(
    { name: "await_review", arguments: arguments_ },
    { signal: cancel.signal, onprogress: () => cancel.abort() },
  );
  await expect(waiting).rejects.toThrow();
  expect((await on.call("session_status")).data.session.state).toBe("Pending");
  const rejected = ["review", "--session", session.id, "--reject", "src", "--note", "No."];
  await iopipectl(on.scene.home, rejected, { cwd: on.scene.root });
  const seen = await on.call("await_review", { waitSeconds: 1 });
  expect(seen.data).toMatchObject({
    outcome: "rejected",
    patches: [{ path: "src/a.ts", note: "No.", reason: "rejected" }],
  });
  await on.call("stage_write", { path: "src/a.ts", content: "2\n" });
  expect((await on.call("await_review")).data.outcome).toBe("unsubmitted");
});

test("a rejection is told until the rest is handed in again, and not any more when that was applied", async () => {
  await using on = await agentOn();
  for (const path of ["src/a.ts", "b.txt", "c.txt"]) await on.call("stage_write", { path, content: "1\n" });
  const { session } = (await on.call("submit_for_review")).data;
  const review = (...args: string[]) =>
    iopipectl(on.scene.home, ["review", "--session", session.id, ...args], { cwd: on.scene.root });
  const outcome = async () => (await on.call("await_review")).data.outcome;
  await review("--reject", "b.txt", "--note", "No.");
  expect(await outcome()).toBe("rejected");
  await on.call("submit_for_review");
  expect(await outcome()).toBe("waiting");
  await review("--reject", "c.txt", "--note", "Nor this.");
  expect(await outcome()).toBe("rejected");
  await review("--approve", "src", "--apply");
  expect(await outcome()).toBe("applied");
});

test("who hands in what is stale is told to stage it again first", async () => {
  await using on = await agentOn();
  for (const path of ["src/a.ts", "b.txt"]) await on.call("stage_write", { path, content: "1\n" });
  writeFileSync(on.scene.at("src/a.ts"), "somebody's\n");
  await expect.poll(async () => (await on.call("session_status")).data.session.patches.stale).toBe(1);
  expect((await on.call("submit_for_review")).data.next).toContain("stage the stale ones again");
});

const INITIALIZE = JSON.stringify({
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "t", version: "1" } },
});

test("when stdin ends it is gone within a second, though a call still waits", async () => {
  await using on = await agentOn();
  const { session } = (await on.call("stage_write", { path: "src/a.ts", content: "1\n" })).data;
  const server = spawnIopipectl(on.scene.home, ["mcp"], { cwd: on.scene.root });
  let output = "";
  server.stdout.setEncoding("utf8").on("data", (piece: string) => {
    output += piece;
  });
  const call = {
    name: "await_review",
    arguments: { session: session.id, waitSeconds: 60 },
    _meta: { progressToken: 1 },
  };
  server.stdin.write(
    `${INITIALIZE}\n${JSON.stringify({ jsonrpc: "2.0", id: 2, method: "tools/call", params: call })}\n`,
  );
  await until(() => output.includes("notifications/progress"));
  const exited = once(server, "exit");
  const started = performance.now();
  server.stdin.end();
  expect(await exited).toEqual([0, null]);
  expect(performance.now() - started).toBeLessThan(Math.max(1000, 12 * emptyNodeMs()));
  for (const line of output.trim().split("\n")) expect(JSON.parse(line)).toMatchObject({ jsonrpc: "2.0" });
});

test("when its host is gone and somebody else holds the pipe, it ends too", async () => {
  await using on = await agentOn();
  // A shell starts a server on a pipe that another process keeps open, and is killed.
  const script = `{ printf '%s\\n' "$2"; sleep 1000; } | { "$0" "$1" mcp <&3 & echo $! >&2; wait; } 3<&0`;
  const args = ["-c", script, process.execPath, IOPIPECTL, INITIALIZE];
  const shell = spawn("sh", args, { cwd: on.scene.root, env: on.scene.home.env, detached: true });
  try {
    const said = once(shell.stderr.setEncoding("utf8"), "data");
    await once(shell.stdout, "data");
    const pid = Number(String(await said).trim());
    const parent = Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
    process.kill(parent, "SIGKILL");
    await until(() => !isAlive(pid));
  } finally {
    process.kill(-(shell.pid as number), "SIGKILL");
  }
});

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test("without a daemon the first call starts one; killed between two calls or during a wait, it is started again", async () => {
  await using home = startingHome();
  const root = path.join(home.directory, "repo");
  mkdirSync(root);
  expect(await iopipectl(home, ["open", root])).toMatchObject({ code: 0 });
  await using agent = await mcpClient(home, { cwd: root });
  const call = (name: string, args: Record<string, unknown> = {}) => agent.call(name, { key: "k", ...args });
  const { session } = (await call("stage_write", { path: "a", content: "1\n" })).data;
  await kill(await daemonPid(home));
  expect((await call("read_staged", { path: "a" })).data).toMatchObject({ content: "1\n", origin: "staged" });
  await kill(await daemonPid(home));
  const second = await call("stage_write", { path: "b", content: "2\n" });
  expect(second.data.session).toMatchObject({ id: session.id, patches: { pending: 2 } });
  const waiting = call("await_review", { waitSeconds: 60 });
  await call("session_status");
  await kill(await daemonPid(home));
  await iopipectl(home, ["discard", "--session", session.id], { cwd: root });
  const waited = await waiting;
  expect(waited.data?.outcome, waited.text).toBe("nothing");
});

describe.each([
  ["inside `iopipectl run`", "layer", (root: string) => ({ IOPIPE_LAYER: root })],
  ["where iopipe is switched off by the environment", "plain", () => ({ IOPIPE_DISABLE: "1" })],
])("%s", (_, way, env) => {
  test("files are written plainly, and the answer says so; a patch and a path outside are refused", async () => {
    await using scene = await openScene();
    await using agent = await mcpInProcess(scene.home, { cwd: scene.root, env: env(scene.root) });
    const call = (name: string, args: Record<string, unknown>) => agent.call(name, { key: "k", ...args });
    const edits = [{ oldText: "1", newText: "2" }];
    expect((await call("stage_edit", { path: "src/a.ts", edits })).data).toMatchObject({ way, patches: [] });
    expect(scene.read("src/a.ts")).toBe("export const a = 2;\n");
    expect((await call("read_staged", { path: "src/a.ts" })).data.content).toBe("export const a = 2;\n");
    expect((await call("stage_edit", { path: "src/a.ts", edits })).text).toContain("MatchNotFound");
    expect(
      (await call("stage_edit", { path: "src/a.ts", edits: [{ oldText: "t", newText: "" }] })).text,
    ).toContain("MatchAmbiguous");
    await call("stage_write", { path: "new/file", content: "AAE=", encoding: "base64" });
    expect(readFileSync(scene.at("new/file"))).toEqual(Buffer.from([0, 1]));
    expect((await call("stage_write", { path: "new/file", content: "", createOnly: true })).text).toContain(
      "FileExists",
    );
    await call("stage_move", { path: "new/file", to: "newer/file" });
    expect((await call("stage_move", { path: "src/a.ts", to: "newer/file" })).text).toContain("FileExists");
    await call("stage_edit", { path: "src/a.ts", edits: [{ oldText: "t", newText: "T", replaceAll: true }] });
    expect(scene.read("src/a.ts")).toBe("exporT consT a = 2;\n");
    await call("stage_write", { path: "new/run", content: "#!/bin/sh\n", mode: 0o755 });
    expect(statSync(scene.at("new/run")).mode & 0o777).toBe(0o755);
    await call("stage_delete", { path: "src/b.ts" });
    expect(Object.keys(scene.tree())).toEqual(expect.arrayContaining(["newer/file"]));
    expect(Object.keys(scene.tree())).not.toContain("src/b.ts");
    for (const tool of ["list_staged", "diff_staged", "await_review"])
      expect((await call(tool, {})).text).toMatch(/IllegalState.*no session.*\nNext: Look at the files/);
    expect((await call("stage_patch", { patch: "x" })).text).toMatch(/IllegalState.*\nNext: Use stage_edit/);
    expect((await call("stage_write", { path: "../out", content: "" })).text).toContain("PathEscape");
    expect((await call("stage_delete", { path: "nothing" })).text).toContain("ENOENT");
    const { sessions } = await scene.reviewer.call("session/list", { workspace: scene.workspace });
    for (const { patches } of sessions) expect(patches.pending).toBe(0);
  });
});

test("started by `iopipectl run`, it writes into the layer, whose session has all of it when the host is gone", async () => {
  await using on = await agentOn();
  const before = on.scene.tree();
  {
    await using agent = await mcpClient(on.scene.home, { cwd: on.scene.root, through: ["run", "--"] });
    const written = await agent.call("stage_write", {
      path: "src/a.ts",
      key: "k",
      content: "in the layer\n",
    });
    expect(written.data, written.text).toMatchObject({
      way: "layer",
      next: expect.stringContaining("when the command ends"),
    });
    expect((await agent.call("read_staged", { path: "src/a.ts", key: "k" })).data.content).toBe(
      "in the layer\n",
    );
  }
  expect(on.scene.tree()).toEqual(before);
  const { sessions } = await on.scene.reviewer.call("session/list", { workspace: on.scene.workspace });
  const { patches } = await on.scene.reviewer.session(sessions[0]?.id as string).get();
  expect(patches).toMatchObject([{ path: "src/a.ts", state: "Pending" }]);
});

test("a workspace that was switched off takes plain writes until it is switched on again", async () => {
  await using on = await agentOn();
  await iopipectl(on.scene.home, ["disable"], { cwd: on.scene.root });
  const off = await on.call("stage_write", { path: "src/a.ts", content: "off\n" });
  expect(off.data).toMatchObject({
    way: "plain",
    next: expect.stringContaining("switched off here (disabled)"),
  });
  expect(on.scene.read("src/a.ts")).toBe("off\n");
  await iopipectl(on.scene.home, ["enable"], { cwd: on.scene.root });
  writeFileSync(on.scene.at("src/a.ts"), "on\n");
  expect((await on.call("stage_write", { path: "src/a.ts", content: "staged\n" })).data.way).toBe("staged");
  expect(on.scene.read("src/a.ts")).toBe("on\n");
});
